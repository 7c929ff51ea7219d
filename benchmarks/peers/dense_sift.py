"""Dense SIFT against OpenCV's ``SIFT.compute`` at the same frames, of a photo of 512x512.

OpenCV smooths the image and samples it frame by frame, so its descriptors resemble ours and are not
equal: the difference is one minus the median cosine, after the same smoothing. What was tried, and
where the time goes: ``benchmarks/notes/dense_sift.md``.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from benchmarks.peers._rows import Goal, Row, Work
from classicvis.functional import dense_sift
from classicvis.kernels.dense_sift_grid import plan_axis

STEP = 4
GOALS = {"flat": Goal(must=7, aim=12), "gaussian": Goal(must=3, aim=8)}
MOST_UNLIKE = {"flat": 0.04, "gaussian": 0.02}  # one minus the median cosine
OPENCV_BLUR = np.sqrt(1.6**2 - 0.5**2)  # that OpenCV adds to the image


def rows() -> list[Row]:
    """Return the rows: both windows at bins of 4, 8 and 12 pixels."""
    return [_row(window, bin_size) for window in GOALS for bin_size in (4, 8, 12)]


def _row(window: str, bin_size: int) -> Row:
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    frames = dense_sift(image, STEP, bin_size).frames
    # OpenCV's bins are 3 scales wide, and its sizes are 2 scales.
    keypoints = [cv2.KeyPoint(float(c), float(r), 2 * bin_size / 3, 0.0) for r, c, _ in frames]
    opencv = cv2.SIFT_create()

    def unlike() -> dict[str, float]:
        _, theirs = opencv.compute(image, keypoints)
        upward = (8 - np.arange(8)) % 8  # OpenCV counts angles upwards
        theirs = theirs.reshape(-1, 4, 4, 8)[..., upward].reshape(-1, 128)
        theirs = theirs / np.maximum(np.linalg.norm(theirs, axis=1, keepdims=True), 1)
        smoothed = cv2.GaussianBlur(image.astype(np.float32) / 255, (0, 0), OPENCV_BLUR)
        ours = dense_sift(np.clip(smoothed, 0, 1), STEP, bin_size, window=window).descriptors
        return {"1 - median cosine": 1 - float(np.median(np.sum(ours * theirs, axis=1)))}

    return Row(
        title=f"dense SIFT, {window}, step {STEP}, bin {bin_size}, 512x512",
        ours=lambda: dense_sift(image, STEP, bin_size, window=window),
        peers={"opencv": lambda: opencv.compute(image, keypoints)},
        work=_work(image.shape, bin_size, window == "gaussian", len(frames)),
        goals={"opencv": GOALS[window]},
        differences=unlike,
        limits={"1 - median cosine": MOST_UNLIKE[window]},
        n_items=len(frames),
        item="descriptor",
    )


def _work(shape: tuple[int, int], bin_size: int, gaussian: bool, n_frames: int) -> Work:
    """Count the floor: the image read, frames, norms and descriptors written.

    Operations per pixel: gradients 4, magnitude 7, the polynomial of the angle with its division
    24, the choice of octant and signs 16, parting by sign 8. Per value of a filtered line: a
    multiplication and an addition for each of ``2 * bin_size - 1`` taps, first at the lines across
    the image, then at their crossings. Per value of a descriptor: two sums of squares 4, clip 1,
    scale 1, and the weight of the flat window 1.
    """
    height, width = shape
    n_row_lines, n_column_lines = (
        len(plan_axis(size, STEP, bin_size, 0.0, gaussian).taps) for size in shape
    )
    per_value = 2 * (2 * bin_size - 1)
    filtered = 8 * per_value * n_row_lines * (width + n_column_lines)
    return Work(
        n_bytes=height * width + n_frames * 4 * (128 + 1 + 3),
        operations=59 * height * width + filtered + (6 if gaussian else 7) * 128 * n_frames,
    )
