"""HOG with votes shared between neighbouring orientations, and cells that overlap.

The form that classifies best: every pixel splits its magnitude between the two nearest orientation
bins [1]_, cells start at every ``cell_step`` pixels and may be several steps wide, blocks start at
every cell. For plain scikit-image numbers see `classicvis.kernels.hog`.

References
----------
.. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005,
       DOI 10.1109/CVPR.2005.177
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ImageError
from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.hog import dominant_gradients
from classicvis.kernels.hog_blocks import BLOCK_NORMS, CLIP, EPSILON

_L1, _L1_SQRT = BLOCK_NORMS["L1"], BLOCK_NORMS["L1-sqrt"]
_L2_HYS = BLOCK_NORMS["L2-Hys"]
_CLIP = np.float32(CLIP)
_SPAN = 511  # values that a difference of two uint8 can take

Pair = tuple[int, int]


def hog_votes_shape(
    shape: Pair, cell_step: Pair, steps_per_cell: Pair, cells_per_block: Pair
) -> Pair:
    """Return the number of blocks (rows, columns) of an image of a shape (rows, columns).

    Raises
    ------
    ImageError
        If the image is smaller than one block.
    """
    needed = [
        step * steps * cells
        for step, steps, cells in zip(cell_step, steps_per_cell, cells_per_block, strict=True)
    ]
    if shape[0] < needed[0] or shape[1] < needed[1]:
        raise ImageError(
            f"found an image of {shape[0]}x{shape[1]} pixels, expected at least "
            f"{needed[0]}x{needed[1]} for one block of cells; resize it, or use smaller cells."
        )
    rows, cols = (
        size // step - steps * cells + 1
        for size, step, steps, cells in zip(
            shape, cell_step, steps_per_cell, cells_per_block, strict=True
        )
    )
    return rows, cols


def hog_votes_batch(
    images: npt.NDArray[np.uint8],
    orientations: int,
    cell_step: Pair,
    steps_per_cell: Pair,
    cells_per_block: Pair,
    block_norm: int,
    signed: bool,
    soft: bool,
    out: npt.NDArray[np.float32],
) -> None:
    """Compute the descriptors of images of one size.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w) or (k, h, w, c)
        The channel with the largest gradient votes, the first one of equals.
    orientations : int
        Number of orientation bins over 180 degrees, or over 360 if `signed`.
    cell_step : (int, int)
        Pixels between the corners of neighbouring cells.
    steps_per_cell : (int, int)
        Size of a cell in steps; 1 means that cells do not overlap.
    cells_per_block : (int, int)
        Size of a block in cells, laid side by side without overlap.
    block_norm : int
        A value of ``BLOCK_NORMS``.
    signed : bool
        Tell opposite directions apart.
    soft : bool
        Share each vote linearly between the two bins with the nearest centres.
    out : ndarray of float32, shape (k, blocks * cells per block * orientations), C-contiguous
        One descriptor per row: block row, block column, cell row, cell column, bin.
    """
    k, height, width = images.shape[:3]
    if k == 0:
        return
    blocks = hog_votes_shape((height, width), cell_step, steps_per_cell, cells_per_block)
    bins, shares = vote_table(orientations, signed, soft)
    _hog_votes_images(
        np.ascontiguousarray(images).reshape(k, -1),
        (height, width, images[0].size // (height * width)),
        bins,
        shares,
        orientations,
        (int(cell_step[0]), int(cell_step[1])),
        (int(steps_per_cell[0]), int(steps_per_cell[1])),
        blocks,
        block_norm,
        out.reshape(k, *blocks, cells_per_block[0], cells_per_block[1], orientations),
    )


@lru_cache(maxsize=8)
def vote_table(
    orientations: int, signed: bool, soft: bool
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return the votes of every gradient that uint8 images can have.

    Returns
    -------
    bins : ndarray of uint8, shape (511 * 511, 2)
        The two bins that gradient (g_row, g_col) votes for, in row
        ``(g_row + 255) * 511 + g_col + 255``.
    shares : ndarray of float32, shape (511 * 511, 2)
        The magnitudes that they get.
    """
    g = np.arange(-255.0, 256.0)
    magnitude = np.hypot(g[:, None], g[None, :])
    period = 2 * np.pi if signed else np.pi
    turn = np.arctan2(g[:, None], g[None, :]) % period / period * orientations
    if soft:
        turn -= 0.5  # a bin's centre takes the whole vote
        low = np.floor(turn)
        share = turn - low
    else:
        low, share = np.floor(turn), np.zeros_like(turn)
    bins = np.stack([low, low + 1], axis=-1) % orientations
    shares = np.stack([magnitude * (1 - share), magnitude * share], axis=-1)
    tables = (
        bins.reshape(-1, 2).astype(np.uint8),
        shares.reshape(-1, 2).astype(np.float32),
    )
    for table in tables:
        table.flags.writeable = False
    return tables


