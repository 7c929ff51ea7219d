"""SIFT, detection and description, against OpenCV's ``SIFT_create().detectAndCompute``.

The photo is the astronaut, 512x512 grey; both use their defaults, which coincide.

The floor. The doubled image and its octaves have 4/3 of 1024 x 1024 pixels. Each of them takes, in
operations: for the 5 blurs, 24 pairs of taps in each of 2 directions, 3 for a pair (an addition and
a multiply-add) and 1 for the centre of each; 5 differences; 20, 12 and 21 comparisons for the
extremes over rows, over layers and over columns; 12 to mark. The first blur adds 5 pairs for the
pixels of the first octave. A sample of a descriptor takes 65 (gradient 2, position 4, magnitude 7,
angle 25, window 18, shares 9) and two increments of 4 floats, one of an orientation 50 and one
increment; how many there are follows from the scales found. Bytes are the image, read, and the
results, written.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from skimage import data

from benchmarks.matching._methods import agreement
from benchmarks.peers._rows import Goal, Row, Work
from classicvis.functional import Sift, sift

PIXEL_OPERATIONS = 2 * (24 * 3 + 5) + 5 + 20 + 12 + 21 + 12
FIRST_BLUR_OPERATIONS = 2 * (5 * 3 + 1)
DESCRIPTOR_SAMPLE, ORIENTATION_SAMPLE = 65, 50


def rows() -> list[Row]:
    image, opencv = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY), cv2.SIFT_create()
    found = sift(image)

    def differences() -> Mapping[str, float]:
        figures = agreement(image)
        counts = figures["keypoints"], figures["keypoints of OpenCV"]
        return {
            "share of OpenCV's keypoints missed": 1 - figures["share found"],
            "relative difference of counts": abs(counts[0] / counts[1] - 1),
        }

    return [
        Row(
            title="SIFT detect and describe, 512x512 grey, defaults",
            ours=lambda: sift(image),
            peers={"OpenCV": lambda: opencv.detectAndCompute(image, None)},
            work=_work(image, found),
            goals={"OpenCV": Goal(must=1.5, aim=2.5)},
            differences=differences,
            limits={
                "share of OpenCV's keypoints missed": 0.05,
                "relative difference of counts": 0.05,
            },
            n_items=len(found.keypoints),
            item="keypoint",
        )
    ]


def _work(image: np.ndarray, found: Sift) -> Work:
    """Count the floor for the keypoints found."""
    n_doubled = 4 * image.size
    # The scale in pixels of the octave: between 2 ** (1 / 6) and 2 ** (7 / 6) times 1.6.
    scale = found.keypoints[:, 2]
    scale = 1.6 * 2 ** (np.log2(scale / 1.6) - np.floor(np.log2(scale / 1.6) - 1 / 6))
    n_described = np.sum((5 * 3 * scale) ** 2)
    n_oriented = np.sum((2 * 4.5 * scale + 1) ** 2)
    operations = n_doubled * (4 / 3 * PIXEL_OPERATIONS + FIRST_BLUR_OPERATIONS)
    operations += DESCRIPTOR_SAMPLE * n_described + ORIENTATION_SAMPLE * n_oriented
    n_bytes = image.nbytes + sum(part.nbytes for part in found)
    return Work(float(n_bytes), float(operations), float(2 * n_described + n_oriented))
