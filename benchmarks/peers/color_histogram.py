"""Colour histograms against OpenCV's ``calcHist``, with and without ``cvtColor`` before it.

The floor of a pixel of RGB: 3 bytes read and one increment (load, add, store). Its place takes 10
operations: a multiplication and a shift for each bin, two multiplications and two additions to
join them. HSV adds 4 comparisons of maximum and minimum, 4 subtractions, 4 operations and 2 choices
for the arc, 16 for the two quotients, their rounding and their products: 30. Lab adds 3 lookups of
linear light, 3 times 6 operations and a lookup for X, Y and Z, and 6 operations at the end: 30.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import cv2
import numpy as np
from skimage import data

from benchmarks.peers._rows import Goal, Row, Work
from classicvis.functional import color_histogram
from classicvis.kernels.color_histogram import color_histogram_batch
from classicvis.kernels.color_spaces import COLOR_SPACES

BINS = (8, 8, 8)
CODES = {"rgb": None, "hsv": cv2.COLOR_RGB2HSV_FULL, "lab": cv2.COLOR_RGB2LAB}
OPERATIONS = {"rgb": 10, "hsv": 40, "lab": 40}


def rows() -> list[Row]:
    photo = data.astronaut()
    names = {"rgb": "RGB", "hsv": "HSV", "lab": "Lab"}
    return [_photo_row(f"Joint 8x8x8 {names[s]} histogram, 512x512", photo, s) for s in CODES] + [
        _batch_row(photo)
    ]


def _opencv(image: np.ndarray, space: str) -> np.ndarray:
    code = CODES[space]
    converted = image if code is None else cv2.cvtColor(image, code)
    return cv2.calcHist([converted], [0, 1, 2], None, BINS, [0, 256] * 3)


def _photo_row(title: str, photo: np.ndarray, space: str) -> Row:
    n_pixels = photo.shape[0] * photo.shape[1]
    ours, peer = partial(color_histogram, photo, BINS, space), partial(_opencv, photo, space)

    def differences() -> Mapping[str, float]:
        return {"counts": float(np.abs(ours() * n_pixels - peer().ravel()).max())}

    return Row(
        title=title,
        ours=ours,
        peers={"OpenCV": peer},
        work=Work(photo.nbytes + 512 * 8, OPERATIONS[space] * n_pixels, n_pixels),
        goals={"OpenCV": Goal(must=1.5, aim=3)},
        differences=differences,
        limits={"counts": 0},
    )


def _batch_row(photo: np.ndarray) -> Row:
    corners = np.random.default_rng(0).integers(0, 512 - 32, (10_000, 2))
    tiles = np.stack([photo[r : r + 32, c : c + 32] for r, c in corners])
    out = np.empty((len(tiles), 512), np.float32)

    def ours() -> np.ndarray:
        color_histogram_batch(tiles, COLOR_SPACES["rgb"], BINS, True, (1, 1), out)
        return out

    def peer() -> list[np.ndarray]:
        return [_opencv(tile, "rgb") for tile in tiles]

    def differences() -> Mapping[str, float]:
        return {"counts": float(np.abs(ours() * 32**2 - np.reshape(peer(), out.shape)).max())}

    n_pixels = tiles.size // 3
    return Row(
        title="Joint 8x8x8 RGB histogram, batch of 10,000 32x32",
        ours=ours,
        peers={"OpenCV, a loop": peer},
        work=Work(tiles.nbytes + out.nbytes, OPERATIONS["rgb"] * n_pixels + out.size, n_pixels),
        differences=differences,
        limits={"counts": 0},
        n_items=len(tiles),
        runs=5,
    )
