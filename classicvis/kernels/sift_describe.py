"""SIFT descriptors of keypoints: a turned grid of 4 x 4 bins with 8 orientations each.

The gradients around a keypoint are first gathered, then turned into angles and shares of bins by
loops that vectorise, then added to the bins one by one.
"""

from __future__ import annotations

import math

import numpy as np

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import (
    N_BINS,
    N_ORIENTATIONS,
    ZERO,
    Doubles,
    Floats,
    Integers,
    normalize_descriptor,
    to_polar,
)

BIN_SCALES = 3.0  # size of a bin in units of the keypoint's scale
REACH = (N_BINS + 1) / 2  # from the centre to where the outermost bin's share ends, in bins
WINDOW_SIGMA = N_BINS / 2  # in bins
PADDED = N_BINS + 2  # bins along a side, with a rim that takes what falls outside

END = np.float32(2 * REACH)
CELL = np.int32(N_ORIENTATIONS)
CELL_ROW = np.int32(PADDED * N_ORIENTATIONS)
LAST_ORIENTATION = np.int32(N_ORIENTATIONS - 1)


@kernel(error_model="numpy")
def _span(slope: float, start: float, limit: int) -> tuple[int, int]:
    """Return the whole numbers j, at most `limit` from 0, with ``|start + slope * j| < REACH``.

    The range may hold one number too many at either end.
    """
    if abs(slope) * limit < 1e-6:
        return (-limit, limit) if abs(start) < REACH else (1, 0)
    one = (-REACH - start) / slope
    other = (REACH - start) / slope
    first = math.floor(max(min(one, other), -limit))
    last = math.ceil(min(max(one, other), limit))
    return first, last


@kernel
def _window_radius(width: float) -> int:
    """Return how far from its centre a descriptor with bins of this width reaches, in pixels."""
    return round(width * math.sqrt(2.0) * REACH)


@kernel(error_model="numpy")
def _gather(
    image: Floats, row: int, column: int, width: float, orientation: float, samples: Floats
) -> int:
    """Collect the gradients that share in a descriptor; return their number.

    ``width`` is the size of a bin in pixels. ``samples`` (5, capacity) receives the gradient to the
    right and upwards, its Gaussian weight, and its row and column in the grid of bins, which count
    from the centre of the rim: they lie between 0 and 5.
    """
    n_rows, n_columns = image.shape
    radius = _window_radius(width)
    cosine = math.cos(orientation) / width
    sine = math.sin(orientation) / width
    falloff = -0.5 / (WINDOW_SIGMA * width) ** 2
    window = np.empty(radius + 1, np.float32)
    for i in range(radius + 1):
        window[i] = math.exp(falloff * i * i)
    n = 0
    for r in range(max(row - radius, 1), min(row + radius, n_rows - 2) + 1):
        i = r - row
        first, last = _span(cosine, i * sine, radius)
        first_row, last_row = _span(-sine, i * cosine, radius)
        first = max(first, first_row, 1 - column)
        last = min(last, last_row, n_columns - 2 - column)
        for j in range(first, last + 1):
            bin_row = np.float32(i * cosine - j * sine + REACH)
            bin_column = np.float32(i * sine + j * cosine + REACH)
            if not (ZERO < bin_row < END and ZERO < bin_column < END):
                continue
            c = column + j
            samples[0, n] = image[r, c + 1] - image[r, c - 1]
            samples[1, n] = image[r - 1, c] - image[r + 1, c]
            samples[2, n] = window[abs(i)] * window[abs(j)]
            samples[3, n] = bin_row
            samples[4, n] = bin_column
            n += 1
    return n


@kernel(fastmath=VECTOR_FLAGS)
def _split_positions(rows: Floats, columns: Floats, starts: Integers) -> None:
    """Part positions into the first of 4 neighbouring bins, as an index, and the shares beyond."""
    for i in range(rows.size):
        r = np.int32(rows[i])
        c = np.int32(columns[i])
        rows[i] -= np.float32(r)
        columns[i] -= np.float32(c)
        starts[i] = r * CELL_ROW + c * CELL


