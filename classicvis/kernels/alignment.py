"""How well small grey images explain each other, up to a slight crop and a change of exposure.

One step of the alignment of Lucas and Kanade [1]_: image ``b`` is fitted by least squares as ::

    b = gain * a + offset
        + (shift_row + scale_row * y) * da/dy + (shift_col + scale_col * x) * da/dx

with x and y from -1 to 1. Pixels of ``b`` that are almost black or white do not count in the fit,
and the fit is clipped to 0..255 before it is judged: so a copy that was made brighter until parts
of it became white still fits.

References
----------
.. [1] B. Lucas, T. Kanade, "An iterative image registration technique with an application to
   stereo vision", IJCAI 1981
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import INNER, VECTOR_FLAGS, kernel

MARGIN = 2  # pixels at each side that are only looked at by gradients
DARKEST, BRIGHTEST = 8, 247  # what lies beyond may have been clipped
LEAST_UNCLIPPED = 0.1  # share of the pixels; with fewer all of them count
_N_TERMS = 6
_RIDGE = 1e-2  # grey levels squared: keeps equations of flat images solvable


def aligned_similarity(
    images: npt.NDArray[np.uint8],
    pairs: npt.NDArray[np.int64],
    least_correlation: float,
    out: npt.NDArray[np.float64],
) -> None:
    """Compute how well the two images of each pair explain each other.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w)
        Small grey images, slightly blurred; at least 6x6 pixels.
    pairs : ndarray of int64, shape (m, 2)
        Numbers of images.
    least_correlation : float
        Pairs whose plain correlation lies below are not aligned: their similarity is 0.
    out : ndarray of float64, shape (m, 2)
        Receives, of the better of both directions, the share of the variance that the fit explains
        (1: all; 0 also where the gain is not positive) and the largest of the four absolute
        displacements ``shift / gain`` and ``scale / gain``, in pixels.
    """
    if images.ndim != 3 or min(images.shape[1:]) < 2 * MARGIN + 2:
        raise ParameterError(f"images have shape {images.shape}: expected (n, h, w), 6x6 or more")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or out.shape != pairs.shape:
        raise ParameterError(
            f"pairs and out have shapes {pairs.shape}, {out.shape}: expected (m, 2)"
        )
    if len(pairs) and not 0 <= pairs.min() <= pairs.max() < len(images):
        raise ParameterError(f"pairs name images {pairs.min()} to {pairs.max()} of {len(images)}")
    _similarities(np.ascontiguousarray(images), pairs, float(least_correlation), out)


@kernel(fastmath=VECTOR_FLAGS)
def _similarities(images, pairs, least_correlation, out):
    height, width = images.shape[1:]
    n_pixels = (height - 2 * MARGIN) * (width - 2 * MARGIN)
    terms, target = np.empty((_N_TERMS, n_pixels)), np.empty(n_pixels)
    weights, fitted = np.empty(n_pixels), np.empty(n_pixels)
    matrix, solution = np.empty((_N_TERMS, _N_TERMS)), np.empty(_N_TERMS)
    for p in range(len(pairs)):
        out[p] = 0.0
        first, second = images[pairs[p, 0]], images[pairs[p, 1]]
        if _correlation(first.ravel(), second.ravel()) < least_correlation:
            continue
        for _ in range(2):
            _fill_terms(first, terms)
            _fill_target(second, target, weights)
            _solve(terms, target, weights, matrix, solution)
            explained = _explained(terms, target, solution, fitted)
            if solution[0] > 0 and explained > out[p, 0]:
                out[p, 0] = explained
                out[p, 1] = 0.0
                for i in range(1, 5):
                    out[p, 1] = max(out[p, 1], abs(solution[i]) / solution[0])
            first, second = second, first


@kernel(fastmath=VECTOR_FLAGS, **INNER)
def _correlation(first, second):
    n = len(first)
    a = b = aa = bb = ab = 0.0
    for i in range(n):
        x, y = float(first[i]), float(second[i])
        a += x
        b += y
        aa += x * x
        bb += y * y
        ab += x * y
    scale = (n * aa - a * a) * (n * bb - b * b)
    return (n * ab - a * b) / math.sqrt(scale) if scale > 0 else 0.0


@kernel(fastmath=VECTOR_FLAGS, **INNER)
def _fill_terms(image, terms):
    height, width = image.shape
    k = 0
    for row in range(MARGIN, height - MARGIN):
        y = 2.0 * row / (height - 1) - 1
        for col in range(MARGIN, width - MARGIN):
            x = 2.0 * col / (width - 1) - 1
            down = 0.5 * (float(image[row + 1, col]) - float(image[row - 1, col]))
            right = 0.5 * (float(image[row, col + 1]) - float(image[row, col - 1]))
            terms[0, k] = image[row, col] - 128.0
            terms[1, k] = down
            terms[2, k] = right
            terms[3, k] = y * down
            terms[4, k] = x * right
            terms[5, k] = 1.0
            k += 1


@kernel(fastmath=VECTOR_FLAGS, **INNER)
def _fill_target(image, target, weights):
    height, width = image.shape
    k = n_unclipped = 0
    for row in range(MARGIN, height - MARGIN):
        for col in range(MARGIN, width - MARGIN):
            value = image[row, col]
            target[k] = value - 128.0
            weights[k] = 1.0 if DARKEST <= value <= BRIGHTEST else 0.0
            n_unclipped += DARKEST <= value <= BRIGHTEST
            k += 1
    if n_unclipped < LEAST_UNCLIPPED * k:
        weights[:] = 1.0


@kernel(fastmath=VECTOR_FLAGS, **INNER)
def _solve(terms, target, weights, matrix, solution):
    """Solve the weighted least squares by the Cholesky decomposition of its normal equations."""
    n_pixels = len(target)
    for i in range(_N_TERMS):
        total = 0.0
        for k in range(n_pixels):
            total += weights[k] * terms[i, k] * target[k]
        solution[i] = total
        for j in range(i + 1):
            total = 0.0
            for k in range(n_pixels):
                total += weights[k] * terms[i, k] * terms[j, k]
            matrix[i, j] = total + (_RIDGE if i == j else 0.0)
    for i in range(_N_TERMS):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = math.sqrt(max(total, 1e-9)) if i == j else total / matrix[j, j]
    for i in range(_N_TERMS):
        for k in range(i):
            solution[i] -= matrix[i, k] * solution[k]
        solution[i] /= matrix[i, i]
    for step in range(_N_TERMS):
        i = _N_TERMS - 1 - step
        for k in range(i + 1, _N_TERMS):
            solution[i] -= matrix[k, i] * solution[k]
        solution[i] /= matrix[i, i]


@kernel(fastmath=VECTOR_FLAGS, **INNER)
def _explained(terms, target, solution, fitted):
    """Return the share of the variance of the target that the clipped fit explains."""
    n_pixels = len(target)
    fitted[:] = 0.0
    for i in range(_N_TERMS):
        for k in range(n_pixels):
            fitted[k] += solution[i] * terms[i, k]
    mean = 0.0
    for k in range(n_pixels):
        mean += target[k]
    mean /= n_pixels
    missed = total = 0.0
    for k in range(n_pixels):
        missed += (target[k] - min(max(fitted[k], -128.0), 127.0)) ** 2
        total += (target[k] - mean) ** 2
    return 1.0 - missed / total if total > 0 else 0.0
