"""A small folder of real photos, cut from pictures that ship inside the dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

TILE = 64  # pixels
TILES_PER_CLASS = 28

_SKIMAGE = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "rocket")
_NAMES = {"chelsea": "cat"}


def write_photo_folder(root: Path) -> None:
    """Write one folder of JPEG tiles per picture: ``root/cat/00.jpg``.

    The tiles of a picture do not overlap, so none shows pixels of another. They are spread evenly
    over it, and are as many for each class.

    Parameters
    ----------
    root : Path
        An empty folder.
    """
    for name, picture in _pictures():
        folder = root / name
        folder.mkdir()
        for i, tile in enumerate(_tiles(picture)):
            Image.fromarray(tile).save(folder / f"{i:02d}.jpg", quality=90)


def _pictures() -> Iterator[tuple[str, np.ndarray]]:
    for name in _SKIMAGE:
        yield _NAMES.get(name, name), getattr(skimage.data, name)()
    for name in ("china", "flower"):
        yield name, load_sample_image(f"{name}.jpg")


def _tiles(picture: np.ndarray) -> list[np.ndarray]:
    rows, cols = (side // TILE for side in picture.shape[:2])
    chosen = np.linspace(0, rows * cols - 1, TILES_PER_CLASS).round().astype(int)
    corners = [(TILE * (i // cols), TILE * (i % cols)) for i in chosen]
    return [picture[row : row + TILE, col : col + TILE] for row, col in corners]
