"""SIFT keypoints: extrema of the difference of Gaussians, refined to sub-pixel positions.

The difference of Gaussians is never stored: ``D[layer] = gaussians[layer + 1] - gaussians[layer]``
is formed a row at a time where extrema are sought, and pixel by pixel where they are refined.

Points are rows of float64: row, column, layer (all three sub-pixel, within one octave), response,
and after `orient_points` the orientation. The Gaussians are rings of rows: row y of the octave
lies at index ``y % n_rows``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import Doubles, Floats, Indices, Mask, Shape

BORDER = 5  # no keypoint lies closer to the image's edge, in pixels of its octave
MAX_STEPS = 5  # of the refinement
MAX_SHIFT = 5  # rows that it may go up or down, all in all
WORD = 8  # bytes of the mask that are looked at together


@kernel(fastmath=VECTOR_FLAGS)
def _difference_row(gaussians: Floats, row: int, out: Floats) -> None:
    """Write one row of every difference of Gaussians (n_layers, width)."""
    for layer in range(out.shape[0]):
        upper = gaussians[layer + 1, row % gaussians.shape[1]]
        lower = gaussians[layer, row % gaussians.shape[1]]
        difference = out[layer]
        for c in range(difference.size):
            difference[c] = upper[c] - lower[c]


@kernel
def _extremes(first: Floats, second: Floats, third: Floats, tops: Floats, pits: Floats) -> None:
    """Write the largest and the smallest of three rows, element by element."""
    for c in range(tops.size):
        a, b, d = first[c], second[c], third[c]
        larger = a if a > b else b
        smaller = a if a < b else b
        tops[c] = d if d > larger else larger
        pits[c] = d if d < smaller else smaller


@kernel
def _merge_tops(lower: Floats, middle: Floats, upper: Floats, tops: Floats) -> None:
    """Write the largest of three rows, element by element."""
    for c in range(tops.size):
        larger = lower[c] if lower[c] > middle[c] else middle[c]
        tops[c] = upper[c] if upper[c] > larger else larger


@kernel
def _merge_pits(lower: Floats, middle: Floats, upper: Floats, pits: Floats) -> None:
    """Write the smallest of three rows, element by element."""
    for c in range(pits.size):
        smaller = lower[c] if lower[c] < middle[c] else middle[c]
        pits[c] = upper[c] if upper[c] < smaller else smaller


@kernel
def _mark_row(row: Floats, tops: Floats, pits: Floats, limit: np.float32, mask: Mask) -> None:
    """Mark (1 or 0) the values beyond the limit that none of three columns of extremes exceeds."""
    for c in range(row.size - 2):
        value = row[c + 1]
        top = max(max(tops[c], tops[c + 1]), tops[c + 2])
        pit = min(min(pits[c], pits[c + 1]), pits[c + 2])
        mask[c + 1] = ((value > limit) & (value >= top)) | ((value < -limit) & (value <= pit))


@kernel
def _grown(table: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of the table with room for twice as many rows."""
    larger = np.empty((2 * table.shape[0], table.shape[1]), table.dtype)
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            larger[i, j] = table[i, j]
    return larger


