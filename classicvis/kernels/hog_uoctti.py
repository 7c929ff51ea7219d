"""HOG in the form of Felzenszwalb et al., 31 values per cell with the usual 9 orientations.

Every pixel votes for the nearest of 18 directions, shared bilinearly between the four nearest
cells. Each cell is normalised by the four 2x2 blocks that it lies in, one after the other, and
clipped; the descriptor holds sums over the four blocks for each of 18 directions and 9
orientations, and sums over directions for each of the four blocks [1]_. The constants are those of
``features.cc`` in the authors' voc-release5.

References
----------
.. [1] P. Felzenszwalb, R. Girshick, D. McAllester, D. Ramanan, "Object detection with
       discriminatively trained part-based models", IEEE PAMI 32(9), 2010,
       DOI 10.1109/TPAMI.2009.167
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ImageError
from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.hog_blocks import CLIP
from classicvis.kernels.hog_gradients import dominant_gradients
from classicvis.kernels.hog_polar import cast

_SLAB = 16384  # pixels worked on at once: their gradients and votes stay in cache
_EPSILON = 1e-4  # is added to the squared norm of a block
_TEXTURE = 0.2357  # weight of the sums over directions, about 1 / sqrt(18)

i16, u16, u32, f32 = np.int16, np.uint16, np.uint32, np.float32
Pair = tuple[int, int]


def hog_uoctti_shape(shape: Pair, orientations: int, pixels_per_cell: Pair) -> tuple[int, int, int]:
    """Return the rows and columns of cells, and the number of values of a cell.

    Only whole cells count, and those along the border of the image only lend their votes and
    norms to their neighbours.

    Raises
    ------
    ImageError
        If the image has fewer than 3x3 cells.
    """
    rows, cols = (size // cell - 2 for size, cell in zip(shape, pixels_per_cell, strict=True))
    if rows < 1 or cols < 1:
        raise ImageError(
            f"found an image of {shape[0]}x{shape[1]} pixels, expected at least "
            f"{3 * pixels_per_cell[0]}x{3 * pixels_per_cell[1]} for 3x3 cells; resize it, or use "
            "smaller cells."
        )
    return rows, cols, 3 * orientations + 4


def hog_uoctti_batch(
    images: npt.NDArray[np.uint8],
    orientations: int,
    pixels_per_cell: Pair,
    out: npt.NDArray[np.float32],
) -> None:
    """Compute the descriptors of images of one size.

    Where ``features.cc`` rounds the number of cells to the nearest integer, cells that are not
    whole are left out here; the unit vectors that it rounds to four digits are exact here, which
    moves a gradient to the neighbouring direction if it lies within 0.01 degrees of the middle.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w) or (k, h, w, c)
        The channel with the largest gradient votes, the first one of equals. The outermost pixels
        do not vote.
    orientations : int
        Number of orientations over 180 degrees, 9 in the paper.
    pixels_per_cell : (int, int)
        Cell size (rows, columns), in pixels.
    out : ndarray of float32, shape (k, rows * cols * values), C-contiguous
        One descriptor per row: cell row, cell column, and there the directions over 360 degrees
        (0, ``180 / orientations``, ... from the direction of the columns towards the rows), the
        orientations over 180 degrees, and the blocks below right, above right, below left and
        above left.
    """
    k, height, width = images.shape[:3]
    if k == 0:
        return
    grid = hog_uoctti_shape((height, width), orientations, pixels_per_cell)[:2]
    slab = max(1, min(grid[0] * int(pixels_per_cell[0]), _SLAB // width))
    row_slots, *row_shares = _bilinear(height, int(pixels_per_cell[0]))
    col_slots, *col_shares = _bilinear(width, int(pixels_per_cell[1]))
    _hog_uoctti_images(
        np.ascontiguousarray(images).reshape(k, -1),
        (height, width, images[0].size // (height * width)),
        _slopes(orientations),
        orientations,
        row_slots,
        np.stack(row_shares),
        np.tile(col_slots * u32(2 * orientations), slab),
        np.tile(np.stack(col_shares), slab),
        grid,
        out,
    )


def _bilinear(
    size: int, cell: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return, along one axis, the first cell that a pixel votes for, and its shares in both.

    Cells count from 1, the one before the first whole cell is 0. Pixels at the borders of the
    image or of the last whole cell, and those beyond, have no shares.
    """
    pixel = np.arange(size)
    position = (pixel + 0.5) / cell + 0.5
    votes = (pixel > 0) & (pixel < size // cell * cell - 1)
    slot = np.minimum(np.floor(position), size // cell)
    second = votes * (position - slot)
    return slot.astype(u32), (votes - second).astype(f32), second.astype(f32)


@lru_cache
def _slopes(orientations: int) -> npt.NDArray[np.uint16]:
    """Return the limits between the directions of the first quadrant as fractions, rows (p, q).

    A gradient (a, b) = (abs(g_row), abs(g_col)) of integers up to 255 lies beyond a limit just
    when a * q > b * p: p/q is the largest fraction up to the tangent of the limit.
    """
    steps = np.arange(256)
    degrees = np.degrees(np.arctan2(steps[:, None], steps[None, :]))  # [p, q]
    degrees[:, 0] = np.inf
    slopes = np.empty((orientations // 2, 2), u16)
    for i in range(len(slopes)):
        limit = (i + 0.5) * 180 / orientations + 1e-9
        below = np.where(degrees <= limit, degrees, -1)
        slopes[i] = np.unravel_index(np.argmax(below), below.shape)
    slopes.flags.writeable = False
    return slopes


@kernel(fastmath=VECTOR_FLAGS)
def _hog_uoctti_images(
    pixels, shape, slopes, n_bins, row_slots, row_shares, col_places, col_shares, grid, out
):
    height, width, channels = shape
    slab = col_places.size // width
    samples = np.empty((2, slab * width * channels), i16)
    gradients = np.empty((2, slab * width), i16)
    bins, places = np.empty(slab * width, i16), np.empty(slab * width, u32)
    votes = np.empty((2, slab * width), f32)
    # All whole cells, in a frame of one cell whose votes nobody reads.
    pitch = (grid[1] + 4) * 2 * n_bins
    cells = np.empty((grid[0] + 4) * pitch, f32)
    line = np.zeros(pitch, f32)  # the votes of one row of pixels
    scales = np.empty((grid[0] + 1, grid[1] + 1), f32)
    for k in range(pixels.shape[0]):
        for i in range(cells.size):
            cells[i] = 0
        for top in range(0, height, slab):
            bottom = min(top + slab, height)
            n = (bottom - top) * width
            g_row, g_col = gradients[0, :n], gradients[1, :n]
            dominant_gradients(pixels[k], shape, top, bottom, samples, g_row, g_col)
            _nearest_directions(g_row, g_col, slopes, n_bins, bins)
            _left_and_right_votes(g_row, g_col, bins, col_places, col_shares, places, votes)
            for row in range(top, bottom):
                start, stop = (row - top) * width, (row - top + 1) * width
                left, right = votes[0, start:stop], votes[1, start:stop]
                cast(places[start:], left, right, 2 * n_bins, f32(1), line)
                upper = cells[row_slots[row] * pitch :]
                _share(line, row_shares[0, row], row_shares[1, row], upper, upper[pitch:])
        _block_scales(cells, pitch, n_bins, scales)
        _write_cells(cells, pitch, n_bins, scales, grid, out[k])


@kernel(fastmath=VECTOR_FLAGS)
def _nearest_directions(g_row, g_col, slopes, n_bins, bins):
    """Write the nearest of ``2 * n_bins`` directions; the less steep one of equally near ones.

    The formula was the largest product with the unit vectors. Here the limits below the direction
    are counted in 16-bit integers, in the first quadrant, from where it is mirrored.
    """
    n = g_row.size
    for x in range(n):
        bins[x] = 0
    for i in range(slopes.shape[0]):
        p, q = slopes[i, 0], slopes[i, 1]
        for x in range(n):
            a, b = u16(abs(g_row[x])), u16(abs(g_col[x]))
            bins[x] += i16(u16(a * q) > u16(b * p))
    half, full = i16(n_bins), i16(2 * n_bins)
    for x in range(n):
        count = bins[x]
        down = i16(half - count) if g_col[x] < 0 else count
        up = i16(full - count) if g_col[x] > 0 else i16(half + count)
        up = i16(0) if up == full else up
        bins[x] = up if g_row[x] < 0 else down


@kernel(fastmath=VECTOR_FLAGS)
def _left_and_right_votes(g_row, g_col, bins, col_places, col_shares, places, votes):
    left, right = votes[0], votes[1]
    left_share, right_share = col_shares[0], col_shares[1]
    for x in range(g_row.size):
        a, b = f32(g_row[x]), f32(g_col[x])
        magnitude = np.sqrt(a * a + b * b)
        left[x] = magnitude * left_share[x]
        right[x] = magnitude * right_share[x]
    for x in range(g_row.size):
        places[x] = col_places[x] + u32(bins[x])


@kernel(fastmath=VECTOR_FLAGS)
def _share(line, upper_share, lower_share, upper, lower):
    """Share the votes of a row of pixels between two rows of cells, and clear them."""
    for i in range(line.size):
        vote = line[i]
        upper[i] += upper_share * vote
        lower[i] += lower_share * vote
        line[i] = 0


@kernel(fastmath=VECTOR_FLAGS)
def _block_scales(cells, pitch, n_bins, scales):
    """Write 1 / norm of each block of 2x2 cells, known by its first cell.

    The norm is that of the orientations over 180 degrees.
    """
    n_rows, n_cols = scales.shape
    for row in range(n_rows):
        for col in range(n_cols):
            scales[row, col] = 0
    for row in range(n_rows + 1):
        for col in range(n_cols + 1):
            start = (row + 1) * pitch + (col + 1) * 2 * n_bins
            opposite, energy = start + n_bins, f32(0)
            for b in range(n_bins):
                value = cells[start + b] + cells[opposite + b]
                energy += value * value
            for i in range(max(0, row - 1), min(row + 1, n_rows)):
                for j in range(max(0, col - 1), min(col + 1, n_cols)):
                    scales[i, j] += energy
    for row in range(n_rows):
        for col in range(n_cols):
            scales[row, col] = f32(1) / np.sqrt(scales[row, col] + f32(_EPSILON))


@kernel(fastmath=VECTOR_FLAGS)
def _write_cells(cells, pitch, n_bins, scales, grid, out):
    """Write the values of each cell that lies in four blocks."""
    half, clip, end = f32(0.5), f32(CLIP), 0
    for row in range(grid[0]):
        for col in range(grid[1]):
            start = (row + 2) * pitch + (col + 2) * 2 * n_bins
            first, second = cells[start : start + n_bins], cells[start + n_bins :]
            signed, opposite, unsigned = out[end:], out[end + n_bins :], out[end + 2 * n_bins :]
            textures = out[end + 3 * n_bins :]
            s0, s1 = scales[row + 1, col + 1], scales[row, col + 1]
            s2, s3 = scales[row + 1, col], scales[row, col]
            t0 = t1 = t2 = t3 = f32(0)
            for b in range(n_bins):
                u, v = first[b], second[b]
                w = u + v
                u0, u1, u2, u3 = (
                    min(u * s0, clip),
                    min(u * s1, clip),
                    min(u * s2, clip),
                    min(u * s3, clip),
                )
                v0, v1, v2, v3 = (
                    min(v * s0, clip),
                    min(v * s1, clip),
                    min(v * s2, clip),
                    min(v * s3, clip),
                )
                signed[b] = half * (u0 + u1 + u2 + u3)
                opposite[b] = half * (v0 + v1 + v2 + v3)
                unsigned[b] = half * (
                    min(w * s0, clip) + min(w * s1, clip) + min(w * s2, clip) + min(w * s3, clip)
                )
                t0, t1, t2, t3 = t0 + u0 + v0, t1 + u1 + v1, t2 + u2 + v2, t3 + u3 + v3
            textures[0], textures[1] = f32(_TEXTURE) * t0, f32(_TEXTURE) * t1
            textures[2], textures[3] = f32(_TEXTURE) * t2, f32(_TEXTURE) * t3
            end += 3 * n_bins + 4
