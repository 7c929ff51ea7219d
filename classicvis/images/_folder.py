"""A folder of photos as images and labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from classicvis.exceptions import ImageError, ParameterError
from classicvis.images._decode import check_header, read_image
from classicvis.images._files import IMAGE_SUFFIXES, find_images, is_hidden
from classicvis.images._sequence import ON_ERROR, ImageSequence, OnError, Unreadable

SUBSETS = ("train", "val", "valid", "validation", "test")


@dataclass(frozen=True)
class ImageFolder:
    """What `load_image_folder` found.

    Attributes
    ----------
    images : ImageSequence of length n
        The photos, not yet decoded.
    target : ndarray of shape (n,), int64
        The class of each image, an index into `target_names`.
    target_names : list of str
        The class names, sorted.
    paths : list of Path
        The file of each image.
    subset : ndarray of shape (n,), str
        "train", "test", ... where the folder is divided so; "" elsewhere.
    skipped : list of Unreadable
        The files that cannot be read, each with the reason. With ``on_error="skip"`` they are in
        none of the other attributes, with "mark" they are.
    ignored : list of Path
        Hidden files and files that are no images by their suffix.
    """

    images: ImageSequence
    target: np.ndarray
    target_names: list[str]
    paths: list[Path]
    subset: np.ndarray
    skipped: list[Unreadable] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)

    @property
    def labels(self) -> np.ndarray:
        """The class name of each image: an array of str of shape (n,)."""
        return np.asarray(self.target_names)[self.target]

    def select(self, mask: np.ndarray) -> ImageFolder:
        """Return the part that a boolean mask or an array of indices selects; classes stay."""
        indices = np.arange(len(self.paths))[mask]
        return ImageFolder(
            images=self.images[indices],
            target=self.target[indices],
            target_names=self.target_names,
            paths=[self.paths[i] for i in indices],
            subset=self.subset[indices],
            skipped=self.skipped,
            ignored=self.ignored,
        )

    def __repr__(self) -> str:
        return (
            f"<ImageFolder of {len(self.paths)} images in {len(self.target_names)} classes, "
            f"{len(self.skipped)} skipped, {len(self.ignored)} ignored>"
        )


def load_image_folder(
    folder: str | Path,
    *,
    on_error: OnError = "raise",
    subset: str | None = None,
    n_jobs: int | None = None,
) -> ImageFolder:
    """Find the images of a folder that has one sub-folder per class.

    Parameters
    ----------
    folder : str or Path
        Either ``folder/CLASS/...`` (images may lie deeper), or ``folder/train/CLASS/...`` beside
        ``folder/test/CLASS/...``. A folder that holds nothing but one such folder is entered.
    on_error : {"raise", "skip", "mark"}, default="raise"
        What becomes of unreadable files. "raise": files that are no images raise here, files that
        are damaged further in raise when they are decoded. "skip" and "mark" decode every file
        once; "skip" leaves unreadable files out, "mark" keeps their rows (see `ImageSequence`);
        both list them in ``skipped``.
    subset : str, default=None
        Only this part of a divided folder: "train", "test", "val", ...
    n_jobs : int, default=None
        Threads that check the files; None means 1.

    Returns
    -------
    ImageFolder
        In an order that depends on the names alone: by subset, class, path.

    Raises
    ------
    ImageError
        If there is no folder, no class, no image, or with "raise" an unreadable file.
    """
    if on_error not in ON_ERROR:
        raise ParameterError(f"on_error={on_error!r}: expected one of {', '.join(ON_ERROR)}.")
    data = find_image_folder(Path(folder), subset, on_error)
    data.skipped.extend(_check(data.paths, on_error, n_jobs))
    return _without_skipped(data) if on_error == "skip" else data


def find_image_folder(
    folder: Path, subset: str | None = None, on_error: OnError = "mark"
) -> ImageFolder:
    """Do what `load_image_folder` does without opening a file: nothing is skipped."""
    root = _enter(folder.expanduser())
    parts = _parts(root)
    if subset is not None:
        if subset not in parts:
            found = ", ".join(repr(name) for name in parts if name) or "no such folder"
            raise ImageError(f"{root}: found {found}, expected {subset!r}; leave subset out.")
        parts = {subset: parts[subset]}

    rows: list[tuple[str, str, Path]] = []
    ignored: list[Path] = []
    for part, part_folder in parts.items():
        ignored += _loose_files(part_folder)
        for class_folder in _folders(part_folder):
            files = find_images(class_folder)
            ignored += files.ignored if files.images else [class_folder]
            label = unicodedata.normalize("NFC", class_folder.name)
            rows += [(part, label, path) for path in files.images]
    if not rows:
        raise ImageError(_nothing_found(root))

    names = sorted({label for _, label, _ in rows})
    code = {name: i for i, name in enumerate(names)}
    paths = [path for _, _, path in rows]
    return ImageFolder(
        images=ImageSequence([str(path) for path in paths], on_error=on_error),
        target=np.array([code[label] for _, label, _ in rows], dtype=np.int64),
        target_names=names,
        paths=paths,
        subset=np.array([part for part, _, _ in rows]),
        ignored=ignored,
    )


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path))
    except OSError as error:
        raise ImageError(
            f"{folder}: the folder cannot be listed ({error.strerror}); check the path."
        ) from error


def _loose_files(folder: Path) -> list[Path]:
    """Return what lies beside the class folders and so has no class."""
    folders = set(_folders(folder))
    return sorted(path for path in folder.iterdir() if path not in folders)


def _enter(folder: Path) -> Path:
    """Go into a folder that holds nothing but one folder of folders, as archives often have."""
    while True:
        inner = _folders(folder)
        if len(inner) != 1 or len(_folders(inner[0])) < 2 or _direct_images(folder):
            return folder
        folder = inner[0]


def _direct_images(folder: Path) -> list[Path]:
    return [path for path in _loose_files(folder) if path.suffix.lower() in IMAGE_SUFFIXES]


def _parts(root: Path) -> dict[str, Path]:
    """Return the subsets of a divided folder by name; {"": root} where it is not divided."""
    folders = {path.name: path for path in _folders(root)}
    if "train" in folders and set(folders) <= set(SUBSETS) and _folders(folders["train"]):
        return {name: folders[name] for name in SUBSETS if name in folders}
    return {"": root}


def _nothing_found(root: Path) -> str:
    expected = f"expected one folder per class, such as {root.name}/cat/1.jpg"
    flat = len(find_images(root).images)
    if flat:
        return f"{root}: found {flat} images and no class folder, {expected}; move them into one."
    return f"{root}: found no image, {expected}; check the path."


def _check(paths: Sequence[Path], on_error: OnError, n_jobs: int | None) -> list[Unreadable]:
    """Return the unreadable files; with "raise", raise for them instead."""
    probe = check_header if on_error == "raise" else read_image
    reasons = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_reason)(probe, chunk) for chunk in np.array_split(np.array(paths), 64)
    )
    bad = [Unreadable(*pair) for chunk in reasons for pair in chunk]
    if bad and on_error == "raise":
        more = f" ({len(bad) - 1} more files cannot be read either.)" if len(bad) > 1 else ""
        raise ImageError(f"{bad[0].reason}{more} To go on without such files use on_error='skip'.")
    return bad


def _reason(probe: Any, paths: Sequence[Path]) -> list[tuple[str, str]]:
    reasons = []
    for path in paths:
        try:
            probe(path)
        except ImageError as error:
            reasons.append((str(path), str(error)))
    return reasons


def _without_skipped(data: ImageFolder) -> ImageFolder:
    bad = {entry.path for entry in data.skipped}
    kept = data.select(np.array([str(path) not in bad for path in data.paths], dtype=bool))
    if not kept.paths:
        raise ImageError(
            f"none of the {len(bad)} images can be read, expected at least one; "
            f"the first: {data.skipped[0].reason}"
        )
    return kept
