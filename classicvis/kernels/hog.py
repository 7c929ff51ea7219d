"""Histograms of oriented gradients of uint8 images, in integers wherever that is exact.

The definition is that of ``skimage.feature.hog`` [1]_: central differences, of the channel with
the largest gradient; every pixel votes with its magnitude into one orientation bin of one cell;
each block of cells is normalised by itself.

References
----------
.. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005,
       DOI 10.1109/CVPR.2005.177
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ImageError, ParameterError
from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.hog_blocks import EPSILON, normalize, normalize_blocks
from classicvis.kernels.hog_float import cell_histograms, polar_gradients

_SLAB = 4096  # pixels worked on at once: their gradients, magnitudes and votes stay in cache
_FLOAT_CHUNK = 1 << 20  # samples that the float64 path holds at once

i16, u16, i32, u32, f32 = np.int16, np.uint16, np.int32, np.uint32, np.float32


def hog_length(
    height: int,
    width: int,
    orientations: int,
    pixels_per_cell: tuple[int, int],
    cells_per_block: tuple[int, int],
) -> int:
    """Return the number of HOG values of one image.

    Parameters
    ----------
    height, width : int
        Size of the image, in pixels.
    orientations : int
        Number of orientation bins.
    pixels_per_cell : (int, int)
        Cell size (rows, columns), in pixels.
    cells_per_block : (int, int)
        Block size (rows, columns), in cells.

    Returns
    -------
    int
        Blocks times cells per block times orientations.

    Raises
    ------
    ImageError
        If the image is smaller than one block.
    """
    cell_rows, cell_cols = pixels_per_cell
    block_rows, block_cols = cells_per_block
    n_rows = height // cell_rows - block_rows + 1
    n_cols = width // cell_cols - block_cols + 1
    if n_rows <= 0 or n_cols <= 0:
        raise ImageError(
            "The input image is too small given the values of pixels_per_cell and cells_per_block."
            f" It should have at least: {block_rows * cell_rows} rows and"
            f" {block_cols * cell_cols} cols; got {height} rows and {width} cols."
        )
    return n_rows * n_cols * block_rows * block_cols * orientations


def hog_batch(
    images: npt.NDArray[np.uint8],
    orientations: int,
    pixels_per_cell: tuple[int, int],
    cells_per_block: tuple[int, int],
    block_norm: int,
    signed: bool,
    transform_sqrt: bool,
    out: npt.NDArray[np.float32],
) -> None:
    """Compute the HOG descriptors of images of one size.

    The values are those of ``skimage.feature.hog`` within 1e-6 (cells up to 4,096 pixels; larger
    cells sum more roundings). Where two channels have equal gradient magnitudes the first one
    votes; the reference rounds ``hypot`` and may take a later one for 64 of the 21,860 magnitudes.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w) or (k, h, w, c)
        The images; ``c`` may be any number of channels.
    orientations : int
        Number of orientation bins over 180 degrees, or over 360 if ``signed``.
    pixels_per_cell : (int, int)
        Cell size (rows, columns), in pixels.
    cells_per_block : (int, int)
        Block size (rows, columns), in cells; blocks overlap, they step by one cell.
    block_norm : int
        A value of ``BLOCK_NORMS``.
    signed : bool
        Tell opposite directions apart; needs an even number of ``orientations``.
    transform_sqrt : bool
        Take the square root of the pixels first; computed in float64, several times slower.
    out : ndarray of float32, shape (k, hog_length(...)), C-contiguous
        Receives one descriptor per row: block row, block column, cell row, cell column, bin.

    Raises
    ------
    ImageError
        If the images are smaller than one block.
    ParameterError
        If ``orientations`` is below 1, or odd with ``signed``, or ``out`` has another shape.
    """
    k, height, width = images.shape[:3]
    length = hog_length(height, width, orientations, pixels_per_cell, cells_per_block)
    if orientations < 1 or (signed and orientations % 2):
        kind = "an even number" if signed else "a number"
        raise ParameterError(f"orientations={orientations}: expected {kind} of at least 1 bins")
    if out.shape != (k, length):
        raise ParameterError(f"out has shape {out.shape}: expected {(k, length)}")
    if k == 0:
        return
    images = np.ascontiguousarray(images).reshape(k, height, width, -1)
    if transform_sqrt:
        chunk = max(1, _FLOAT_CHUNK // images[0].size)
        for start in range(0, k, chunk):
            roots = np.sqrt(images[start : start + chunk].astype(np.float64))
            magnitude, angle = polar_gradients(roots, 360 if signed else 180)
            cells = cell_histograms(magnitude, angle, orientations, pixels_per_cell, signed)
            normalize_blocks(cells, cells_per_block, block_norm, out[start : start + chunk])
        return
    half = orientations // 2 if signed else orientations
    _hog_images(
        images.reshape(k, -1),
        images.shape[1:],
        (int(pixels_per_cell[0]), int(pixels_per_cell[1])),
        (int(cells_per_block[0]), int(cells_per_block[1])),
        orientations,
        half,
        _slopes(half),
        block_norm,
        out,
    )


@lru_cache
def _slopes(n_bins: int) -> npt.NDArray[np.uint16]:
    """Return the bin edges in (0, 90] degrees as exact fractions, rows of q, p, tie.

    A gradient (a, b) = (abs(g_row), abs(g_col)) of integers up to 255 lies at or above edge k,
    atan2(a, b) >= 180 k / n_bins, just when a * q >= b * p: p/q is the smallest fraction at or
    above the tangent of the edge. ``tie`` is 1 where a gradient can lie exactly on the edge.
    The rows are padded to a multiple of four by (0, 0, 0), which every gradient passes.
    """
    steps = np.arange(256.0)
    degrees = np.arctan2(steps[None, :], steps[:, None]) * (180 / np.pi)  # [q, p]
    degrees[0, 0] = -1  # not a direction
    n_edges = n_bins // 2
    slopes = np.zeros((4 * max(1, -(-n_edges // 4)), 3), np.uint16)
    for k in range(n_edges):
        edge = f32(180.0 / n_bins * (k + 1))
        above = np.where(degrees >= edge, degrees, np.inf)
        q, p = np.unravel_index(np.argmin(above), above.shape)
        slopes[k] = q, p, above[q, p] == edge
    slopes.flags.writeable = False
    return slopes


@kernel(fastmath=VECTOR_FLAGS)
def _hog_images(pixels, shape, cell, block, orientations, half, slopes, norm, out):
    height, width, channels = shape
    n_rows, n_cols = height // cell[0], width // cell[1]
    pitch = -(-width // cell[1])  # a last, partial column of cells is counted and never read
    # A slab is a run of whole image rows, all its passes are over one flat array: a whole small
    # image, several rows of cells, or a few pixel rows of a single row of cells.
    group = min(n_rows, max(1, _SLAB // (width * cell[0])))
    slab = min(group * cell[0], max(1, _SLAB // width))
    planes = np.empty((channels, (slab + 2) * width), i16)
    gradients = np.empty((5, slab * width), i16)
    votes = np.empty(slab * width, u32)
    magnitude = np.empty(slab * width, f32)
    offsets = _cell_offsets(slab, width, cell, pitch * orientations, orientations)
    cells = np.empty((n_rows, pitch, orientations), f32)
    work = np.empty((orientations + 3, n_rows * pitch), f32)
    epsilon = EPSILON * cell[0] * cell[1]  # the cells are sums, not means
    for k in range(pixels.shape[0]):
        cells[:] = 0
        for first in range(0, n_rows, group):
            histogram = cells[first : first + group].reshape(-1)
            end = min(first + group, n_rows) * cell[0]
            for top in range(first * cell[0], end, slab):
                bottom = min(top + slab, end)
                n = (bottom - top) * width
                g_row, g_col, bins = gradients[0][:n], gradients[1][:n], gradients[2][:n]
                dominant_gradients(pixels[k], shape, top, bottom, planes, gradients, g_row, g_col)
                _orientation_bins(g_row, g_col, slopes, half, gradients[3], bins)
                if half != orientations:
                    _tell_opposites_apart(g_row, g_col, half, bins)
                _votes(g_row, g_col, bins, offsets, magnitude, votes)
                _cast(votes[:n], magnitude, histogram)
        normalize(cells, n_cols, block, norm, epsilon, work, out[k])


@kernel(fastmath=VECTOR_FLAGS)
def _cell_offsets(n_rows, width, cell, row_step, col_step):
    offsets = np.empty(n_rows * width, u32)
    for row in range(n_rows):
        for col in range(width):
            offsets[row * width + col] = row // cell[0] * row_step + col // cell[1] * col_step
    return offsets


@kernel(fastmath=VECTOR_FLAGS)
def dominant_gradients(pixels, shape, top, bottom, planes, scratch, g_row, g_col):
    """Write the gradients of some rows of an image, of the channel where they are largest.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height * width * channels,)
        The image.
    shape : (int, int, int)
        Its height, width and channels.
    top, bottom : int
        The rows.
    planes : ndarray of int16, shape (channels, (bottom - top + 2) * width or more)
        Scratch.
    scratch : ndarray of int16, shape (5, (bottom - top) * width or more)
        Scratch, of which the last two rows are written.
    g_row, g_col : ndarray of int16, shape ((bottom - top) * width,)
        Receive the differences of the neighbours below and above, right and left; zero at the
        borders of the image. The first of equally large channels counts.
    """
    height, width, channels = shape
    start, stop = max(top - 1, 0), min(bottom + 1, height)
    _split(pixels[start * width * channels : stop * width * channels], channels, planes)
    rows, cols = g_row, g_col
    for channel in range(channels):
        plane = planes[channel]
        _row_gradient(plane, width, top > 0, stop > bottom, rows)
        _col_gradient(plane[(top - start) * width :], width, cols)
        if channel:
            _keep_larger(rows, cols, g_row, g_col)
        rows, cols = scratch[3][: g_row.size], scratch[4][: g_row.size]


@kernel(fastmath=VECTOR_FLAGS)
def _split(pixels, channels, planes):
    """Split interleaved uint8 samples into planes of int16."""
    if channels == 1:
        for x in range(pixels.size):
            planes[0, x] = pixels[x]
    elif channels == 3:  # a constant stride vectorises
        first, second, third = planes[0], planes[1], planes[2]
        for x in range(pixels.size // 3):
            first[x] = pixels[3 * x]
            second[x] = pixels[3 * x + 1]
            third[x] = pixels[3 * x + 2]
    else:
        for channel in range(channels):
            for x in range(pixels.size // channels):
                planes[channel, x] = pixels[channels * x + channel]


@kernel(fastmath=VECTOR_FLAGS)
def _row_gradient(plane, width, has_above, has_below, gradient):
    """Subtract the row above from the row below; zero in the first and last row of the image."""
    inner = 0 if has_above else width
    end = gradient.size if has_below else gradient.size - width
    gradient[:inner] = 0
    gradient[max(end, 0) :] = 0
    below, inside = plane[2 * width :], gradient[inner:]
    for x in range(end - inner):
        inside[x] = below[x] - plane[x]


@kernel(fastmath=VECTOR_FLAGS)
def _col_gradient(plane, width, gradient):
    """Subtract the left from the right neighbour; zero in the first and last column."""
    for x in range(1, gradient.size - 1):
        gradient[x] = plane[x + 1] - plane[x - 1]
    for x in range(0, gradient.size, width):
        gradient[x] = 0
        gradient[x + width - 1] = 0


@kernel(fastmath=VECTOR_FLAGS)
def _keep_larger(g_row, g_col, best_row, best_col):
    for x in range(g_row.size):
        energy = i32(i32(g_row[x]) * i32(g_row[x]) + i32(g_col[x]) * i32(g_col[x]))
        best = i32(i32(best_row[x]) * i32(best_row[x]) + i32(best_col[x]) * i32(best_col[x]))
        best_row[x] = g_row[x] if energy > best else best_row[x]
        best_col[x] = g_col[x] if energy > best else best_col[x]


@kernel(fastmath=VECTOR_FLAGS)
def _orientation_bins(g_row, g_col, slopes, n_bins, scratch, bins):
    """Write the bin of each gradient over 180 degrees.

    The formula was floor(atan2(g_row, g_col) mod pi * n_bins / pi). Here the edges below the
    direction are counted, in 16-bit integers, four at a time: those in the first quadrant as they
    are, those in the second by their mirror image. A table of all 511 x 511 gradients took three
    times as long, and so did float32 products with sines and cosines.
    """
    padding = slopes.shape[0] - n_bins // 2  # is counted too
    _count_edges(g_row, g_col, slopes[:4], padding, n_bins - 1, bins)
    for k in range(4, slopes.shape[0], 4):
        _count_edges(g_row, g_col, slopes[k : k + 4], 0, 0, scratch)
        for x in range(bins.size):
            bins[x] += scratch[x]


@kernel(fastmath=VECTOR_FLAGS)
def _count_edges(g_row, g_col, slopes, padding, last, counts):
    """Count the edges, of four, that a gradient reaches; ``last - count`` if its signs differ."""
    q0, p0, tie0 = slopes[0]
    q1, p1, tie1 = slopes[1]
    q2, p2, tie2 = slopes[2]
    q3, p3, tie3 = slopes[3]
    last, padding = i16(last + padding), i16(padding)
    for x in range(g_row.size):
        a, b = u16(abs(g_row[x])), u16(abs(g_col[x]))
        mirrored = (i16(g_row[x] ^ g_col[x]) < 0) & (g_row[x] != 0)
        m = u16(mirrored)  # a mirrored direction on the edge has not reached it
        count = u16(u16(a * q0) >= u16(u16(b * p0) + u16(m & tie0)))
        count = u16(count + u16(u16(a * q1) >= u16(u16(b * p1) + u16(m & tie1))))
        count = u16(count + u16(u16(a * q2) >= u16(u16(b * p2) + u16(m & tie2))))
        count = u16(count + u16(u16(a * q3) >= u16(u16(b * p3) + u16(m & tie3))))
        counts[x] = i16(last - i16(count)) if mirrored else i16(i16(count) - padding)


@kernel(fastmath=VECTOR_FLAGS)
def _tell_opposites_apart(g_row, g_col, half, bins):
    """Move the bins of the lower half plane up by ``half``."""
    for x in range(g_row.size):
        lower = (g_row[x] < 0) | ((g_row[x] == 0) & (g_col[x] < 0))
        bins[x] += i16(half) if lower else i16(0)


@kernel(fastmath=VECTOR_FLAGS)
def _votes(g_row, g_col, bins, offsets, magnitude, votes):
    """Write the magnitude of each pixel and the place in the histogram that it votes for."""
    for x in range(g_row.size):
        a, b = f32(g_row[x]), f32(g_col[x])
        magnitude[x] = np.sqrt(a * a + b * b)
    for x in range(g_row.size):
        votes[x] = offsets[x] + u32(bins[x])


@kernel(fastmath=VECTOR_FLAGS)
def _cast(votes, magnitude, histogram):
    for x in range(votes.size):
        histogram[votes[x]] += magnitude[x]
