"""The methods that are compared, and how far their keypoints agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.matching._judge import Features, count_one_to_one, pairs_within
from classicvis.functional import sift

OURS, ROOT, OPENCV = "classicvis", "classicvis, RootSIFT", "OpenCV"
SAME_PLACE, SAME_SCALE, SAME_ANGLE = 1.0, 1.1, np.deg2rad(10)
TURN = 2 * np.pi
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"contrast_threshold": 0.02},
    {"contrast_threshold": 0.08},
    {"edge_threshold": 5.0},
    {"n_octave_layers": 2},
    {"n_octave_layers": 4},
    {"sigma": 1.2},
)
OPENCV_NAMES = {
    "contrast_threshold": "contrastThreshold",
    "edge_threshold": "edgeThreshold",
    "n_octave_layers": "nOctaveLayers",
    "sigma": "sigma",
}


def ours(image: NDArray[np.uint8], **settings: Any) -> Features:
    found = sift(image, **settings)
    return Features(found.keypoints, found.descriptors)


def opencv(image: NDArray[np.uint8], **settings: Any) -> Features:
    """Return OpenCV's features in our units: row, column, sigma, radians."""
    detector = cv2.SIFT_create(**{OPENCV_NAMES[name]: value for name, value in settings.items()})
    found, descriptors = detector.detectAndCompute(image, None)
    if not found:
        return Features(np.empty((0, 4), np.float32), np.empty((0, 128), np.float32))
    rows = [(k.pt[1], k.pt[0], k.size / 2, np.deg2rad(k.angle)) for k in found]
    return Features(np.array(rows, np.float32), descriptors)


METHODS: dict[str, Callable[[NDArray[np.uint8]], Features]] = {
    OURS: ours,
    ROOT: lambda image: ours(image, root=True),
    OPENCV: opencv,
}


def agreement(image: NDArray[np.uint8], **settings: Any) -> dict[str, float]:
    """Count the keypoints of both, and the share of OpenCV's that are found."""
    keypoints = ours(image, **settings).keypoints
    theirs = opencv(image, **settings).keypoints
    return {
        "keypoints": len(keypoints),
        "keypoints of OpenCV": len(theirs),
        "share found": share_found(keypoints, theirs),
    }


def share_found(keypoints: NDArray[np.floating], wanted: NDArray[np.floating]) -> float:
    """Return the share of the wanted keypoints within 1 pixel, 10 % of scale and 10 degrees.

    One keypoint stands for one wanted keypoint at most.
    """
    first, second = pairs_within(wanted, keypoints, SAME_PLACE)
    scale = np.abs(np.log(wanted[first, 2] / keypoints[second, 2]))
    turn = wanted[first, 3] - keypoints[second, 3]
    turn = np.abs((turn + TURN / 2) % TURN - TURN / 2)
    same = (scale <= np.log(SAME_SCALE)) & (turn <= SAME_ANGLE)
    return count_one_to_one(first[same], second[same]) / len(wanted)
