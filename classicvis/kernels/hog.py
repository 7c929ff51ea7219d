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
from classicvis.kernels._jit import NO_ALLOCATION, VECTOR_FLAGS, kernel
from classicvis.kernels.hog_blocks import EPSILON, normalize, normalize_blocks
from classicvis.kernels.hog_float import cell_histograms, polar_gradients
from classicvis.kernels.hog_gradients import dominant_gradients

_SLAB = 4096  # pixels worked on at once: their gradients, magnitudes and votes stay in cache
_CELLS = 1 << 16  # values of cell histograms that wait to be normalised; one image at least
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
    out: npt.NDArray[np.floating],
) -> None:
    """Compute the HOG descriptors of images of one size.

    The values are those of ``skimage.feature.hog`` within 1e-6 (cells up to 4,096 pixels; larger
    cells sum more roundings). Where two channels have equal gradient magnitudes the first one
    votes; the reference rounds ``hypot`` and may take a later one for 64 of the 21,860 magnitudes.

    Working memory is ``4 (2 orientations + 3)`` bytes per cell of one image (or, of small images,
    of as many as have 65,536 histogram values), and some 30 bytes per pixel of a slab of 4,096
    pixels, or of one row where that is longer: 27 MB for 20 megapixels and cells of 8x8. Images
    that are not contiguous are copied. ``transform_sqrt`` takes some 100 bytes per sample of one
    image (or of as many small ones as have 1 million samples).

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
    out : ndarray of float32 or float64, shape (k, hog_length(...)), C-contiguous
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
    cell = (int(pixels_per_cell[0]), int(pixels_per_cell[1]))
    block = (int(cells_per_block[0]), int(cells_per_block[1]))
    images = np.ascontiguousarray(images).reshape(k, height, width, -1)
    if transform_sqrt:
        chunk = max(1, _FLOAT_CHUNK // images[0].size)
        for start in range(0, k, chunk):
            roots = np.sqrt(images[start : start + chunk].astype(np.float64))
            magnitude, angle = polar_gradients(roots, 360 if signed else 180)
            cells = cell_histograms(magnitude, angle, orientations, cell, signed)
            normalize_blocks(cells, block, block_norm, out[start : start + chunk])
        return
    n_rows, n_cols = height // cell[0], width // cell[1]
    pitch = -(-width // cell[1])  # a last, partial column of cells is counted and never read
    # A slab is a run of whole image rows, all its passes are over one flat array: a whole small
    # image, several rows of cells, or a few pixel rows of a single row of cells.
    group = min(n_rows, max(1, _SLAB // (width * cell[0])))
    slab = min(group * cell[0], max(1, _SLAB // width))
    samples = np.empty((2, slab * width * images.shape[3]), i16)
    gradients = np.empty((4, slab * width), i16)
    magnitude, votes = np.empty(slab * width, f32), np.empty(slab * width, u32)
    offsets = _cell_offsets(slab, width, cell, orientations)
    slopes = _slopes(orientations // 2 if signed else orientations)
    cells_size = n_rows * pitch * orientations
    chunk = min(k, max(1, _CELLS // cells_size))
    cells = np.empty((chunk, cells_size), f32)
    work = np.empty((orientations + 3, n_rows * pitch), f32)
    for start in range(0, k, chunk):
        batch = images[start : start + chunk]
        sums = cells[: len(batch)]
        _sum_votes(
            batch.reshape(len(batch), -1),
            batch.shape[1:],
            cell,
            slab,
            slopes,
            orientations,
            signed,
            offsets,
            samples,
            gradients,
            magnitude,
            votes,
            sums,
        )
        normalize(
            sums,
            (n_rows, pitch, orientations),
            n_cols,
            block,
            block_norm,
            EPSILON * cell[0] * cell[1],  # the cells are sums, not means
            work,
            out[start : start + chunk],
        )


@lru_cache(maxsize=8)
def _cell_offsets(
    n_rows: int, width: int, cell: tuple[int, int], orientations: int
) -> npt.NDArray[np.uint32]:
    """Return where the histogram begins that each pixel of a slab votes into."""
    pitch = -(-width // cell[1])
    rows, cols = np.arange(n_rows) // cell[0], np.arange(width) // cell[1]
    offsets = ((rows[:, None] * pitch + cols) * orientations).astype(u32).reshape(-1)
    offsets.flags.writeable = False
    return offsets


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


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **NO_ALLOCATION)
def _sum_votes(
    pixels, shape, cell, slab, slopes, orientations, signed, offsets,
    samples, gradients, magnitude, votes, cells,
):  # fmt: skip
    """Write the cell histograms of each image: sums of magnitudes, not means."""
    width, n_rows = shape[1], shape[0] // cell[0]
    row_size, group = cells.shape[1] // n_rows, max(1, slab // cell[0])
    for k in range(pixels.shape[0]):
        image, sums = pixels[k], cells[k]
        for i in range(sums.size):
            sums[i] = 0
        for first in range(0, n_rows, group):
            histograms = sums[first * row_size :]
            end = min(first + group, n_rows) * cell[0]
            for top in range(first * cell[0], end, slab):
                bottom = min(top + slab, end)
                n = (bottom - top) * width
                g_row, g_col, bins = gradients[0, :n], gradients[1, :n], gradients[2, :n]
                scratch = gradients[3]
                dominant_gradients(image, shape, top, bottom, samples, g_row, g_col)
                _orientation_bins(g_row, g_col, slopes, orientations, signed, scratch, bins)
                for x in range(n):
                    a, b = f32(g_row[x]), f32(g_col[x])
                    magnitude[x] = np.sqrt(a * a + b * b)
                for x in range(n):
                    votes[x] = offsets[x] + u32(bins[x])
                for x in range(n):
                    histograms[votes[x]] += magnitude[x]


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **NO_ALLOCATION)
def _orientation_bins(g_row, g_col, slopes, orientations, signed, scratch, bins):
    """Write the bin of each gradient, over 180 degrees or over 360 if ``signed``.

    The formula was floor(atan2(g_row, g_col) mod pi * n_bins / pi). Here the edges below the
    direction are counted, in 16-bit integers, four at a time: those in the first quadrant as they
    are, those in the second by their mirror image. A table of all 511 x 511 gradients took three
    times as long, and so did float32 products with sines and cosines.
    """
    half = orientations // 2 if signed else orientations
    padding = i16(slopes.shape[0] - half // 2)  # is counted too
    last = i16(half - 1 + padding)
    for k in range(0, slopes.shape[0], 4):
        q0, p0, tie0 = slopes[k, 0], slopes[k, 1], slopes[k, 2]
        q1, p1, tie1 = slopes[k + 1, 0], slopes[k + 1, 1], slopes[k + 1, 2]
        q2, p2, tie2 = slopes[k + 2, 0], slopes[k + 2, 1], slopes[k + 2, 2]
        q3, p3, tie3 = slopes[k + 3, 0], slopes[k + 3, 1], slopes[k + 3, 2]
        part = bins if k == 0 else scratch
        for x in range(bins.size):
            a, b = u16(abs(g_row[x])), u16(abs(g_col[x]))
            mirrored = (i16(g_row[x] ^ g_col[x]) < 0) & (g_row[x] != 0)
            m = u16(mirrored)  # a mirrored direction on the edge has not reached it
            count = u16(u16(a * q0) >= u16(u16(b * p0) + u16(m & tie0)))
            count = u16(count + u16(u16(a * q1) >= u16(u16(b * p1) + u16(m & tie1))))
            count = u16(count + u16(u16(a * q2) >= u16(u16(b * p2) + u16(m & tie2))))
            count = u16(count + u16(u16(a * q3) >= u16(u16(b * p3) + u16(m & tie3))))
            part[x] = i16(last - i16(count)) if mirrored else i16(i16(count) - padding)
        if k > 0:
            for x in range(bins.size):
                bins[x] += scratch[x]
        last, padding = i16(0), i16(0)
    if signed:
        for x in range(bins.size):
            lower = (g_row[x] < 0) | ((g_row[x] == 0) & (g_col[x] < 0))
            bins[x] += i16(half) if lower else i16(0)
