"""The nearest word of each descriptor, exactly, at the speed of one matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SCORES = 1 << 18  # at a time: 1 MB of float32 stays in the L2 cache until it is searched
_LEAST_BLOCK = 64  # descriptors; with fewer the matrix product is slower


def nearest_words(
    descriptors: NDArray[Any], words: NDArray[Any], half_squares: NDArray[Any]
) -> NDArray[np.intp]:
    """Return the number of the word at the least Euclidean distance of each descriptor.

    ``|x - c|^2 = |x|^2 - 2 (x.c - |c|^2 / 2)`` is least where the bracket is largest, which is a
    matrix product and a subtraction.

    Parameters
    ----------
    descriptors : ndarray of shape (n, d), float32
        Any number of descriptors.
    words : ndarray of shape (k, d), float32
        At least one word.
    half_squares : ndarray of shape (k,), float32
        ``|c|^2 / 2`` of each word.

    Returns
    -------
    ndarray of shape (n,), intp
        The first of several words whose distances are equal in the arithmetic of the type.

    Notes
    -----
    scikit-learn's `pairwise_distances_argmin` computes the same, float32 in float64 in part: words
    differ only where two distances are equal up to rounding.
    """
    size = max(_LEAST_BLOCK, _SCORES // len(words))
    scores = np.empty((min(size, len(descriptors)), len(words)), words.dtype)
    nearest = np.empty(len(descriptors), np.intp)
    for start in range(0, len(descriptors), size):
        block = descriptors[start : start + size]
        part = scores[: len(block)]
        np.matmul(block, words.T, out=part)
        np.subtract(part, half_squares, out=part)
        np.argmax(part, axis=1, out=nearest[start : start + size])
    return nearest
