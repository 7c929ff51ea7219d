"""Occlusion maps: how much of a score each part of an image carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from classicvis.exceptions import ParameterError
from classicvis.images import Fill, fill_value

_BATCH = 128  # occluded copies in memory at a time


def occlusion_map(
    score: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    patch_size: int | None = None,
    stride: int | None = None,
    fill: Fill = "mean",
) -> np.ndarray:
    """Return how far the score of an image falls where a patch hides it.

    Parameters
    ----------
    score : callable
        From images (n, h, w[, 3]) to n numbers.
    image : ndarray of shape (h, w) or (h, w, 3), uint8
        The image.
    patch_size : int, default=None
        Side of the square patch in pixels; None is a seventh of the image's shorter side.
    stride : int, default=None
        Pixels from one patch to the next; None is half of `patch_size`.
    fill : int, (int, int, int) or "mean", default="mean"
        What the patch shows: a grey level, an RGB colour, or the mean colour of the image.

    Returns
    -------
    ndarray of shape (h, w), float32
        In units of the score, the mean over all patches that hide the pixel: positive where the
        image speaks for the class, negative where it speaks against it.
    """
    height, width = image.shape[:2]
    side = max(min(height, width) // 7, 1) if patch_size is None else patch_size
    step = max(side // 2, 1) if stride is None else stride
    if not 0 < side <= min(height, width) or not 0 < step <= side:
        raise ParameterError(
            f"patch_size={side}, stride={step}: expected a patch that fits an image of "
            f"{height}x{width} pixels, and a stride of at least 1 and at most the patch."
        )
    corners = list(product(_starts(height, side, step), _starts(width, side, step)))
    full = score(image[None])[0]
    total = np.zeros((height, width))
    count = np.zeros((height, width))
    hidden = zip(corners, _scores(score, image, corners, side, fill), strict=True)
    for (row, col), occluded in hidden:
        patch = np.s_[row : row + side, col : col + side]
        total[patch] += full - occluded
        count[patch] += 1
    return (total / count).astype(np.float32)


def _starts(length: int, side: int, step: int) -> list[int]:
    """Return where patches start along an axis; the last one ends where the image ends."""
    return sorted({*range(0, length - side, step), length - side})


def _scores(
    score: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    corners: list[tuple[int, int]],
    side: int,
    fill: Fill,
) -> Iterator[float]:
    """Yield the score of the image behind each patch."""
    value = fill_value(image, fill)
    for start in range(0, len(corners), _BATCH):
        some = corners[start : start + _BATCH]
        copies = np.repeat(image[None], len(some), axis=0)
        for copy, (row, col) in zip(copies, some, strict=True):
            copy[row : row + side, col : col + side] = value
        yield from score(copies)
