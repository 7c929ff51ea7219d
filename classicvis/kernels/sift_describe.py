"""SIFT descriptors of keypoints: a turned grid of 4 x 4 bins with 8 orientations each.

The gradients around a keypoint are first turned into angles and shares of bins, row by row, by
loops that vectorise; then they are added to the bins one by one.
"""

from __future__ import annotations

import math

import numpy as np

from classicvis.kernels._jit import INNER, VECTOR_FLAGS, kernel
from classicvis.kernels._vector import add_scaled
from classicvis.kernels.sift_gradients import FIELDS, STEP, decay, gather_row
from classicvis.kernels.sift_math import (
    N_BINS,
    N_ORIENTATIONS,
    ONE,
    ZERO,
    Doubles,
    Floats,
    Integers,
    Shape,
    normalize_descriptor,
    octants,
)

BIN_SCALES = 3.0  # size of a bin in units of the keypoint's scale
REACH = (N_BINS + 1) / 2  # from the centre to where the outermost bin's share ends, in bins
WINDOW_SIGMA = N_BINS / 2  # in bins
STEEPEST = 1e-6  # sine and cosine are kept away from 0 by this much

# A gradient falls between 2 x 2 bins and 2 orientations. To add its 8 shares in one stroke, every
# square between bin centres, and every orientation in it, has its own 4 entries, one for each
# corner; `_collect` sums them up. Orientation 8 is orientation 0 again.
N_SQUARES = N_BINS + 1
CORNERS = 4
SQUARE = (N_ORIENTATIONS + 1) * CORNERS
SQUARE_ROW = N_SQUARES * SQUARE

CENTER = np.float32(REACH)
FALLOFF = np.float32(0.5 / WINDOW_SIGMA**2)
LAST = np.nextafter(np.float32(2 * REACH), np.float32(0.0))  # position in squares, 0 to 5
CORNERS_32 = np.int32(CORNERS)
SQUARE_32 = np.int32(SQUARE)
SQUARE_ROW_32 = np.int32(SQUARE_ROW)
LAST_ORIENTATION = np.int32(N_ORIENTATIONS - 1)


@kernel
def window_radius(width: float) -> int:
    """Return how far from its centre a descriptor with bins of this width reaches, in pixels."""
    return round(width * math.sqrt(2.0) * REACH)


@kernel(inline="always")
def _gather(
    image: Floats,
    shape: Shape,
    row: int,
    column: int,
    width: float,
    orientation: float,
    samples: Floats,
) -> int:
    """Gather the samples that share in a descriptor; return their number.

    ``width`` is the size of a bin in pixels. Positions count in squares, 0 to 5.
    """
    height, n_columns = shape
    radius = window_radius(width)
    cosine = math.cos(orientation)
    sine = math.sin(orientation)
    step = np.float32(-sine / width), np.float32(cosine / width)
    # Offsets (i, j) lie in the square if |i cos - j sin| and |i sin + j cos| are below its half.
    half = REACH * width
    steep_sine = math.copysign(max(abs(sine), STEEPEST), sine)
    steep_cosine = math.copysign(max(abs(cosine), STEEPEST), cosine)
    across, across_half = cosine / steep_sine, half / abs(steep_sine)
    along, along_half = -sine / steep_cosine, half / abs(steep_cosine)
    leftmost = float(max(1 - column, -radius))
    rightmost = float(min(n_columns - 2 - column, radius))
    cosine /= width
    sine /= width
    n = 0
    for r in range(max(row - radius, 1), min(row + radius, height - 2) + 1):
        i = float(r - row)
        lowest = max(max(i * across - across_half, i * along - along_half), leftmost)
        highest = min(min(i * across + across_half, i * along + along_half), rightmost)
        first = math.ceil(lowest)
        n_inside = math.floor(highest) + 1 - first
        if n_inside > 0:
            origin = (
                np.float32(i * cosine - first * sine + REACH),
                np.float32(i * sine + first * cosine + REACH),
            )
            stretch = samples[FIELDS * n :]
            gather_row(image, r, column + first, n_inside, origin, step, stretch)
            n += n_inside
    return n


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER)
def _share(
    samples: Floats, turn: np.float32, places: Integers, beyond: Floats, shares: Floats
) -> None:
    """Find the place of each sample and its shares (trilinear interpolation).

    ``turn`` is the keypoint's orientation in units of 45 degrees. Receive the results: ``places``
    (n,) the index of the lower orientation's entries, ``beyond`` (n,) the share of the next
    orientation, ``shares`` (4 * n,) those of the corners.
    """
    for i in range(places.size):
        x, y = samples[4 * i], samples[4 * i + 1]
        r, c = samples[4 * i + 2], samples[4 * i + 3]
        from_center = (r - CENTER) * (r - CENTER) + (c - CENTER) * (c - CENTER)
        magnitude = np.sqrt(x * x + y * y) * decay(from_center * FALLOFF)
        r = ZERO if r < ZERO else (LAST if r > LAST else r)
        c = ZERO if c < ZERO else (LAST if c > LAST else c)
        angle = octants(x, y) + turn
        square_row = np.int32(r)
        square_column = np.int32(c)
        orientation = np.int32(angle)
        r -= np.float32(square_row)
        c -= np.float32(square_column)
        places[i] = (
            square_row * SQUARE_ROW_32
            + square_column * SQUARE_32
            + (orientation & LAST_ORIENTATION) * CORNERS_32
        )
        beyond[i] = angle - np.float32(orientation)
        lower = magnitude * r
        upper = magnitude - lower
        shares[4 * i] = upper - upper * c
        shares[4 * i + 1] = upper * c
        shares[4 * i + 2] = lower - lower * c
        shares[4 * i + 3] = lower * c


