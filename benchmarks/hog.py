"""HOG against scikit-image and OpenCV: time, ratio, largest difference.

``python -m benchmarks.hog [--json FILE] [--runs N]``: one process, one core, runs in turn, medians.
All use 9 orientations, cells of 8x8 pixels, blocks of 2x2 cells, L2-Hys. OpenCV's descriptor votes
trilinearly under a Gaussian, so only its time is compared.
"""

from __future__ import annotations

import cv2
import numpy as np
import skimage
from skimage import data

from benchmarks._timing import interleave, parse_arguments, pin_to_one_core, report
from classicvis.functional import hog
from classicvis.kernels.hog import hog_batch, hog_length
from classicvis.kernels.hog_blocks import BLOCK_NORMS

OPTIONS = {"orientations": 9, "pixels_per_cell": (8, 8), "cells_per_block": (2, 2)}


def opencv_hog(size: int) -> cv2.HOGDescriptor:
    return cv2.HOGDescriptor((size, size), (16, 16), (8, 8), (8, 8), 9)


def batch_hog(images: np.ndarray) -> np.ndarray:
    out = np.empty((len(images), hog_length(*images.shape[1:3], *OPTIONS.values())), np.float32)
    hog_batch(images, *OPTIONS.values(), BLOCK_NORMS["L2-Hys"], False, False, out)
    return out


def photo(runs: int) -> dict[str, float]:
    """Time one 512x512 grey photo."""
    image, descriptor = data.camera(), opencv_hog(512)
    calls = {
        "classicvis functional.hog": lambda: hog(image, **OPTIONS),
        "classicvis hog_batch": lambda: batch_hog(image[None]),
        "scikit-image": lambda: skimage.feature.hog(image, **OPTIONS),
        "opencv": lambda: descriptor.compute(image),
    }
    difference = np.abs(hog(image, **OPTIONS) - skimage.feature.hog(image, **OPTIONS)).max()
    return _figures(interleave(calls, runs), "classicvis functional.hog", float(difference))


def thumbnails(runs: int, n_images: int = 1000) -> dict[str, float]:
    """Time a batch of 32x32 RGB pieces of a photo."""
    photograph, descriptor = data.astronaut(), opencv_hog(32)
    corners = np.random.default_rng(0).integers(0, 512 - 32, (n_images, 2))
    images = np.stack([photograph[r : r + 32, c : c + 32] for r, c in corners])

    def by_skimage() -> np.ndarray:
        return np.stack(
            [skimage.feature.hog(image, **OPTIONS, channel_axis=-1) for image in images]
        )

    calls = {
        "classicvis hog_batch": lambda: batch_hog(images),
        "scikit-image": by_skimage,
        "opencv": lambda: [descriptor.compute(image) for image in images],
    }
    difference = np.abs(batch_hog(images) - by_skimage()).max()
    return _figures(interleave(calls, max(3, runs // 3)), "classicvis hog_batch", float(difference))


def _figures(seconds: dict[str, float], ours: str, difference: float) -> dict[str, float]:
    figures = {f"{name} [ms]": 1e3 * value for name, value in seconds.items()}
    for peer in ("scikit-image", "opencv"):
        figures[f"times faster than {peer}"] = seconds[peer] / seconds[ours]
    return figures | {"largest difference to scikit-image": difference}


def main() -> None:
    arguments = parse_arguments(__doc__)
    pin_to_one_core()
    tables = {
        "512x512 grey": photo(arguments.runs),
        "1000 x 32x32 RGB": thumbnails(arguments.runs),
    }
    report(tables, arguments.json)


if __name__ == "__main__":
    main()
