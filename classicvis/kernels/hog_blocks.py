"""Contrast normalisation of overlapping blocks of HOG cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from classicvis.kernels._jit import VECTOR_FLAGS, kernel

BLOCK_NORMS = {"L1": 0, "L1-sqrt": 1, "L2": 2, "L2-Hys": 3}
_L1, _L1_SQRT, _L2_HYS = 0, 1, 3

EPSILON = 1e-5  # keeps flat blocks at zero; for cells that are means over their pixels
CLIP = 0.2  # of L2-Hys


def normalize_blocks(
    cells: npt.NDArray[np.float32],
    cells_per_block: tuple[int, int],
    block_norm: int,
    out: npt.NDArray[Any],
) -> None:
    """Normalise every block of cells.

    Parameters
    ----------
    cells : ndarray of float32, shape (k, n_rows, n_cols, orientations)
        Non-negative cell histograms, from `classicvis.kernels.hog_float.cell_histograms`.
    cells_per_block : (int, int)
        Block size (rows, columns), in cells.
    block_norm : int
        A value of ``BLOCK_NORMS``.
    out : ndarray of float32 or float64, shape (k, hog_length), C-contiguous
        Receives one descriptor per row; its dtype is the precision of the work.
    """
    k, n_rows, n_cols, orientations = cells.shape
    block = (int(cells_per_block[0]), int(cells_per_block[1]))
    work = np.empty((orientations + 3, n_rows * n_cols), out.dtype)
    for i in range(k):
        normalize(cells[i].astype(out.dtype), n_cols, block, block_norm, EPSILON, work, out[i])


@kernel(fastmath=VECTOR_FLAGS)
def normalize(cells, n_cols, block, norm, epsilon, work, out):
    """Normalise the blocks of one image.

    A block is known by its first cell, so that sums over blocks run over the flat array of cells;
    positions whose block would leave the right edge are computed and not read.

    Parameters
    ----------
    cells : ndarray of shape (n_rows, pitch, orientations)
        Cell histograms, ``pitch >= n_cols`` of them stored per row.
    n_cols : int
        Cells per row that count.
    block : (int, int)
        Block size (rows, columns), in cells.
    norm : int
        A value of ``BLOCK_NORMS``.
    epsilon : float
        `EPSILON` times the factor by which the cells are too large.
    work : ndarray of shape (orientations + 3, n_rows * pitch)
        Scratch.
    out : ndarray of shape (hog_length,)
        Receives the descriptor.
    """
    n_rows, pitch, orientations = cells.shape
    grid = (n_rows - block[0] + 1, n_cols - block[1] + 1)
    n_positions = (grid[0] - 1) * pitch + grid[1]
    scale, limit = work[orientations + 1][:n_positions], work[orientations + 2][:n_positions]
    planes, values = work[:orientations], cells.reshape(-1)
    for b in range(orientations):
        for cell in range(n_rows * pitch):
            planes[b, cell] = values[cell * orientations + b]
    _block_scales(planes, pitch, block, norm, epsilon, work[orientations], scale)
    limit[:] = np.inf
    if norm == _L2_HYS:
        _hysteresis(planes, pitch, block, scale, limit)
    _write_blocks(values, cells.shape, block, grid, scale, limit, out)
    if norm == _L1_SQRT:
        for i in range(out.size):
            out[i] = np.sqrt(out[i])


@kernel(fastmath=VECTOR_FLAGS)
def _block_scales(planes, pitch, block, norm, epsilon, cell_sum, scale):
    """Write 1 / (L1 + epsilon) or 1 / sqrt(L2 ** 2 + epsilon ** 2); each cell is summed once."""
    is_l1 = norm in (_L1, _L1_SQRT)
    cell_sum[:] = 0
    for b in range(planes.shape[0]):
        plane = planes[b]
        if is_l1:
            for i in range(cell_sum.size):
                cell_sum[i] += plane[i]
        else:
            for i in range(cell_sum.size):
                cell_sum[i] += plane[i] * plane[i]
    scale[:] = epsilon if is_l1 else epsilon * epsilon
    for row in range(block[0]):
        for col in range(block[1]):
            shifted = cell_sum[row * pitch + col :]
            for i in range(scale.size):
                scale[i] += shifted[i]
    for i in range(scale.size):
        scale[i] = 1 / (scale[i] if is_l1 else np.sqrt(scale[i]))


@kernel(fastmath=VECTOR_FLAGS)
def _hysteresis(planes, pitch, block, scale, limit):
    """Turn the scales of L2 into those of L2-Hys: min(v * scale, clip) / norm of the same.

    The clipped values are not stored: v * (scale / norm), limited to clip / norm.
    """
    clip = planes.dtype.type(CLIP)
    energy = limit
    energy[:] = EPSILON * EPSILON
    for row in range(block[0]):
        for col in range(block[1]):
            for b in range(planes.shape[0]):
                shifted = planes[b][row * pitch + col :]
                for i in range(scale.size):
                    value = shifted[i] * scale[i]
                    value = clip if value > clip else value
                    energy[i] += value * value
    for i in range(scale.size):
        norm = np.sqrt(energy[i])
        scale[i] /= norm
        limit[i] = clip / norm


@kernel(fastmath=VECTOR_FLAGS)
def _write_blocks(values, shape, block, grid, scale, limit, out):
    """Write min(cell * scale, limit) of every block; a row of cells of a block is one run."""
    pitch, orientations = shape[1], shape[2]
    run = block[1] * orientations
    at = 0
    for row in range(grid[0]):
        for col in range(grid[1]):
            position = row * pitch + col
            factor, most = scale[position], limit[position]
            for below in range(block[0]):
                source = values[(position + below * pitch) * orientations :]
                target = out[at : at + run]
                for i in range(run):
                    value = source[i] * factor
                    target[i] = most if value > most else value
                at += run