@kernel(inline="always")
def _scatter(n: int, places: Integers, beyond: Floats, shares: Floats, squares: Floats) -> None:
    """Add the shares of n gradients to the entries of their squares.

    Neighbours fall into the same entries, and each addition would wait for the one before: the
    first half takes turns with the second.
    """
    for i in range(squares.size):
        squares[i] = ZERO
    half = n // 2
    for i in range(half):
        j = i + half
        add_scaled(squares, places[i], ONE - beyond[i], shares, CORNERS * i)
        add_scaled(squares, places[j], ONE - beyond[j], shares, CORNERS * j)
        add_scaled(squares, places[i] + CORNERS, beyond[i], shares, CORNERS * i)
        add_scaled(squares, places[j] + CORNERS, beyond[j], shares, CORNERS * j)
    for i in range(2 * half, n):
        add_scaled(squares, places[i], ONE - beyond[i], shares, CORNERS * i)
        add_scaled(squares, places[i] + CORNERS, beyond[i], shares, CORNERS * i)


@kernel(inline="always")
def _collect(squares: Floats, descriptor: Floats) -> None:
    """Sum up what the four squares around each bin have gathered for it."""
    for r in range(N_BINS):
        for c in range(N_BINS):
            bin_start = (r * N_BINS + c) * N_ORIENTATIONS
            for o in range(N_ORIENTATIONS + 1):
                upper_left = r * SQUARE_ROW + c * SQUARE + o * CORNERS
                lower_left = upper_left + SQUARE_ROW
                value = (
                    squares[upper_left + 3]
                    + squares[upper_left + SQUARE + 2]
                    + squares[lower_left + 1]
                    + squares[lower_left + SQUARE]
                )
                if o < N_ORIENTATIONS:
                    descriptor[bin_start + o] = value
                else:
                    descriptor[bin_start] += value


@kernel(error_model="numpy")
def describe_batch(
    gaussians: Floats, shape: Shape, points: Doubles, sigma: float, out: Floats
) -> None:
    """Compute the descriptors of the keypoints of one octave.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, n_rows, row_length), float32
        The octave, or a window of it; rows are at least 8 longer than the octave is wide.
    shape : (int, int)
        Height and width of the octave.
    points : ndarray of shape (n, 5), float64
        Row, column, layer, response and orientation, from `orient_points`.
    sigma : float
        Blur of the first layer.
    out : ndarray of shape (n, 128), float32
        Receives the descriptors of unit norm, in the order bin row, bin column, orientation.
    """
    n_layers = gaussians.shape[0] - 3
    side = 2 * window_radius(BIN_SCALES * sigma * 2 ** ((n_layers + 0.5) / n_layers)) + 1
    capacity = side * side + STEP
    samples = np.empty(FIELDS * capacity, np.float32)
    places = np.empty(capacity, np.int32)
    beyond = np.empty(capacity, np.float32)
    shares = np.empty(CORNERS * capacity, np.float32)
    squares = np.empty(N_SQUARES * SQUARE_ROW, np.float32)
    for i in range(points.shape[0]):
        row, column, layer, orientation = points[i, 0], points[i, 1], points[i, 2], points[i, 4]
        width = BIN_SCALES * sigma * 2 ** (layer / n_layers)
        image = gaussians[round(layer)]
        n = _gather(image, shape, round(row), round(column), width, orientation, samples)
        turn = np.float32(orientation * (N_ORIENTATIONS / (2 * math.pi)))
        _share(samples, turn, places[:n], beyond, shares)
        _scatter(n, places, beyond, shares, squares)
        _collect(squares, out[i])
        normalize_descriptor(out[i])
