"""HOG against scikit-image and OpenCV: 9 orientations, 8x8 pixels, 2x2 cells, L2-Hys.

OpenCV's descriptor votes trilinearly under a Gaussian, so that only its time is compared. What was
tried and did not pay is in ``benchmarks/notes/hog.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import skimage
from skimage import data

from benchmarks.peers._rows import Goal, Row, Work
from classicvis.functional import hog
from classicvis.kernels.hog import hog_batch, hog_length
from classicvis.kernels.hog_blocks import BLOCK_NORMS

_BINS, _CELL, _BLOCK = 9, (8, 8), (2, 2)
_OPTIONS: Mapping[str, Any] = {
    "orientations": _BINS,
    "pixels_per_cell": _CELL,
    "cells_per_block": _BLOCK,
}
_LIMITS = {"largest difference to scikit-image": 1e-6}

# Operations of a pixel: 2 differences; 4 edges, each of 2 products, a comparison and an addition;
# the magnitude, 2 products, an addition and a root. A further channel adds its 2 differences, its
# energy, a comparison and a choice. These are on 16-bit numbers, two for the price of one of 32,
# but for the magnitude and the energies.
_GREY = (2 + 4 * 4) / 2 + 7
_CHANNEL = 2 / 2 + 3 + 3
# Operations of a value of the descriptor: the sum of squares, once per cell; product, minimum and
# multiply-add of L2-Hys; product and minimum as it is written.
_VALUE = 2 / 4 + 4 + 2


def rows() -> list[Row]:
    """Return the rows of HOG."""
    return [_photo(), _thumbnails()]


def _photo() -> Row:
    image, descriptor = data.camera(), _opencv(512)

    def difference() -> dict[str, float]:
        return _difference(hog(image, **_OPTIONS), skimage.feature.hog(image, **_OPTIONS))

    return Row(
        title="HOG of a grey 512x512 photo",
        ours=lambda: hog(image, **_OPTIONS),
        peers={
            "scikit-image": lambda: skimage.feature.hog(image, **_OPTIONS),
            "opencv": lambda: descriptor.compute(image),
        },
        work=_work(image[None], itemsize=8),
        goals={"scikit-image": Goal(120, 250), "opencv": Goal(7, 14)},
        differences=difference,
        limits=_LIMITS,
    )


def _thumbnails(n_images: int = 10_000) -> Row:
    photo, descriptor = data.astronaut(), _opencv(32)
    corners = np.random.default_rng(0).integers(0, 512 - 32, (n_images, 2))
    images = np.stack([photo[r : r + 32, c : c + 32] for r, c in corners])
    out = np.empty((n_images, hog_length(32, 32, _BINS, _CELL, _BLOCK)), np.float32)

    def batch() -> npt.NDArray[np.float32]:
        hog_batch(images, _BINS, _CELL, _BLOCK, BLOCK_NORMS["L2-Hys"], False, False, out)
        return out

    def loop(images: npt.NDArray[np.uint8] = images) -> npt.NDArray[np.float64]:
        return np.stack([skimage.feature.hog(i, **_OPTIONS, channel_axis=-1) for i in images])

    return Row(
        title="HOG of 10,000 RGB 32x32 images",
        ours=batch,
        peers={
            "scikit-image": loop,
            "opencv": lambda: [descriptor.compute(image) for image in images],
        },
        work=_work(images, itemsize=4),
        goals={"scikit-image": Goal(50, 100), "opencv": Goal(3, 6)},
        differences=lambda: _difference(batch()[:500], loop(images[:500])),
        limits=_LIMITS,
        n_items=n_images,
        runs=3,
    )


def _work(images: npt.NDArray[np.uint8], itemsize: int) -> Work:
    """Count the floor: every sample is read, every value written, every pixel votes once."""
    k, height, width = images.shape[:3]
    n_pixels, n_values = k * height * width, k * hog_length(height, width, _BINS, _CELL, _BLOCK)
    more_channels = images.size // n_pixels - 1
    return Work(
        n_bytes=images.size + itemsize * n_values,
        operations=n_pixels * (_GREY + more_channels * _CHANNEL) + n_values * _VALUE,
        scatters=n_pixels,
    )


def _difference(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> dict[str, float]:
    difference = np.abs(np.subtract(ours, theirs)).max()
    return {"largest difference to scikit-image": float(difference)}


def _opencv(size: int) -> cv2.HOGDescriptor:
    return cv2.HOGDescriptor((size, size), (16, 16), _CELL, _CELL, _BINS)
