"""Which files below a folder are images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from classicvis.exceptions import ImageError

# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    ".webp", ".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico",
})
# fmt: on


class FoundFiles(NamedTuple):
    """Files below a folder: the images, and what was passed over (hidden or no image)."""

    images: list[Path]
    ignored: list[Path]


def is_hidden(path: Path) -> bool:
    """Return whether a file or folder is hidden, or system litter."""
    return path.name.startswith(".") or path.name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def find_images(folder: Path) -> FoundFiles:
    """Return the image files below a folder, recursively, in the order of their relative paths.

    Parameters
    ----------
    folder : Path
        Where to look; links to folders are not followed.

    Returns
    -------
    FoundFiles
        Files are told by their suffix alone; nothing is opened.

    Raises
    ------
    ImageError
        If the folder does not exist or cannot be listed.
    """
    found = FoundFiles([], [])

    def refuse(error: OSError) -> None:
        raise ImageError(
            f"{error.filename}: the folder cannot be listed ({error.strerror}); "
            "check the path and its permissions."
        ) from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        hidden = [name for name in folders if is_hidden(Path(name))]
        found.ignored.extend(Path(root, name) for name in hidden)
        folders[:] = [name for name in folders if name not in hidden]
        for name in files:
            path = Path(root, name)
            is_image = path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(path)
            (found.images if is_image else found.ignored).append(path)
    for paths in found:
        paths.sort(key=lambda path: path.relative_to(folder).parts)
    return found
