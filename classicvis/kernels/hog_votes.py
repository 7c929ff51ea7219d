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

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.hog_blocks import BLOCK_NORMS, CLIP, EPSILON, block_grid
from classicvis.kernels.hog_gradients import dominant_gradients
from classicvis.kernels.hog_polar import cast, soft_votes

_L1, _L1_SQRT = BLOCK_NORMS["L1"], BLOCK_NORMS["L1-sqrt"]
_L2_HYS = BLOCK_NORMS["L2-Hys"]
_SPAN = 511  # values that a difference of two uint8 can take
_SLAB = 16384  # pixels worked on at once: their gradients and votes stay in cache

f32 = np.float32
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
    block_size = (
        cell_step[0] * steps_per_cell[0] * cells_per_block[0],
        cell_step[1] * steps_per_cell[1] * cells_per_block[1],
    )
    return block_grid(shape, block_size, cell_step)


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
    _hog_votes_images(
        np.ascontiguousarray(images).reshape(k, -1),
        (height, width, images[0].size // (height * width)),
        np.empty(0, np.uint16) if soft else hard_bins(orientations, signed),
        orientations,
        signed,
        (int(cell_step[0]), int(cell_step[1])),
        (int(steps_per_cell[0]), int(steps_per_cell[1])),
        blocks,
        (int(cells_per_block[0]), int(cells_per_block[1])),
        block_norm,
        out,
    )


@lru_cache(maxsize=8)
def hard_bins(orientations: int, signed: bool) -> npt.NDArray[np.uint16]:
    """Return the bin of every gradient that uint8 images can have.

    Returns
    -------
    ndarray of uint16, shape (511 * 511,)
        The bin of gradient (g_row, g_col), at ``(g_row + 255) * 511 + g_col + 255``.
    """
    g = np.arange(-255.0, 256.0)
    period = 2 * np.pi if signed else np.pi
    turn = np.arctan2(g[:, None], g[None, :]) % period / period * orientations
    bins = (np.floor(turn) % orientations).astype(np.uint16).ravel()
    bins.flags.writeable = False
    return bins


@kernel(fastmath=VECTOR_FLAGS)
def _hog_votes_images(
    pixels, shape, hard_bins, n_bins, signed, step, steps, blocks, block, norm, out
):
    height, width, channels = shape
    n_rows, n_cols = height // step[0], -(-width // step[1])  # a last, partial column counts
    pitch = n_cols * (n_bins + 1)
    # A slab is a run of whole image rows: several rows of parts, or some pixel rows of one.
    group = min(n_rows, max(1, _SLAB // (width * step[0])))
    slab = min(group * step[0], max(1, _SLAB // width))
    samples = np.empty((2, slab * width * channels), np.int16)
    gradients = np.empty((2, slab * width), np.int16)
    offsets = _part_offsets(slab, width, step, pitch, n_bins + 1)
    places = np.empty(slab * width, np.uint32)
    votes = np.empty((2, slab * width), f32)
    parts, cells = np.empty(n_rows * pitch, f32), np.empty(n_rows * pitch, f32)
    # Sums instead of means: the small constant of the norms grows by the area of a cell.
    epsilon = f32(EPSILON * step[0] * steps[0] * step[1] * steps[1])
    for k in range(pixels.shape[0]):
        for i in range(parts.size):
            parts[i] = 0
        for first in range(0, n_rows, group):
            histograms = parts[first * pitch :]
            end = min(first + group, n_rows) * step[0]
            for top in range(first * step[0], end, slab):
                bottom = min(top + slab, end)
                n = (bottom - top) * width
                g_row, g_col = gradients[0, :n], gradients[1, :n]
                dominant_gradients(pixels[k], shape, top, bottom, samples, g_row, g_col)
                low, high = votes[0, :n], votes[1, :n]
                if hard_bins.size:
                    _hard_votes(g_row, g_col, hard_bins, offsets, places, low, high)
                else:
                    soft_votes(g_row, g_col, n_bins, signed, offsets, places, low, high)
                cast(places, low, high, 1, f32(1), histograms)
        _join(parts, steps[1], n_bins + 1, cells)
        _join(cells, steps[0], pitch, parts)
        _write_blocks(parts, pitch, steps, blocks, block, n_bins, norm, epsilon, out[k])


@kernel(fastmath=VECTOR_FLAGS)
def _part_offsets(n_rows, width, step, row_step, col_step):
    offsets = np.empty(n_rows * width, np.uint32)
    for row in range(n_rows):
        for col in range(width):
            offsets[row * width + col] = row // step[0] * row_step + col // step[1] * col_step
    return offsets


@kernel(fastmath=VECTOR_FLAGS)
def _hard_votes(g_row, g_col, bins, offsets, places, low, high):
    """Give the whole magnitude to one bin; see `soft_votes`."""
    for x in range(g_row.size):
        a, b = f32(g_row[x]), f32(g_col[x])
        low[x], high[x] = np.sqrt(a * a + b * b), 0
        gradient = (np.int64(g_row[x]) + 255) * _SPAN + g_col[x] + 255
        places[x] = offsets[x] + np.uint32(bins[gradient])


@kernel(fastmath=VECTOR_FLAGS)
def _join(parts, n, stride, cells):
    """Write the sums of ``n`` parts at a stride, for every first part; the last ones lack some."""
    for i in range(parts.size):
        cells[i] = parts[i]
    for j in range(1, n):
        following = parts[j * stride :]
        for i in range(following.size):
            cells[i] += following[i]


@kernel(fastmath=VECTOR_FLAGS)
def _write_blocks(cells, pitch, steps, blocks, cells_per_block, n_bins, norm, epsilon, out):
    """Gather and normalise the blocks of one image."""
    length = cells_per_block[0] * cells_per_block[1] * n_bins
    end = 0
    for row in range(blocks[0]):
        for col in range(blocks[1]):
            block = out[end : end + length]
            end += length
            to = 0
            for i in range(cells_per_block[0]):
                for j in range(cells_per_block[1]):
                    at = (row + i * steps[0]) * pitch + (col + j * steps[1]) * (n_bins + 1)
                    cell = cells[at : at + n_bins + 1]
                    for b in range(n_bins):
                        block[to + b] = cell[b]
                    block[to] += cell[n_bins]  # stands for bin 0
                    to += n_bins
            _normalize(block, norm, epsilon)


@kernel(fastmath=VECTOR_FLAGS)
def _normalize(block, norm, epsilon):
    """Normalise one block in place, by scikit-image's definitions of the four norms."""
    is_l1 = norm in (_L1, _L1_SQRT)
    total, energy = epsilon, epsilon * epsilon
    for i in range(block.size):
        total += block[i]
        energy += block[i] * block[i]
    scale = f32(1) / (total if is_l1 else np.sqrt(energy))
    if norm == _L2_HYS:
        energy = f32(EPSILON * EPSILON)
        for i in range(block.size):
            block[i] = min(block[i] * scale, f32(CLIP))
            energy += block[i] * block[i]
        scale = f32(1) / np.sqrt(energy)
    for i in range(block.size):
        value = block[i] * scale
        block[i] = np.sqrt(value) if norm == _L1_SQRT else value
