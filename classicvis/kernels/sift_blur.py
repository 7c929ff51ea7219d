"""Gaussian blur of rows that stream through rings: the inner loop of SIFT's scale space.

An image passes by in a ring: row y lies at index ``y % n_rows``, and rows may be longer than the
image is wide. A ring with as many rows as the image is the image.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from classicvis.kernels._jit import INNER, VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import Doubles, Floats, Indices, Shape

CUT = 4.0  # filters end at this many sigma, as OpenCV's for float images
ALIASING = 1e-5  # what a spaced filter may let pass of the frequency that it handles worst
FIRST_PAIRS, MORE_PAIRS = 3, 2  # taps are summed in passes of so many pairs


def tap_spacing(blurred: float) -> int:
    """Return the spacing of taps for a Gaussian filter after which the blur is `blurred`.

    A filter with taps ``d`` pixels apart errs most at frequency ``pi / d``, by what filter and
    image still have there: together ``exp(-(blurred * pi / d) ** 2 / 2)``. What is smooth enough
    does not need a tap at every pixel; the formula was the dense filter.
    """
    return max(int(blurred * math.pi / math.sqrt(-2 * math.log(ALIASING))), 1)


@lru_cache(maxsize=64)
def gaussian_taps(sigma: float, spacing: int) -> Doubles:
    """Return the weights of the centre and of each pair beside it; their sum over all taps is 1.

    The dense filter is OpenCV's, cut at the same place; a spaced one is as wide as needed for the
    same variance. Pairs of weight 0 fill up the last pass.
    """
    radius = round(2 * CUT * sigma + 1) // 2  # of OpenCV's kernel
    wanted = _variance(*_taps(sigma, radius, 1))
    n_pairs = max(round(radius / spacing), 1)
    width = sigma
    for _ in range(3):
        weights, offsets = _taps(width, n_pairs, spacing)
        width *= math.sqrt(wanted / _variance(weights, offsets))
    n_padded = FIRST_PAIRS + -(-max(n_pairs - FIRST_PAIRS, 0) // MORE_PAIRS) * MORE_PAIRS
    return np.append(weights, np.zeros(n_padded - n_pairs))


def _taps(sigma: float, n_pairs: int, spacing: int) -> tuple[Doubles, Doubles]:
    """Return the weights of the centre and of pairs, and how far they are from the centre."""
    offsets = np.arange(n_pairs + 1.0) * spacing
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / (weights[0] + 2 * weights[1:].sum()), offsets


def _variance(weights: Doubles, offsets: Doubles) -> float:
    """Return the variance of a symmetric filter, of which one half is given."""
    return 2 * float((weights * offsets**2).sum())


@kernel
def mirror(i: int, n: int) -> int:
    """Return where index i falls if the n values are mirrored at both ends, ends not repeated."""
    if n == 1:
        return 0
    while not 0 <= i < n:
        i = -i if i < 0 else 2 * (n - 1) - i
    return i


@kernel(inline="always")
def _begin_sum(flat: Floats, starts: Indices, weights: Floats, out: Floats) -> None:
    """Weigh the centre and three pairs: ``out = sum(weights[k] * (before + behind))``."""
    n = out.size
    center = flat[starts[0] : starts[0] + n]
    a1 = flat[starts[1] : starts[1] + n]
    b1 = flat[starts[2] : starts[2] + n]
    a2 = flat[starts[3] : starts[3] + n]
    b2 = flat[starts[4] : starts[4] + n]
    a3 = flat[starts[5] : starts[5] + n]
    b3 = flat[starts[6] : starts[6] + n]
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for c in range(n):
        out[c] = w0 * center[c] + w1 * (a1[c] + b1[c]) + w2 * (a2[c] + b2[c]) + w3 * (a3[c] + b3[c])


@kernel(inline="always")
def _continue_sum(flat: Floats, starts: Indices, weights: Floats, pair: int, out: Floats) -> None:
    """Add two more pairs, beginning with this one."""
    n = out.size
    i = 2 * pair - 1
    a1 = flat[starts[i] : starts[i] + n]
    b1 = flat[starts[i + 1] : starts[i + 1] + n]
    a2 = flat[starts[i + 2] : starts[i + 2] + n]
    b2 = flat[starts[i + 3] : starts[i + 3] + n]
    w1, w2 = weights[pair], weights[pair + 1]
    for c in range(n):
        out[c] += w1 * (a1[c] + b1[c]) + w2 * (a2[c] + b2[c])


@kernel(fastmath=VECTOR_FLAGS, **INNER)
def _weighted_sum(flat: Floats, starts: Indices, weights: Floats, out: Floats) -> None:
    """Weigh stretches of a flat array; ``starts`` holds the centre's begin, then those of pairs."""
    _begin_sum(flat, starts, weights, out)
    for pair in range(FIRST_PAIRS + 1, weights.size, MORE_PAIRS):
        _continue_sum(flat, starts, weights, pair, out)


@kernel(inline="always")
def blur_rows(
    source: Floats,
    shape: Shape,
    rows: Shape,
    weights: Floats,
    spacing: int,
    out: Floats,
) -> None:
    """Blur some rows of an image with a symmetric, separable filter; mirror it at the borders.

    Parameters
    ----------
    source : ndarray of shape (n_rows * row_length,), float32
        A ring that holds what the filter reaches, of the same shape as ``out`` but flat.
    shape : (int, int)
        Height and width of the image.
    rows : (int, int)
        The first row and the one behind the last.
    weights : ndarray of shape (n_pairs + 1,), float32
        From `gaussian_taps`.
    spacing : int
        Pixels between taps.
    out : ndarray of shape (n_rows, row_length), float32
        A ring that receives the rows.
    """
    height, width = shape
    n_rows, row_length = out.shape
    n_pairs = weights.size - 1
    reach = n_pairs * spacing
    row_starts = np.empty(2 * n_pairs + 1, np.intp)
    starts = np.empty(2 * n_pairs + 1, np.intp)
    starts[0] = reach
    for k in range(1, n_pairs + 1):
        starts[2 * k - 1] = reach - k * spacing
        starts[2 * k] = reach + k * spacing
    padded = np.empty(width + 2 * reach, np.float32)
    middle = padded[reach : reach + width]
    for row in range(rows[0], rows[1]):
        for k in range(2 * n_pairs + 1):
            offset = starts[k] - reach
            row_starts[k] = mirror(row + offset, height) % n_rows * row_length
        _weighted_sum(source, row_starts, weights, middle)
        for i in range(1, reach + 1):
            padded[reach - i] = middle[mirror(i, width)]
            padded[reach + width - 1 + i] = middle[mirror(width - 1 + i, width)]
        _weighted_sum(padded, starts, weights, out[row % n_rows, :width])
