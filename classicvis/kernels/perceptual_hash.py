"""Perceptual hashes of small grey images, and all pairs of hashes that differ in few bits.

A hash [1]_ says of 64 low frequencies of an image which ones lie above their mean: the bits and
their order are those of ``cv2.img_hash.pHash``.

References
----------
.. [1] C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010,
   http://www.phash.org/docs/pubs/thesis_zauner.pdf
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._bits import count_bits
from classicvis.kernels._jit import VECTOR_FLAGS, kernel

SIDE = 32  # pixels of the images
N_FREQUENCIES = 8  # along each axis
N_BITS = N_FREQUENCIES * N_FREQUENCIES


def perceptual_hash_batch(images: npt.NDArray[np.uint8], out: npt.NDArray[np.uint64]) -> None:
    """Compute the hash of each image.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, 32, 32)
        Grey images.
    out : ndarray of uint64, shape (k,)
        Receives the hashes. Bit ``8 i + j`` tells of frequency i down, j across: whether its
        cosine coefficient lies above the mean of all, where that of (0, 0) counts as 0. A flat
        image has hash 0.
    """
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ParameterError(f"images have shape {images.shape}: expected (k, {SIDE}, {SIDE})")
    if out.shape != (len(images),):
        raise ParameterError(f"out has shape {out.shape}: expected ({len(images)},)")
    _hashes(np.ascontiguousarray(images), _cosines(), out)


def hamming_pairs(
    hashes: npt.NDArray[np.uint64],
    n_bits: int,
    row: int,
    col: int,
    out: npt.NDArray[np.int64],
) -> tuple[int, int, int]:
    """Find pairs of hashes that differ in few bits, until `out` is full.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,)
        The hashes.
    n_bits : int
        The most bits in which the two of a pair differ, 0 to 64.
    row, col : int
        The pair to begin with; ``0, 1`` at first.
    out : ndarray of int64, shape (m, 2)
        Receives pairs (i, j) with i < j, ordered by i, then j.

    Returns
    -------
    n_pairs, row, col : int
        How many rows of `out` were filled, and where to go on; ``row == n`` when all is done.
    """
    if out.ndim != 2 or out.shape[1] != 2 or not len(out):
        raise ParameterError(f"out has shape {out.shape}: expected (m, 2) with m > 0")
    if not 0 <= n_bits <= N_BITS:
        raise ParameterError(f"n_bits is {n_bits}: expected 0 to {N_BITS}")
    if row < 0 or col <= row:
        raise ParameterError(f"row and col are {row} and {col}: expected 0 <= row < col")
    n_pairs, row, col = _pairs(np.ascontiguousarray(hashes), n_bits, row, col, out)
    return int(n_pairs), int(row), int(col)


def _cosines() -> npt.NDArray[np.float64]:
    """Return the orthonormal cosines of the low frequencies, without the constant one."""
    angles = np.outer(np.arange(N_FREQUENCIES), np.arange(SIDE) + 0.5) * (math.pi / SIDE)
    cosines = np.cos(angles) * math.sqrt(2 / SIDE)
    cosines[0] = math.sqrt(1 / SIDE)
    return cosines


@kernel(fastmath=VECTOR_FLAGS)
def _hashes(images, cosines, out):
    rows = np.empty((N_FREQUENCIES, SIDE))
    coefficients = np.empty((N_FREQUENCIES, N_FREQUENCIES))
    for k in range(len(images)):
        image = images[k]
        rows[:] = 0
        for i in range(N_FREQUENCIES):
            for y in range(SIDE):
                weight = cosines[i, y]
                for x in range(SIDE):
                    rows[i, x] += weight * (image[y, x] - 128.0)
        mean = 0.0
        for i in range(N_FREQUENCIES):
            for j in range(N_FREQUENCIES):
                total = 0.0
                for x in range(SIDE):
                    total += rows[i, x] * cosines[j, x]
                coefficients[i, j] = total if abs(total) > 1e-6 and i + j else 0.0
                mean += coefficients[i, j]
        mean /= N_BITS
        bits = np.uint64(0)
        for i in range(N_FREQUENCIES):
            for j in range(N_FREQUENCIES):
                if coefficients[i, j] > mean:
                    bits |= np.uint64(1) << np.uint64(N_FREQUENCIES * i + j)
        out[k] = bits


@kernel
def _pairs(hashes, n_bits, row, col, out):
    n, n_pairs = len(hashes), 0
    while row < n:
        bits = hashes[row]
        while col < n:
            if count_bits(bits ^ hashes[col]) <= n_bits:
                if n_pairs == len(out):
                    return n_pairs, row, col
                out[n_pairs, 0], out[n_pairs, 1] = row, col
                n_pairs += 1
            col += 1
        row += 1
        col = row + 1
    return n_pairs, row, col