@kernel(fastmath=VECTOR_FLAGS)
def _split_angles(angles: Floats, turn: float, orientations: Integers) -> None:
    """Part angles, turned by the keypoint's own, into an orientation and the share of the next."""
    for i in range(angles.size):
        angle = angles[i] + turn
        o = np.int32(angle)
        angles[i] = angle - np.float32(o)
        orientations[i] = o & LAST_ORIENTATION


@kernel(fastmath=VECTOR_FLAGS)
def _accumulate(samples: Floats, starts: Integers, orientations: Integers, bins: Floats) -> None:
    """Share each gradient among the 8 bins around it (trilinear interpolation)."""
    for i in range(starts.size):
        near = orientations[i]
        far = (near + 1) & LAST_ORIENTATION
        share = samples[1, i]
        magnitude = samples[0, i] * samples[2, i]
        lower = magnitude * samples[3, i]
        upper = magnitude - lower
        upper_right = upper * samples[4, i]
        lower_right = lower * samples[4, i]
        k = starts[i]
        _add(bins, k + near, k + far, upper - upper_right, share)
        k += CELL
        _add(bins, k + near, k + far, upper_right, share)
        k += CELL_ROW - CELL
        _add(bins, k + near, k + far, lower - lower_right, share)
        k += CELL
        _add(bins, k + near, k + far, lower_right, share)


@kernel(inline="always")
def _add(bins: Floats, near: int, far: int, value: float, share: float) -> None:
    beyond = value * share
    bins[near] += value - beyond
    bins[far] += beyond


@kernel
def _without_rim(bins: Floats, descriptor: Floats) -> None:
    """Copy the inner bins (4 * 4 * 8,) of the padded grid (6 * 6 * 8,)."""
    line = N_BINS * N_ORIENTATIONS
    for i in range(N_BINS):
        start = (i + 1) * PADDED * N_ORIENTATIONS + N_ORIENTATIONS
        for j in range(line):
            descriptor[i * line + j] = bins[start + j]


@kernel
def describe_batch(gaussians: Floats, points: Doubles, sigma: float, out: Floats) -> None:
    """Compute the descriptors of the keypoints of one octave.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, height, width), float32
        The octave.
    points : ndarray of shape (n, 5), float64
        Row, column, layer, response and orientation, from `orient_points`.
    sigma : float
        Blur of the first layer.
    out : ndarray of shape (n, 128), float32
        Receives the descriptors of unit norm, in the order bin row, bin column, orientation.
    """
    n_layers = gaussians.shape[0] - 3
    widest = BIN_SCALES * sigma * 2 ** ((n_layers + 0.5) / n_layers)
    capacity = min((2 * _window_radius(widest) + 1) ** 2, gaussians[0].size)
    samples = np.empty((5, capacity), np.float32)
    starts = np.empty(capacity, np.int32)
    orientations = np.empty(capacity, np.int32)
    bins = np.empty(PADDED * PADDED * N_ORIENTATIONS, np.float32)
    for i in range(points.shape[0]):
        row, column, layer, orientation = points[i, 0], points[i, 1], points[i, 2], points[i, 4]
        width = BIN_SCALES * sigma * 2 ** (layer / n_layers)
        n = _gather(gaussians[round(layer)], round(row), round(column), width, orientation, samples)
        turn = np.float32(orientation * (N_ORIENTATIONS / (2 * math.pi)))
        to_polar(samples[0, :n], samples[1, :n])
        _split_angles(samples[1, :n], turn, orientations[:n])
        _split_positions(samples[3, :n], samples[4, :n], starts[:n])
        for j in range(bins.size):
            bins[j] = ZERO
        _accumulate(samples, starts[:n], orientations[:n], bins)
        _without_rim(bins, out[i])
        normalize_descriptor(out[i])
