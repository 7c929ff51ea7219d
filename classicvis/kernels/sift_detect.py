"""SIFT keypoints: extrema of the difference of Gaussians, refined to sub-pixel positions.

The difference of Gaussians is never stored: ``D[layer] = gaussians[layer + 1] - gaussians[layer]``
is formed a row at a time where extrema are sought, and pixel by pixel where they are refined.

Points are rows of float64: row, column, layer (all three sub-pixel, within one octave), response,
and after `orient_points` the orientation. The Gaussians are rings of rows: row y of the octave
lies at index ``y % n_rows``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classicvis.kernels._jit import kernel
from classicvis.kernels.sift_math import Doubles, Floats, Indices, Mask, Shape

BORDER = 5  # no keypoint lies closer to the image's edge, in pixels of its octave
MAX_STEPS = 5  # of the refinement
MAX_SHIFT = 5  # rows that it may go up or down, all in all
WORD = 8  # bytes of the mask that are looked at together


@kernel(inline="always")
def _subtract(upper: Floats, lower: Floats, out: Floats) -> None:
    """Write the difference of two rows."""
    for c in range(out.size):
        out[c] = upper[c] - lower[c]


@kernel(inline="always")
def _extremes(first: Floats, second: Floats, third: Floats, tops: Floats, pits: Floats) -> None:
    """Write the largest and the smallest of three rows, element by element."""
    for c in range(tops.size):
        a, b, d = first[c], second[c], third[c]
        larger = a if a > b else b
        smaller = a if a < b else b
        tops[c] = d if d > larger else larger
        pits[c] = d if d < smaller else smaller


@kernel(inline="always")
def _merge(tops: Floats, pits: Floats, layer: int, top: Floats, pit: Floats) -> None:
    """Write the largest top and the smallest pit of three layers, element by element."""
    for c in range(top.size):
        a, b, d = tops[layer - 1, c], tops[layer, c], tops[layer + 1, c]
        larger = a if a > b else b
        top[c] = d if d > larger else larger
        a, b, d = pits[layer - 1, c], pits[layer, c], pits[layer + 1, c]
        smaller = a if a < b else b
        pit[c] = d if d < smaller else smaller


@kernel(inline="always")
def _mark_row(row: Floats, tops: Floats, pits: Floats, limit: np.float32, mask: Mask) -> None:
    """Mark (1 or 0) the values beyond the limit that none of three columns of extremes exceeds."""
    for c in range(row.size - 2):
        value = row[c + 1]
        is_top = (value >= tops[c]) & (value >= tops[c + 1]) & (value >= tops[c + 2])
        is_pit = (value <= pits[c]) & (value <= pits[c + 1]) & (value <= pits[c + 2])
        mask[c + 1] = ((value > limit) & is_top) | ((value < -limit) & is_pit)


def extrema_buffers(n_layers: int, width: int) -> tuple[Floats, Mask, NDArray[np.uint64]]:
    """Return what `find_extrema` needs room for: rows of numbers and a mask, twice."""
    n_differences = n_layers + 2
    words = np.zeros(-(-width // WORD), np.uint64)
    return np.empty((5 * n_differences + 2, width), np.float32), words.view(np.uint8), words


@kernel(error_model="numpy")
def find_extrema(
    gaussians: Floats,
    shape: Shape,
    rows: Shape,
    threshold: float,
    lines: Floats,
    mask: Mask,
    words: NDArray[np.uint64],
    out: Indices,
) -> int:
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
    lines, mask, words
        From `extrema_buffers`.
    out : ndarray of shape (n, 3), intp
        Receives row, column and layer (1 to n_layers) of each, as far as there is room.

    Returns
    -------
    int
        The number of extrema, those without room included.
    """
    n_differences = gaussians.shape[0] - 1
    height, width = shape
    count = 0
    first_row = max(rows[0], BORDER)
    end_row = min(rows[1], height - BORDER)
    if first_row >= end_row or width <= 2 * BORDER:
        return 0
    tops = lines[3 * n_differences : 4 * n_differences]
    pits = lines[4 * n_differences : 5 * n_differences]
    top, pit = lines[5 * n_differences], lines[5 * n_differences + 1]
    limit = np.float32(threshold)
    for row in range(first_row - 2, end_row):
        for layer in range(n_differences):
            index = (row + 1) % gaussians.shape[1]
            difference = lines[(row + 1) % 3 * n_differences + layer]
            _subtract(gaussians[layer + 1, index], gaussians[layer, index], difference)
        if row < first_row:
            continue
        # The extremes of the 3 x 3 x 3 around each value, one direction after another: this was a
        # comparison with each of the 26 neighbours.
        for layer in range(n_differences):
            first, second, third = layer, n_differences + layer, 2 * n_differences + layer
            _extremes(lines[first], lines[second], lines[third], tops[layer], pits[layer])
        for layer in range(1, n_differences - 1):
            _merge(tops, pits, layer, top, pit)
            _mark_row(lines[row % 3 * n_differences + layer], top, pit, limit, mask)
            for word in range(words.size):
                if words[word] == 0:
                    continue
                start = word * WORD
                for column in range(max(start, BORDER), min(start + WORD, width - BORDER)):
                    if mask[column] == 0:
                        continue
                    if count < out.shape[0]:
                        out[count, 0] = row
                        out[count, 1] = column
                        out[count, 2] = layer
                    count += 1
    return count


@kernel(inline="always")
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


@kernel(inline="always")
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


@kernel(inline="always")
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
        if abs(s) < 0.5 and abs(r) < 0.5 and abs(c) < 0.5:
            break
        if abs(s) + abs(r) + abs(c) > height + width:
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


@kernel(error_model="numpy")
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
