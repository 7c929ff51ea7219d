"""SIFT keypoints: extrema of the difference of Gaussians, refined, with orientations.

The difference of Gaussians is never stored: ``D[layer] = gaussians[layer + 1] - gaussians[layer]``
is formed a row at a time where extrema are sought, and pixel by pixel where they are refined.

Points are rows of float64: row, column, layer (all three sub-pixel, within one octave), response,
and after `orient_points` the orientation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import Doubles, Floats, Indices, Mask, to_polar

BORDER = 5  # no keypoint lies closer to the image's edge, in pixels of its octave
MAX_STEPS = 5  # of the refinement
N_ANGLES = 36
PEAK_RATIO = 0.8
ORIENTATION_SIGMA = 1.5  # of the window of gradients, in units of the keypoint's scale
WORD = 8  # bytes of the mask that are looked at together


@kernel(fastmath=VECTOR_FLAGS)
def _difference_row(gaussians: Floats, row: int, out: Floats) -> None:
    """Write one row of every difference of Gaussians (n_layers, width)."""
    for layer in range(out.shape[0]):
        upper = gaussians[layer + 1, row]
        lower = gaussians[layer, row]
        difference = out[layer]
        for c in range(difference.size):
            difference[c] = upper[c] - lower[c]


@kernel
def _mark_row(above: Floats, row: Floats, below: Floats, threshold: float, mask: Mask) -> None:
    """Mark (1 or 0) the values beyond the threshold that no direct neighbour exceeds.

    This cheap test leaves a few pixels per hundred for `_is_extremum`.
    """
    left = row[:-2]
    middle = row[1:-1]
    right = row[2:]
    north = above[1:-1]
    south = below[1:-1]
    inner = mask[1:]
    limit = np.float32(threshold)
    for c in range(middle.size):
        value = middle[c]
        top = (value >= left[c]) & (value >= right[c]) & (value >= north[c]) & (value >= south[c])
        pit = (value <= left[c]) & (value <= right[c]) & (value <= north[c]) & (value <= south[c])
        inner[c] = (top & (value > limit)) | (pit & (value < -limit))


@kernel
def _is_extremum(ring: Floats, row: int, layer: int, column: int) -> bool:
    """Tell whether a value is not exceeded, away from zero, by any of its 26 neighbours."""
    value = ring[row % 3, layer, column]
    for r in range(3):
        for k in range(layer - 1, layer + 2):
            for c in range(column - 1, column + 2):
                neighbor = ring[r, k, c]
                if neighbor > value if value > 0 else neighbor < value:
                    return False
    return True


@kernel
def _grown(table: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of the table with room for twice as many rows."""
    larger = np.empty((2 * table.shape[0], table.shape[1]), table.dtype)
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            larger[i, j] = table[i, j]
    return larger


@kernel
def find_extrema(gaussians: Floats, threshold: float) -> Indices:
    """Find the local extrema of the difference of Gaussians in space and scale.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, height, width), float32
        One octave.
    threshold : float
        Smaller absolute values are passed over.

    Returns
    -------
    ndarray of shape (n, 3), intp
        Row, column and layer (1 to n_layers) of each.
    """
    n_differences = gaussians.shape[0] - 1
    height, width = gaussians.shape[1:]
    found = np.empty((256, 3), np.intp)
    count = 0
    if min(height, width) <= 2 * BORDER:
        return found[:0]
    ring = np.empty((3, n_differences, width), np.float32)
    mask = np.zeros((width + WORD - 1) // WORD * WORD, np.uint8)
    words = mask.view(np.uint64)
    for row in range(BORDER - 1, BORDER + 1):
        _difference_row(gaussians, row, ring[row % 3])
    for row in range(BORDER, height - BORDER):
        _difference_row(gaussians, row + 1, ring[(row + 1) % 3])
        above, middle, below = ring[(row - 1) % 3], ring[row % 3], ring[(row + 1) % 3]
        for layer in range(1, n_differences - 1):
            _mark_row(above[layer], middle[layer], below[layer], threshold, mask)
            for word in range(words.size):
                if words[word] == 0:
                    continue
                first = max(word * WORD, BORDER)
                for column in range(first, min(word * WORD + WORD, width - BORDER)):
                    if mask[column] == 0 or not _is_extremum(ring, row, layer, column):
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
    for k in range(3):
        for i in range(3):
            for j in range(3):
                r = row + i - 1
                c = column + j - 1
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
    gaussians: Floats, extremum: Indices, contrast: float, edge: float, cube: Doubles, out: Doubles
) -> bool:
    """Move one extremum to sub-pixel position; tell whether it is stable, and write the point."""
    n_layers = gaussians.shape[0] - 3
    height, width = gaussians.shape[1:]
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
    gaussians: Floats, extrema: Indices, contrast: float, edge: float, out: Doubles
) -> int:
    """Fit a quadratic to each extremum and keep those with contrast that are not on an edge.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, height, width), float32
        One octave.
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
        if _refine(gaussians, extrema[i], contrast, edge, cube, out[count]):
            count += 1
    return count


@kernel
def _window_radius(scale: float) -> int:
    """Return how far the gradients reach that a keypoint's orientation heeds, in pixels."""
    return round(3 * ORIENTATION_SIGMA * scale)


