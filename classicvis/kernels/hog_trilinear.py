"""HOG in the form of Dalal and Triggs, with the constants of OpenCV's ``HOGDescriptor``.

Every pixel shares its gradient's magnitude between the two nearest orientations and, inside each
block, between the nearest cells, under a Gaussian window over the block [1]_.

The weight of a pixel in a cell of a block is a product of a function of its row and one of its
column. So the votes of the image are summed over rows first, once per row of blocks and row of
cells in it, then over columns: a pixel is written once, where voting block by block writes it for
every block that it lies in (4 blocks, 9 cells in all, with the usual layout).

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
from classicvis.kernels.hog_blocks import CLIP, block_grid
from classicvis.kernels.hog_gradients import dominant_gradients
from classicvis.kernels.hog_polar import cast, soft_votes

_SLAB = 16384  # pixels whose gradients and votes are worked out at a time
_PADDING = 80  # keeps rows that are written in turn from falling on the same lines of the cache
_FIRST_MARGIN = 0.1  # OpenCV adds it to the norm, per value of a block; then, after clipping,
_SECOND_MARGIN = 1e-3  # this

u32, f32 = np.uint32, np.float32
Pair = tuple[int, int]


def hog_trilinear_shape(
    shape: Pair, pixels_per_cell: Pair, cells_per_block: Pair, block_stride: Pair
) -> Pair:
    """Return the number of blocks (rows, columns) of an image of a shape (rows, columns).

    Raises
    ------
    ImageError
        If the image is smaller than one block.
    """
    block_size = (
        pixels_per_cell[0] * cells_per_block[0],
        pixels_per_cell[1] * cells_per_block[1],
    )
    return block_grid(shape, block_size, block_stride)


def hog_trilinear_batch(
    images: npt.NDArray[np.uint8],
    orientations: int,
    pixels_per_cell: Pair,
    cells_per_block: Pair,
    block_stride: Pair,
    signed: bool,
    transform_sqrt: bool,
    out: npt.NDArray[np.float32],
) -> None:
    """Compute the descriptors of images of one size.

    The values are those of ``cv2.HOGDescriptor.compute`` within 1e-4, in another order: OpenCV
    goes through blocks, and cells in a block, column by column. It approximates the arctangent,
    which is the difference that remains.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w) or (k, h, w, c)
        The channel with the largest gradient votes, the first one of equals.
    orientations : int
        Number of orientation bins over 180 degrees, or over 360 if `signed`.
    pixels_per_cell : (int, int)
        Cell size (rows, columns), in pixels.
    cells_per_block : (int, int)
        Block size (rows, columns), in cells.
    block_stride : (int, int)
        Pixels between the corners of neighbouring blocks.
    signed : bool
        Tell opposite directions apart.
    transform_sqrt : bool
        Take the square root of the pixels first.
    out : ndarray of float32, shape (k, blocks * cells per block * orientations), C-contiguous
        One descriptor per row: block row, block column, cell row, cell column, bin.
    """
    k, height, width = images.shape[:3]
    if k == 0:
        return
    blocks = hog_trilinear_shape((height, width), pixels_per_cell, cells_per_block, block_stride)
    sigma = sum(a * b for a, b in zip(pixels_per_cell, cells_per_block, strict=True)) / 8
    row_weights, col_weights = (
        block_weights(int(cell), int(cells), sigma)
        for cell, cells in zip(pixels_per_cell, cells_per_block, strict=True)
    )
    _hog_trilinear_images(
        np.ascontiguousarray(images).reshape(k, -1),
        (height, width, images[0].size // (height * width)),
        np.sqrt(np.arange(256, dtype=f32)) if transform_sqrt else np.empty(0, f32),
        orientations,
        signed,
        row_weights,
        col_weights,
        (int(block_stride[0]), int(block_stride[1])),
        blocks,
        out,
    )


@lru_cache
def block_weights(cell: int, cells: int, sigma: float) -> npt.NDArray[np.float32]:
    """Return the weight of each pixel of a block in each cell, along one axis.

    Parameters
    ----------
    cell : int
        Pixels of a cell.
    cells : int
        Cells of a block.
    sigma : float
        Of the Gaussian window, in pixels. As in OpenCV it is centred on the pixel just after the
        middle of the block.

    Returns
    -------
    ndarray of float32, shape (cells, cells * cell)
    """
    pixel = np.arange(cells * cell)
    window = np.exp(-((pixel - cells * cell / 2) ** 2) / (2 * sigma**2))
    distance = np.abs((pixel + 0.5) / cell - 0.5 - np.arange(cells)[:, None])
    weights = (window * np.maximum(0, 1 - distance)).astype(f32)
    weights.flags.writeable = False
    return weights


@kernel(fastmath=VECTOR_FLAGS)
def _hog_trilinear_images(
    pixels, shape, roots, n_bins, signed, row_weights, col_weights, stride, blocks, out
):
    width, channels = shape[1], shape[2]
    cell_rows, block_height = row_weights.shape
    end = (blocks[0] - 1) * stride[0] + block_height
    pitch = -(-width // stride[1]) * (n_bins + 1)  # of the pixels in one phase of the stride
    slab = min(end, max(1, _SLAB // width))
    samples = np.empty((2, slab * width * channels), np.int16)
    gradients = np.empty((2, slab * width), np.int16)
    floats = np.empty((2, slab * width), f32)
    offsets = _offsets_by_phase(slab, width, stride[1], pitch, n_bins + 1)
    places, votes = np.empty(slab * width, u32), np.empty((2, slab * width), f32)
    # Rows of blocks under way: their sums over rows of pixels, for each row of cells.
    n_open = (block_height - 1) // stride[0] + 1
    sums = np.zeros((n_open * cell_rows, stride[1] * pitch + _PADDING), f32)
    cells = np.empty((cell_rows * col_weights.shape[0], pitch), f32)
    scales = np.empty(pitch, f32)
    length = out.shape[1] // blocks[0]
    for k in range(pixels.shape[0]):
        for top in range(0, end, slab):
            bottom = min(top + slab, end)
            n = (bottom - top) * width
            g_row, g_col = floats[0, :n], floats[1, :n]
            if roots.size:
                _root_gradients(pixels[k], shape, top, roots, g_row, g_col)
            else:
                rows, cols = gradients[0, :n], gradients[1, :n]
                dominant_gradients(pixels[k], shape, top, bottom, samples, rows, cols)
                for x in range(n):
                    g_row[x] = rows[x]
                    g_col[x] = cols[x]
            soft_votes(g_row, g_col, n_bins, signed, offsets, places, votes[0], votes[1])
            for row in range(top, bottom):
                start, stop = (row - top) * width, (row - top + 1) * width
                low, high = votes[0, start:stop], votes[1, start:stop]
                _add_row(places[start:], low, high, row, row_weights, stride[0], blocks[0], sums)
                done = row + 1 - block_height
                if done >= 0 and done % stride[0] == 0:
                    b = done // stride[0]
                    at = b % n_open * cell_rows
                    _sum_columns(
                        sums[at : at + cell_rows], col_weights, stride[1], n_bins + 1, cells
                    )
                    _write_blocks(cells, n_bins, scales, out[k, b * length : (b + 1) * length])


@kernel(fastmath=VECTOR_FLAGS)
def _offsets_by_phase(n_rows, width, stride, pitch, n_places):
    """Return where the histogram of each pixel of a row begins, pixels of one phase together."""
    offsets = np.empty(n_rows * width, u32)
    for row in range(n_rows):
        for col in range(width):
            offsets[row * width + col] = col % stride * pitch + col // stride * n_places
    return offsets


@kernel  # without fused products, which would break ties
def _root_gradients(pixels, shape, top, roots, g_row, g_col):
    """Write the gradients of the square roots of some rows; see `dominant_gradients`."""
    height, width, channels = shape
    for x in range(g_row.size):
        row, col = top + x // width, x % width
        down = width * channels if 0 < row < height - 1 else 0
        right = channels if 0 < col < width - 1 else 0
        best = f32(-1)
        for i in range((row * width + col) * channels, (row * width + col + 1) * channels):
            d_row = roots[pixels[i + down]] - roots[pixels[i - down]]
            d_col = roots[pixels[i + right]] - roots[pixels[i - right]]
            energy = d_row * d_row + d_col * d_col
            if energy > best:
                best, g_row[x], g_col[x] = energy, d_row, d_col


@kernel(fastmath=VECTOR_FLAGS)
def _add_row(places, low, high, row, row_weights, stride, n_blocks, sums):
    """Add the votes of a row of pixels to the sums of all rows of cells that it has a weight in."""
    cell_rows, block_height = row_weights.shape
    n_open = sums.shape[0] // cell_rows
    first = max(0, (row - block_height) // stride + 1)
    for b in range(first, min(n_blocks, row // stride + 1)):
        for i in range(cell_rows):
            weight = row_weights[i, row - b * stride]
            if weight != 0:
                cast(places, low, high, 1, weight, sums[b % n_open * cell_rows + i])


@kernel(fastmath=VECTOR_FLAGS)
def _sum_columns(row_sums, weights, stride, n_places, cells):
    """Write the histograms of the cells of a row of blocks, and clear the sums over rows.

    Pixels of one phase of the stride lie side by side, so that one weight serves all blocks.
    """
    pitch = cells.shape[1]
    for i in range(row_sums.shape[0]):
        sums = row_sums[i]
        for j in range(weights.shape[0]):
            cell = cells[i * weights.shape[0] + j]
            for x in range(pitch):
                cell[x] = 0
            for col in range(weights.shape[1]):
                start, skipped = col % stride * pitch, col // stride * n_places
                _add(sums[start + skipped : start + pitch], weights[j, col], cell)
        for x in range(sums.size):
            sums[x] = 0


@kernel(fastmath=VECTOR_FLAGS)
def _add(values, weight, total):
    if weight != 0:
        for i in range(values.size):
            total[i] += weight * values[i]


@kernel(fastmath=VECTOR_FLAGS)
def _write_blocks(cells, n_bins, scales, out):
    """Normalise a row of blocks, by L2-Hys as OpenCV does, and write it block by block."""
    n_cells, pitch = cells.shape
    for c in range(n_cells):
        cell = cells[c]
        for start in range(0, pitch, n_bins + 1):
            cell[start] += cell[start + n_bins]  # stands for bin 0
            cell[start + n_bins] = 0
    _block_scales(cells, n_bins + 1, f32(_FIRST_MARGIN * n_bins * n_cells), scales)
    for c in range(n_cells):
        cell = cells[c]
        for i in range(pitch):
            cell[i] = min(cell[i] * scales[i], f32(CLIP))
    _block_scales(cells, n_bins + 1, f32(_SECOND_MARGIN), scales)
    to = 0
    for block in range(out.size // (n_cells * n_bins)):
        start = block * (n_bins + 1)
        for c in range(n_cells):
            cell = cells[c]
            for b in range(n_bins):
                out[to + b] = cell[start + b] * scales[start]
            to += n_bins


@kernel(fastmath=VECTOR_FLAGS)
def _block_scales(cells, n_places, margin, scales):
    """Write 1 / (norm of a block + margin), once for each of its places in a cell."""
    for i in range(scales.size):
        scales[i] = 0
    for c in range(cells.shape[0]):
        cell = cells[c]
        for i in range(scales.size):
            scales[i] += cell[i] * cell[i]
    for start in range(0, scales.size, n_places):
        energy = f32(0)
        for i in range(start, start + n_places):
            energy += scales[i]
        scale = f32(1) / (np.sqrt(energy) + margin)
        for i in range(start, start + n_places):
            scales[i] = scale
