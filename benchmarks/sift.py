"""Dense SIFT and SIFT against OpenCV: time, ratio, agreement.

``python -m benchmarks.sift [--json FILE] [--runs N]``: one process, one core, runs in turn,
medians.
The photo is 512x512 grey. Dense: step 4, bin size 4, OpenCV's ``SIFT.compute`` at the same 15,625
frames; OpenCV smooths the image and samples per frame, so its descriptors resemble ours and are not
equal. Keypoints: both with their defaults, which coincide.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from benchmarks._timing import interleave, parse_arguments, pin_to_one_core, report
from classicvis.functional import dense_sift, sift

BIN_SIZE = 4
TURN = 2 * np.pi
SAME_POSITION, SAME_SCALE, SAME_ANGLE = 1.0, 1.1, np.deg2rad(10)  # as issue 3 asks


def photo() -> np.ndarray:
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


def time_dense(runs: int) -> dict[str, float]:
    """Time dense SIFT with both windows, and compare directions with OpenCV's descriptors."""
    image = photo()
    frames = dense_sift(image, bin_size=BIN_SIZE).frames
    # OpenCV's bins are 3 scales wide, and its sizes are 2 scales.
    keypoints = [cv2.KeyPoint(float(c), float(r), 2 * BIN_SIZE / 3, 0.0) for r, c in frames]
    opencv = cv2.SIFT_create()
    seconds = interleave(
        {
            "classicvis flat": lambda: dense_sift(image, bin_size=BIN_SIZE),
            "classicvis gaussian": lambda: dense_sift(image, bin_size=BIN_SIZE, window="gaussian"),
            "opencv": lambda: opencv.compute(image, keypoints),
        },
        runs,
    )
    figures = {f"{name} [ms]": 1e3 * value for name, value in seconds.items()}
    for window in ("flat", "gaussian"):
        ours = seconds[f"classicvis {window}"]
        figures[f"{window}, million descriptors/s"] = len(frames) / ours / 1e6
        figures[f"{window}, times faster than opencv"] = seconds["opencv"] / ours
        figures[f"{window}, median cosine to opencv"] = dense_cosine(image, keypoints, window)
    return figures


def dense_cosine(image: np.ndarray, keypoints: list[cv2.KeyPoint], window: str) -> float:
    """Return the median cosine to OpenCV's descriptors, of the image smoothed as OpenCV does."""
    _, theirs = cv2.SIFT_create().compute(image, keypoints)
    upward = (8 - np.arange(8)) % 8  # OpenCV counts angles upwards
    theirs = theirs.reshape(-1, 4, 4, 8)[..., upward].reshape(-1, 128)
    theirs = theirs / np.maximum(np.linalg.norm(theirs, axis=1, keepdims=True), 1)
    smoothed = cv2.GaussianBlur(image.astype(np.float32) / 255, (0, 0), np.sqrt(1.6**2 - 0.5**2))
    ours = dense_sift(np.clip(smoothed, 0, 1), bin_size=BIN_SIZE, window=window)
    return float(np.median(np.sum(ours.descriptors * theirs, axis=1)))


def time_keypoints(runs: int) -> dict[str, float]:
    """Time detection with description, and count the keypoints that OpenCV finds too."""
    image, opencv = photo(), cv2.SIFT_create()
    seconds = interleave(
        {
            "classicvis": lambda: sift(image),
            "opencv": lambda: opencv.detectAndCompute(image, None),
        },
        runs,
    )
    figures = {f"{name} [ms]": 1e3 * value for name, value in seconds.items()}
    figures["times faster than opencv"] = seconds["opencv"] / seconds["classicvis"]
    return figures | agreement(image)


def agreement(image: np.ndarray) -> dict[str, float]:
    """Compare keypoints and descriptors: same position, scale and orientation, then the cosine."""
    ours = sift(image)
    found, theirs = cv2.SIFT_create().detectAndCompute(image, None)
    theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    cosines = []
    for keypoint, descriptor in zip(found, theirs, strict=True):
        row, column, scale, angle = ours.keypoints.T
        distance = np.hypot(row - keypoint.pt[1], column - keypoint.pt[0])
        turn = np.abs((angle - np.deg2rad(keypoint.angle) + TURN / 2) % TURN - TURN / 2)
        ratio = np.abs(np.log(2 * scale / keypoint.size))
        same = (distance < SAME_POSITION) & (ratio < np.log(SAME_SCALE)) & (turn < SAME_ANGLE)
        if same.any():
            nearest = np.argmin(np.where(same, distance + turn, np.inf))
            cosines.append(ours.descriptors[nearest] @ descriptor)
    return {
        "keypoints": len(ours.keypoints),
        "keypoints of opencv": len(found),
        "share of opencv's found": len(cosines) / len(found),
        "lowest cosine": float(np.min(cosines)),
    }


def main() -> None:
    arguments = parse_arguments(__doc__)
    pin_to_one_core()
    tables = {
        "dense SIFT, 512x512 grey, step 4, bin 4": time_dense(arguments.runs),
        "SIFT keypoints, 512x512 grey, defaults": time_keypoints(arguments.runs),
    }
    report(tables, arguments.json)


if __name__ == "__main__":
    main()