@kernel
def _gather(image: Floats, row: int, column: int, scale: float, samples: Floats) -> int:
    """Collect the gradients around one pixel; return their number.

    ``samples`` (3, capacity) receives the gradient to the right and upwards, and its Gaussian
    weight.
    """
    height, width = image.shape
    radius = _window_radius(scale)
    window = np.empty(radius + 1, np.float32)
    for i in range(radius + 1):
        window[i] = math.exp(-0.5 * (i / (ORIENTATION_SIGMA * scale)) ** 2)
    n = 0
    for r in range(max(row - radius, 1), min(row + radius, height - 2) + 1):
        for c in range(max(column - radius, 1), min(column + radius, width - 2) + 1):
            samples[0, n] = image[r, c + 1] - image[r, c - 1]
            samples[1, n] = image[r - 1, c] - image[r + 1, c]
            samples[2, n] = window[abs(r - row)] * window[abs(c - column)]
            n += 1
    return n


@kernel(fastmath=VECTOR_FLAGS)
def _fill_histogram(samples: Floats, n: int, raw: Doubles, histogram: Doubles) -> None:
    """Fill the histogram (36,) of gradient angles and smooth it; ``raw`` is scratch."""
    for i in range(N_ANGLES):
        raw[i] = 0
    for i in range(n):
        angle = int(samples[1, i] * (N_ANGLES / 8) + 0.5)  # rounded to the nearest
        raw[angle if angle < N_ANGLES else 0] += samples[0, i] * samples[2, i]
    for i in range(N_ANGLES):  # the negative indices wrap around
        histogram[i] = (
            6 * raw[i]
            + 4 * (raw[i - 1] + raw[(i + 1) % N_ANGLES])
            + (raw[i - 2] + raw[(i + 2) % N_ANGLES])
        ) / 16


@kernel
def orient_points(gaussians: Floats, points: Doubles, sigma: float) -> Doubles:
    """Give each point the dominant directions of the gradients around it, one row for each.

    Parameters
    ----------
    gaussians : ndarray of shape (n_layers + 3, height, width), float32
        One octave.
    points : ndarray of shape (n, 4), float64
        From `refine_extrema`.
    sigma : float
        Blur of the first layer.

    Returns
    -------
    ndarray of shape (m, 5), float64
        The points with their orientation, radians in [0, 2 pi) from the direction of the columns
        towards that of the rows. Every peak of at least 80 % of the highest makes a row.
    """
    n_layers = gaussians.shape[0] - 3
    widest = sigma * 2 ** ((n_layers + 0.5) / n_layers)
    capacity = min((2 * _window_radius(widest) + 1) ** 2, gaussians[0].size)
    samples = np.empty((3, capacity), np.float32)
    raw = np.empty(N_ANGLES)
    histogram = np.empty(N_ANGLES)
    out = np.empty((points.shape[0] * 2 + N_ANGLES, 5))
    count = 0
    for i in range(points.shape[0]):
        row, column, layer, response = points[i, 0], points[i, 1], points[i, 2], points[i, 3]
        scale = sigma * 2 ** (layer / n_layers)
        n = _gather(gaussians[round(layer)], round(row), round(column), scale, samples)
        to_polar(samples[0, :n], samples[1, :n])
        _fill_histogram(samples, n, raw, histogram)
        lowest = PEAK_RATIO * histogram.max()
        if count + N_ANGLES > out.shape[0]:
            out = _grown(out)
        for j in range(N_ANGLES):
            before, peak, after = histogram[j - 1], histogram[j], histogram[(j + 1) % N_ANGLES]
            if peak < lowest or peak <= before or peak <= after:
                continue
            angle = j + 0.5 * (before - after) / (before - 2 * peak + after)
            out[count, 0] = row
            out[count, 1] = column
            out[count, 2] = layer
            out[count, 3] = response
            out[count, 4] = (N_ANGLES - angle) % N_ANGLES * (2 * math.pi / N_ANGLES)
            count += 1
    return out[:count]
