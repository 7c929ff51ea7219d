"""The variants of HogExtractor: Dalal and Triggs' form, UoCTTI, and the default.

OpenCV's ``HOGDescriptor`` computes the first one: the outputs are compared. It has no UoCTTI form
and no unwindowed votes; there it does what is nearest, on the same image with as many cells, so
that only the times compare.

The floors are counted per pixel, in operations on 32-bit numbers:

- gradients: 2 per channel; the choice among 3 channels 3 * 3 for the energies and 2 * 3 to choose;
- magnitude: 3 and a square root, 7 in all;
- angle: 2 absolute values, 2 for the smaller and the larger, a division (4), a polynomial of
  degree 15 in odd powers (17), 3 reflections (6), the bin and the shares (8), 39 in all;
- nearest of 18 directions: 4 limits (4 each), 3 reflections (6), 22 in all;

and what is done per cell or block is added in the code. A vote is a scatter.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from skimage import data

from benchmarks.peers._rows import Goal, Row, Work
from classicvis import HogExtractor

_GRADIENT, _CHOICE, _MAGNITUDE, _ANGLE, _DIRECTION = 2, 15, 7, 39, 22
OPENCV = "OpenCV HOGDescriptor"


def rows() -> list[Row]:
    """Return the rows of the table."""
    return [
        _dalal_triggs("Dalal-Triggs HOG, grey 512x512", data.camera()[None], Goal(2.5, 4)),
        _dalal_triggs("Dalal-Triggs HOG, 1,000 x RGB 32x32", _crops(1000, 32), Goal(2, 4)),
        _uoctti("UoCTTI HOG, grey 512x512", data.camera()[None]),
        _uoctti("UoCTTI HOG, 1,000 x RGB 32x32", _crops(1000, 32)),
        _default("HogExtractor() defaults, 100 x RGB 96x96", _crops(100, 96)),
    ]


def _crops(n: int, size: int) -> np.ndarray:
    photograph = data.astronaut()
    corners = np.random.default_rng(0).integers(0, 512 - size, (n, 2))
    return np.stack([photograph[r : r + size, c : c + size] for r, c in corners])


def _extract(images: np.ndarray, **parameters: object) -> tuple[HogExtractor, np.ndarray]:
    """Return a fitted extractor, and room for its output."""
    extractor = HogExtractor(**parameters).fit(images[:1])
    return extractor, np.empty((len(images), extractor.n_features_out_), np.float32)


def _dalal_triggs(title: str, images: np.ndarray, goal: Goal) -> Row:
    """9 orientations, cells of 8x8 pixels, blocks of 2x2 cells at every cell."""
    k, height, width = images.shape[:3]
    extractor, out = _extract(images, variant="dalal_triggs", pixels_per_cell=(8, 8))
    descriptor = _opencv((width, height), (16, 16), (8, 8), (8, 8), 9)
    n_rows, n_cols = height // 8 - 1, width // 8 - 1

    def differences() -> Mapping[str, float]:
        theirs = np.stack([descriptor.compute(image).ravel() for image in images])
        theirs = theirs.reshape(k, n_cols, n_rows, 2, 2, 9).transpose(0, 2, 1, 4, 3, 5)
        extractor._batch(images, out)
        difference = np.abs(out - theirs.reshape(k, -1))
        return {"largest": float(difference.max()), "mean": float(difference.mean())}

    # A pixel lies in 3 rows of cells, of 2 rows of blocks, on average: 3 pairs of votes. Sums over
    # columns: 24 weights for each of 2 x 9 sums over rows of a block; L2-Hys: 8 per value.
    per_pixel = _pixel_operations(images, _MAGNITUDE + _ANGLE)
    n_pixels, n_blocks = k * height * width, k * n_rows * n_cols
    return Row(
        title,
        lambda: extractor._batch(images, out),
        {OPENCV: lambda: [descriptor.compute(image) for image in images]},
        Work(
            images.nbytes + out.nbytes,
            n_pixels * per_pixel + n_blocks * (24 * 2 * 9 * 2 + 36 * 8),
            6 * n_pixels,
        ),
        {OPENCV: goal},
        differences,
        {"largest": 1e-3, "mean": 1e-4},  # OpenCV's arctangent is off by up to 0.01 degrees
        n_items=k,
    )


def _uoctti(title: str, images: np.ndarray) -> Row:
    """9 orientations, cells of 8x8 pixels."""
    k, height, width = images.shape[:3]
    extractor, out = _extract(images, variant="uoctti", pixels_per_cell=(8, 8))
    descriptor = _opencv((width, height), (16, 16), (8, 8), (8, 8), 9)
    # A row of pixels is shared between two rows of cells: 4 per cell and direction. Energies: 3
    # per orientation. Values: 4 products, 4 minima and 4 additions each, 4 more for the textures.
    n_pixels, n_cells = k * height * width, k * (height // 8) * (width // 8)
    per_pixel = _pixel_operations(images, _MAGNITUDE + _DIRECTION + 2)
    return Row(
        title,
        lambda: extractor._batch(images, out),
        {OPENCV: lambda: [descriptor.compute(image) for image in images]},
        Work(
            images.nbytes + out.nbytes,
            n_pixels * per_pixel + n_cells * (8 * 18 * 4 + 9 * 3 + 27 * 12 + 18 * 4),
            2 * n_pixels,
        ),
        n_items=k,
    )


def _default(title: str, images: np.ndarray) -> Row:
    """12 directions, cells of 24x24 pixels in steps of 12, blocks of 2x2 cells at every step."""
    k, height, width = images.shape[:3]
    extractor, out = _extract(images)
    descriptor = _opencv((width, height), (48, 48), (12, 12), (24, 24), 12, True)
    n_pixels = k * height * width
    per_pixel = _pixel_operations(images, _MAGNITUDE + _ANGLE)
    return Row(
        title,
        lambda: extractor._batch(images, out),
        {OPENCV: lambda: [descriptor.compute(image) for image in images]},
        Work(images.nbytes + out.nbytes, n_pixels * per_pixel + 8 * out.size, 2 * n_pixels),
        n_items=k,
    )


def _opencv(
    window: tuple[int, int],
    block: tuple[int, int],
    stride: tuple[int, int],
    cell: tuple[int, int],
    orientations: int,
    signed: bool = False,
) -> cv2.HOGDescriptor:
    """Return the descriptor without square roots, which it takes by default; sizes (x, y)."""
    norm, clip, square_roots, levels = cv2.HOGDescriptor_L2Hys, 0.2, False, 64
    return cv2.HOGDescriptor(
        window, block, stride, cell, orientations, 1, -1, norm, clip, square_roots, levels, signed
    )


def _pixel_operations(images: np.ndarray, further: int) -> int:
    return further + (3 * _GRADIENT + _CHOICE if images.ndim == 4 else _GRADIENT)
