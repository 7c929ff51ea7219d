"""Pooled codes to fewer, decorrelated numbers: principal components, mixed between cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from sklearn.utils.extmath import randomized_svd

from classicvis.images._threads import one_thread_each

# Components are divided by their variance to this power: 0 keeps their scale, 1/2 whitens them.
_WHITENING = 0.375
_NEIGHBOUR = 0.25  # share that a cell gets of its neighbour's components
_SCALE = 0.2  # root mean square length of a row, if cells were independent: suits linear_svm's C
_FLOOR = 1e-7  # of the largest variance: below are rounding errors


class PatchProjection(NamedTuple):
    """A linear map of the codes of each cell, and then of cells, whose rows come centred.

    Attributes
    ----------
    matrix : ndarray of shape (n_codes, n_components), float32
        Principal components, partly whitened.
    offset : ndarray of shape (n_cells, n_components), float32
        The components of each cell's mean.
    mixing : ndarray of shape (n_cells, n_cells), float32
        Shares of the components of all cells in those of each cell. The penalty of a linear
        machine then falls on how its weights differ between neighbouring cells.
    """

    matrix: np.ndarray
    offset: np.ndarray
    mixing: np.ndarray

    def apply(self, codes: np.ndarray) -> np.ndarray:
        """Return the components of codes (n, n_cells, n_codes): (n, n_cells, n_components)."""
        flat = codes.reshape(-1, codes.shape[2]) @ self.matrix
        return self.mixing @ (flat.reshape(len(codes), *self.offset.shape) - self.offset)


def learn_projection(
    blocks: Iterable[np.ndarray],
    n_components: int,
    grid: tuple[int, int],
    random_state: np.random.RandomState,
) -> PatchProjection:
    """Return the projection to the principal components of codes around the means of their cells.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n, n_cells, n_codes), float32
        Codes of some images at a time, of at least one in all.
    n_components : int
        Components wanted; there are at most as many as codes, and as vectors of them.
    grid : (int, int)
        Rows and columns of cells, in the order of the codes.
    random_state : RandomState
        For the randomised decomposition.

    Returns
    -------
    PatchProjection
        Divides component j by ``variance_j ** 0.375``, scales rows to a common length, and gives
        each cell a quarter of its neighbours' components, a sixteenth of the next, and so on.
    """
    n_images, moments, sums = _moments(blocks)
    n_cells, n_codes = sums.shape
    means = sums / n_images
    moments /= n_images * n_cells
    moments -= (means.T @ means / n_cells).astype(np.float32)
    rank = min(n_components, n_codes, n_images * n_cells)
    vectors, variances, _ = randomized_svd(moments, rank, n_iter=4, random_state=random_state)
    variances = np.maximum(variances, max(_FLOOR * variances[0], np.finfo(np.float32).tiny))
    length = np.sqrt(n_cells * (variances ** (1 - 2 * _WHITENING)).sum(dtype=np.float64))
    matrix = (vectors * (_SCALE / length * variances**-_WHITENING)).astype(np.float32)
    return PatchProjection(matrix, means.astype(np.float32) @ matrix, _mixing(grid))


def _mixing(grid: tuple[int, int]) -> np.ndarray:
    """Return the shares of cells in each cell, rows of unit length: (n_cells, n_cells)."""
    rows, cols = (_NEIGHBOUR ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))) for n in grid)
    shares = np.kron(rows, cols)
    return (shares / np.linalg.norm(shares, axis=1, keepdims=True)).astype(np.float32)


def _moments(blocks: Iterable[np.ndarray]) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of images, the sum of outer products of codes, and their sums by cell."""
    n_images, moments, sums = 0, np.zeros(1), np.zeros(1)
    for block in blocks:
        flat = block.reshape(-1, block.shape[2])
        with one_thread_each():  # while workers come and go, so that sums round alike
            products = flat.T @ flat
        if n_images:
            moments += products
        else:
            moments = products
        sums = sums + block.sum(axis=0, dtype=np.float64)
        n_images += len(block)
    return n_images, moments, sums
