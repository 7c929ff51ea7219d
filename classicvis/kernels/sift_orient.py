"""Dominant orientations of SIFT keypoints: peaks of the histogram of the gradients around them."""

from __future__ import annotations

import math

import numpy as np

from classicvis.kernels._jit import INNER, VECTOR_FLAGS, kernel
from classicvis.kernels.sift_gradients import FIELDS, STEP, decay, gather_row
from classicvis.kernels.sift_math import ZERO, Doubles, Floats, Integers, Shape, octants

N_ANGLES = 36
MOST_ORIENTATIONS = N_ANGLES // 2  # peaks of a histogram
PEAK_RATIO = 0.8
WINDOW_SIGMA = 1.5  # of the window of gradients, in units of the keypoint's scale
POWER = 8  # the weight is the 8th power of a decay that stays within the polynomial's range
ANGLES = np.float32(N_ANGLES / 8)  # per 45 degrees
HALF = np.float32(0.5)


@kernel
def window_radius(scale: float) -> int:
    """Return how far the gradients reach that a keypoint's orientation heeds, in pixels."""
    return round(3 * WINDOW_SIGMA * scale)


@kernel(inline="always")
def _gather(
    image: Floats, shape: Shape, row: int, column: int, scale: float, samples: Floats
) -> int:
    """Gather the samples around a pixel; return their number."""
    height, width = shape
    radius = window_radius(scale)
    unit = 1 / (WINDOW_SIGMA * scale * math.sqrt(2.0 * POWER))
    step = np.float32(0), np.float32(unit)
    first = max(column - radius, 1)
    n_columns = min(column + radius, width - 2) + 1 - first
    n = 0
    for r in range(max(row - radius, 1), min(row + radius, height - 2) + 1):
        origin = np.float32((r - row) * unit), np.float32((first - column) * unit)
        gather_row(image, r, first, n_columns, origin, step, samples[FIELDS * n :])
        n += n_columns
    return n


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER)
def _vote(samples: Floats, angles: Integers, votes: Floats) -> None:
    """Write the bin of each sample's angle, 0 to 36, and its weighted magnitude."""
    for i in range(angles.size):
        x, y = samples[4 * i], samples[4 * i + 1]
        r, c = samples[4 * i + 2], samples[4 * i + 3]
        weight = decay(r * r + c * c)
        weight *= weight
        weight *= weight
        weight *= weight
        angles[i] = np.int32(octants(x, y) * ANGLES + HALF)
        votes[i] = np.sqrt(x * x + y * y) * weight


@kernel(inline="always")
def _count(angles: Integers, votes: Floats, raw: Floats) -> None:
    """Sum up the votes (n,) for each angle; ``raw`` is (37,), its last entry is the first."""
    for i in range(raw.size):
        raw[i] = ZERO
    for i in range(angles.size):
        raw[angles[i]] += votes[i]
    raw[0] += raw[N_ANGLES]


@kernel(inline="always")
def _smooth(raw: Floats, histogram: Floats) -> np.float32:
    """Smooth the histogram with (1, 4, 6, 4, 1) / 16; return its maximum."""
    highest = ZERO
    for i in range(N_ANGLES):
        histogram[i] = (
            6 * raw[i]
            + 4 * (raw[(i + 35) % N_ANGLES] + raw[(i + 1) % N_ANGLES])
            + (raw[(i + 34) % N_ANGLES] + raw[(i + 2) % N_ANGLES])
        ) / 16
        highest = histogram[i] if histogram[i] > highest else highest
    return highest


@kernel(error_model="numpy")
def orient_points(
    gaussians: Floats, shape: Shape, points: Doubles, sigma: float, out: Doubles
) -> int:
    """Give each point the dominant directions of the gradients around it, one row for each.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, n_rows, row_length), float32
        One octave, or a window of it; rows are at least 8 longer than the octave is wide.
    shape : (int, int)
        Height and width of the octave.
    points : ndarray of shape (n, 4), float64
        From `refine_extrema`.
    sigma : float
        Blur of the first layer.
    out : ndarray of shape (18 * n, 5), float64
        Receives the points with their orientation, radians in [0, 2 pi) from the direction of the
        columns towards that of the rows. Every peak of at least 80 % of the highest makes a row.

    Returns
    -------
    int
        The number of rows written.
    """
    n_layers = gaussians.shape[0] - 3
    side = 2 * window_radius(sigma * 2 ** ((n_layers + 0.5) / n_layers)) + 1
    capacity = side * side + STEP
    samples = np.empty(FIELDS * capacity, np.float32)
    angles = np.empty(capacity, np.int32)
    votes = np.empty(capacity, np.float32)
    raw = np.empty(N_ANGLES + 1, np.float32)
    histogram = np.empty(N_ANGLES, np.float32)
    count = 0
    for i in range(points.shape[0]):
        row, column, layer, response = points[i, 0], points[i, 1], points[i, 2], points[i, 3]
        scale = sigma * 2 ** (layer / n_layers)
        n = _gather(gaussians[round(layer)], shape, round(row), round(column), scale, samples)
        _vote(samples, angles[:n], votes)
        _count(angles[:n], votes, raw)
        lowest = PEAK_RATIO * _smooth(raw, histogram)
        for j in range(N_ANGLES):
            before = histogram[(j + N_ANGLES - 1) % N_ANGLES]
            peak = histogram[j]
            after = histogram[(j + 1) % N_ANGLES]
            if peak < lowest or peak <= before or peak <= after:
                continue
            angle = j + 0.5 * (before - after) / (before - 2 * peak + after)
            out[count, 0] = row
            out[count, 1] = column
            out[count, 2] = layer
            out[count, 3] = response
            out[count, 4] = (N_ANGLES - angle) % N_ANGLES * (2 * math.pi / N_ANGLES)
            count += 1
    return count