@kernel
def find_extrema(gaussians: Floats, shape: Shape, rows: Shape, threshold: float) -> Indices:
    """Find the local extrema of the difference of Gaussians in space and scale.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, n_rows, row_length), float32
        One octave, or a window of it that holds the rows and those beside them.
    shape : (int, int)
        Height and width of the octave.
    rows : (int, int)
        The first row to be searched and the one behind the last.
    threshold : float
        Smaller absolute values are passed over.

    Returns
    -------
    ndarray of shape (n, 3), intp
        Row, column and layer (1 to n_layers) of each.
    """
    n_differences = gaussians.shape[0] - 1
    height, width = shape
    found = np.empty((256, 3), np.intp)
    count = 0
    first_row = max(rows[0], BORDER)
    end_row = min(rows[1], height - BORDER)
    if first_row >= end_row or width <= 2 * BORDER:
        return found[:0]
    ring = np.empty((3, n_differences, width), np.float32)
    tops = np.empty((n_differences, width), np.float32)
    pits = np.empty((n_differences, width), np.float32)
    top = np.empty(width, np.float32)
    pit = np.empty(width, np.float32)
    limit = np.float32(threshold)
    mask = np.zeros((width + WORD - 1) // WORD * WORD, np.uint8)
    words = mask.view(np.uint64)
    for row in range(first_row - 1, first_row + 1):
        _difference_row(gaussians, row, ring[row % 3])
    for row in range(first_row, end_row):
        _difference_row(gaussians, row + 1, ring[(row + 1) % 3])
        # The extremes of the 3 x 3 x 3 around each value, one direction after another: this was a
        # comparison with each of the 26 neighbours.
        for layer in range(n_differences):
            _extremes(ring[0, layer], ring[1, layer], ring[2, layer], tops[layer], pits[layer])
        for layer in range(1, n_differences - 1):
            _merge_tops(tops[layer - 1], tops[layer], tops[layer + 1], top)
            _merge_pits(pits[layer - 1], pits[layer], pits[layer + 1], pit)
            _mark_row(ring[row % 3, layer], top, pit, limit, mask)
            for word in range(words.size):
                if words[word] == 0:
                    continue
                first = max(word * WORD, BORDER)
                for column in range(first, min(word * WORD + WORD, width - BORDER)):
                    if mask[column] == 0:
                        continue
                    if count == found.shape[0]:
                        found = _grown(found)
                    found[count, 0] = row
                    found[count, 1] = column
                    found[count, 2] = layer
                    count += 1
    return found[:count]


@kernel
def _derivatives(gaussians: Floats, layer: int, row: int, column: int, cube: Doubles) -> tuple:
    """Return the gradient and the Hessian of the difference of Gaussians at one pixel.

    ``cube`` (3, 3, 3) receives the differences around it. Order: layer, row, column.
    """
    for i in range(3):
        r = (row + i - 1) % gaussians.shape[1]
        for j in range(3):
            c = column + j - 1
            for k in range(3):
                cube[k, i, j] = gaussians[layer + k, r, c] - gaussians[layer + k - 1, r, c]
    center = 2 * cube[1, 1, 1]
    d_s = (cube[2, 1, 1] - cube[0, 1, 1]) / 2
    d_r = (cube[1, 2, 1] - cube[1, 0, 1]) / 2
    d_c = (cube[1, 1, 2] - cube[1, 1, 0]) / 2
    d_ss = cube[2, 1, 1] + cube[0, 1, 1] - center
    d_rr = cube[1, 2, 1] + cube[1, 0, 1] - center
    d_cc = cube[1, 1, 2] + cube[1, 1, 0] - center
    d_sr = (cube[2, 2, 1] - cube[2, 0, 1] - cube[0, 2, 1] + cube[0, 0, 1]) / 4
    d_sc = (cube[2, 1, 2] - cube[2, 1, 0] - cube[0, 1, 2] + cube[0, 1, 0]) / 4
    d_rc = (cube[1, 2, 2] - cube[1, 2, 0] - cube[1, 0, 2] + cube[1, 0, 0]) / 4
    return (d_s, d_r, d_c), (d_ss, d_rr, d_cc, d_sr, d_sc, d_rc)


@kernel
def _newton_step(gradient: tuple, hessian: tuple) -> tuple:
    """Return where the quadratic fit has its extremum: ``-inv(hessian) @ gradient``.

    Cramer's rule on the symmetric matrix; a singular one gives no step.
    """
    d_s, d_r, d_c = gradient
    d_ss, d_rr, d_cc, d_sr, d_sc, d_rc = hessian
    m_ss = d_rr * d_cc - d_rc * d_rc
    m_sr = d_sc * d_rc - d_sr * d_cc
    m_sc = d_sr * d_rc - d_sc * d_rr
    m_rr = d_ss * d_cc - d_sc * d_sc
    m_rc = d_sr * d_sc - d_ss * d_rc
    m_cc = d_ss * d_rr - d_sr * d_sr
    determinant = d_ss * m_ss + d_sr * m_sr + d_sc * m_sc
    if determinant == 0:
        return 0.0, 0.0, 0.0
    return (
        -(m_ss * d_s + m_sr * d_r + m_sc * d_c) / determinant,
        -(m_sr * d_s + m_rr * d_r + m_rc * d_c) / determinant,
        -(m_sc * d_s + m_rc * d_r + m_cc * d_c) / determinant,
    )


@kernel
def _refine(
    gaussians: Floats,
    shape: Shape,
    extremum: Indices,
    contrast: float,
    edge: float,
    cube: Doubles,
    out: Doubles,
) -> bool:
    """Move one extremum to sub-pixel position; tell whether it is stable, and write the point."""
    n_layers = gaussians.shape[0] - 3
    height, width = shape
    row, column, layer = extremum[0], extremum[1], extremum[2]
    for _ in range(MAX_STEPS):
        gradient, hessian = _derivatives(gaussians, layer, row, column, cube)
        s, r, c = _newton_step(gradient, hessian)
        if max(abs(s), abs(r), abs(c)) < 0.5:
            break
        if max(abs(s), abs(r), abs(c)) > height + width:
            return False
        layer += round(s)
        row += round(r)
        column += round(c)
        if (
            not 1 <= layer <= n_layers
            or not BORDER <= row < height - BORDER
            or not BORDER <= column < width - BORDER
            or abs(row - extremum[0]) > MAX_SHIFT
        ):
            return False
    else:
        return False
    value = cube[1, 1, 1] + (gradient[0] * s + gradient[1] * r + gradient[2] * c) / 2
    _, d_rr, d_cc, _, _, d_rc = hessian
    trace = d_rr + d_cc
    determinant = d_rr * d_cc - d_rc * d_rc
    if abs(value) < contrast or determinant <= 0:
        return False
    if trace * trace * edge >= (edge + 1) * (edge + 1) * determinant:
        return False
    out[0] = row + r
    out[1] = column + c
    out[2] = layer + s
    out[3] = abs(value)
    return True


@kernel
def refine_extrema(
    gaussians: Floats, shape: Shape, extrema: Indices, contrast: float, edge: float, out: Doubles
) -> int:
    """Fit a quadratic to each extremum and keep those with contrast that are not on an edge.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, n_rows, row_length), float32
        One octave, or a window of it.
    shape : (int, int)
        Height and width of the octave.
    extrema : ndarray of shape (n, 3), intp
        From `find_extrema`.
    contrast : float
        Smallest absolute value of the difference of Gaussians at the refined extremum.
    edge : float
        Largest ratio of the principal curvatures.
    out : ndarray of shape (n, 4), float64
        Receives the points, in the order of the extrema.

    Returns
    -------
    int
        The number of points kept.
    """
    cube = np.empty((3, 3, 3))
    count = 0
    for i in range(extrema.shape[0]):
        if _refine(gaussians, shape, extrema[i], contrast, edge, cube, out[count]):
            count += 1
    return count