@kernel(fastmath=VECTOR_FLAGS)
def _hog_votes_images(pixels, shape, bins, shares, orientations, step, steps, blocks, norm, out):
    height, width, channels = shape
    n_rows, n_cols = height // step[0], width // step[1]
    planes = np.empty((channels, (step[0] + 2) * width), np.int16)
    gradients = np.empty((5, step[0] * width), np.int16)
    g_row, g_col = gradients[0], gradients[1]
    parts = np.empty((n_rows, n_cols, orientations), np.float32)
    cells = np.empty((n_rows - steps[0] + 1, n_cols - steps[1] + 1, orientations), np.float32)
    # Sums instead of means: the small constant of the norms grows by the area of a cell.
    epsilon = np.float32(EPSILON * step[0] * steps[0] * step[1] * steps[1])
    for k in range(pixels.shape[0]):
        parts[:] = 0
        for row in range(n_rows):
            top, bottom = row * step[0], (row + 1) * step[0]
            dominant_gradients(pixels[k], shape, top, bottom, planes, gradients, g_row, g_col)
            for start in range(0, g_row.size, width):
                _vote(g_row[start:], g_col[start:], bins, shares, step[1], parts[row])
        _join(parts, steps, cells)
        for row in range(blocks[0]):
            for col in range(blocks[1]):
                block = out[k, row, col]
                _gather(cells, row, col, steps, block)
                _normalize(block.reshape(-1), norm, epsilon)


@kernel(fastmath=VECTOR_FLAGS)
def _vote(g_row, g_col, bins, shares, step, parts):
    """Cast the votes of one row of pixels."""
    for part in range(parts.shape[0]):
        histogram = parts[part]
        for col in range(part * step, (part + 1) * step):
            place = (np.int64(g_row[col]) + 255) * _SPAN + g_col[col] + 255
            histogram[bins[place, 0]] += shares[place, 0]
            histogram[bins[place, 1]] += shares[place, 1]


@kernel(fastmath=VECTOR_FLAGS)
def _join(parts, steps, cells):
    """Sum the parts that make each cell."""
    cells[:] = 0
    for row in range(cells.shape[0]):
        for col in range(cells.shape[1]):
            for i in range(steps[0]):
                for j in range(steps[1]):
                    for b in range(cells.shape[2]):
                        cells[row, col, b] += parts[row + i, col + j, b]


@kernel(fastmath=VECTOR_FLAGS)
def _gather(cells, row, col, steps, block):
    for i in range(block.shape[0]):
        for j in range(block.shape[1]):
            for b in range(block.shape[2]):
                block[i, j, b] = cells[row + i * steps[0], col + j * steps[1], b]


@kernel(fastmath=VECTOR_FLAGS)
def _normalize(block, norm, epsilon):
    """Normalise one block in place, by scikit-image's definitions of the four norms."""
    if norm in (_L1, _L1_SQRT):
        total = epsilon
        for value in block:
            total += value
        for i in range(block.size):
            block[i] = np.sqrt(block[i] / total) if norm == _L1_SQRT else block[i] / total
        return
    _scale_to_unit(block, epsilon)
    if norm == _L2_HYS:
        for i in range(block.size):
            block[i] = min(block[i], _CLIP)
        _scale_to_unit(block, np.float32(EPSILON))


@kernel(fastmath=VECTOR_FLAGS)
def _scale_to_unit(block, epsilon):
    energy = epsilon * epsilon
    for value in block:
        energy += value * value
    scale = np.float32(1) / np.sqrt(energy)
    for i in range(block.size):
        block[i] *= scale
