"""Contrast normalisation of overlapping blocks of HOG cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ImageError
from classicvis.kernels._jit import INNER, NO_ALLOCATION, VECTOR_FLAGS, kernel

BLOCK_NORMS = {"L1": 0, "L1-sqrt": 1, "L2": 2, "L2-Hys": 3}
_L1, _L1_SQRT, _L2_HYS = 0, 1, 3

EPSILON = 1e-5  # keeps flat blocks at zero; for cells that are means over their pixels
CLIP = 0.2  # of L2-Hys

Pair = tuple[int, int]


def block_grid(shape: Pair, block_size: Pair, stride: Pair) -> Pair:
    """Return the number of blocks (rows, columns) that lie inside an image.

    Parameters
    ----------
    shape, block_size, stride : (int, int)
        Rows and columns, in pixels, of the image, of a block, and from block to block.

    Raises
    ------
    ImageError
        If the image is smaller than one block.
    """
    if shape[0] < block_size[0] or shape[1] < block_size[1]:
        raise ImageError(
            f"found an image of {shape[0]}x{shape[1]} pixels, expected at least "
            f"{block_size[0]}x{block_size[1]} for one block of cells; resize it, or use smaller "
            "cells."
        )
    rows, cols = (
        (size - block) // step + 1
        for size, block, step in zip(shape, block_size, stride, strict=True)
    )
    return rows, cols


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
    values = cells.reshape(k, -1).astype(out.dtype)
    normalize(values, cells.shape[1:], n_cols, block, block_norm, EPSILON, work, out)


def normalize(
    cells: npt.NDArray[Any],
    shape: tuple[int, int, int],
    n_cols: int,
    block: tuple[int, int],
    norm: int,
    epsilon: float,
    work: npt.NDArray[Any],
    out: npt.NDArray[Any],
) -> None:
    """Normalise the blocks of images, given the cells and the scratch space.

    Parameters
    ----------
    cells : ndarray of float32 or float64, shape (k, n_rows * pitch * orientations)
        Cell histograms, ``pitch >= n_cols`` of them stored per row.
    shape : (int, int, int)
        The numbers ``n_rows, pitch, orientations``.
    n_cols : int
        Cells per row that count.
    block : (int, int)
        Block size (rows, columns), in cells.
    norm : int
        A value of ``BLOCK_NORMS``.
    epsilon : float
        `EPSILON` times the factor by which the cells are too large.
    work : ndarray of the dtype of ``cells``, shape (orientations + 3, n_rows * pitch)
        Scratch.
    out : ndarray of float32 or float64, shape (k, hog_length)
        Receives one descriptor per row.
    """
    grid = (shape[0] - block[0] + 1, n_cols - block[1] + 1)
    work[-1] = np.inf  # no limit
    _normalize_images(cells, shape[1], grid, block, norm, epsilon, work, out)
    if norm == _L1_SQRT:
        np.sqrt(out, out=out)


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **NO_ALLOCATION)
def _normalize_images(cells, pitch, grid, block, norm, epsilon, work, out):
    """Normalise the blocks of images.

    A block is known by its first cell, so that sums over blocks run over the flat array of cells;
    positions whose block would leave the right edge are computed and not read.
    """
    orientations = work.shape[0] - 3
    n = (grid[0] - 1) * pitch + grid[1]
    planes, sums = work[:orientations], work[orientations]
    scale, limit = work[orientations + 1, :n], work[orientations + 2, :n]
    for k in range(cells.shape[0]):
        values = cells[k]
        _block_scales(values, pitch, block, norm, epsilon, planes, sums, scale)
        if norm == _L2_HYS:
            _hysteresis(planes, pitch, block, scale, limit)
        _write_blocks(values, pitch, grid, block, orientations, scale, limit, out[k])


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER, **NO_ALLOCATION)
def _block_scales(values, pitch, block, norm, epsilon, planes, sums, scale):
    """Write 1 / (L1 + epsilon) or 1 / sqrt(L2 ** 2 + epsilon ** 2); each cell is summed once."""
    orientations, is_l1 = planes.shape[0], norm in (_L1, _L1_SQRT)
    linear, square = values.dtype.type(is_l1), values.dtype.type(not is_l1)
    least = values.dtype.type(epsilon if is_l1 else epsilon * epsilon)
    for i in range(sums.size):
        total = values.dtype.type(0)
        for b in range(orientations):
            value = values[i * orientations + b]
            planes[b, i] = value
            total += value * (linear + square * value)  # a branch would double the loop
        sums[i] = total
    for i in range(scale.size):
        total = least
        for row in range(block[0]):
            for col in range(block[1]):
                total += sums[i + row * pitch + col]
        scale[i] = 1 / (total if is_l1 else np.sqrt(total))


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER, **NO_ALLOCATION)
def _hysteresis(planes, pitch, block, scale, limit):
    """Turn the scales of L2 into those of L2-Hys: min(v * scale, clip) / norm of the same.

    The clipped values are not stored: v * (scale / norm), limited to clip / norm.
    """
    clip = planes.dtype.type(CLIP)
    floor = planes.dtype.type(EPSILON * EPSILON)
    energy = limit
    for i in range(scale.size):
        energy[i] = floor
    for b in range(planes.shape[0]):
        for row in range(block[0]):
            for col in range(block[1]):
                shifted = planes[b, row * pitch + col :]
                for i in range(scale.size):
                    value = shifted[i] * scale[i]
                    value = clip if value > clip else value
                    energy[i] += value * value
    for i in range(scale.size):
        norm = np.sqrt(energy[i])
        scale[i] /= norm
        limit[i] = clip / norm


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER, **NO_ALLOCATION)
def _write_blocks(values, pitch, grid, block, orientations, scale, limit, out):
    """Write min(cell * scale, limit) of every block; a row of cells of a block is one run."""
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
