"""Colour histograms: exact counts of 8-bit colours, joint or per channel, on a spatial grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import kernel
from classicvis.kernels.color_spaces import COLOR_SPACES, split_channels

u16, u32 = np.uint16, np.uint32

_RUN = 1024  # pixels worked on at a time: channels and places stay in the L1 cache
_COPIES, _MAX_BINS = 4, 2048  # copies of the counts, and up to how many bins: the L1 cache again
_PADDING = 16  # between the copies: equal places of two copies must not be 4096 bytes apart


def color_histogram_length(
    bins: tuple[int, int, int], joint: bool = True, grid: tuple[int, int] = (1, 1)
) -> int:
    """Return the number of histogram values of one image.

    Parameters
    ----------
    bins : (int, int, int)
        Bins of each channel, 1 to 256.
    joint : bool, default=True
        One histogram of the three channels together, not one per channel.
    grid : (int, int), default=(1, 1)
        Rows and columns of the spatial grid.

    Returns
    -------
    int
        Grid cells times the bins of one cell.

    Raises
    ------
    ParameterError
        If a number of bins lies outside 1 to 256, or the grid has no cell.
    """
    if len(bins) != 3 or min(bins) < 1 or max(bins) > 256:
        raise ParameterError(f"bins={bins}: expected three numbers of 1 to 256 bins")
    if len(grid) != 2 or min(grid) < 1:
        raise ParameterError(f"grid={grid}: expected at least one row and one column")
    n_bins = bins[0] * bins[1] * bins[2] if joint else sum(bins)
    return int(grid[0] * grid[1] * n_bins)


def color_histogram_batch(
    images: npt.NDArray[np.uint8],
    space: int,
    bins: tuple[int, int, int],
    joint: bool,
    grid: tuple[int, int],
    out: npt.NDArray[Any],
) -> None:
    """Compute the colour histograms of images of one size.

    Value ``v`` of a channel of ``n`` bins counts in bin ``v * n // 256``. Row ``i`` of the grid
    holds the image rows from ``i * h // rows`` on, and likewise for columns, so that each pixel
    is in one cell. A cell without pixels, in images smaller than the grid, gives zeros.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w, 3) or (k, h, w)
        RGB images, or grey ones, which count as RGB with three equal channels. Grey images, and
        those that are not C-contiguous, are copied: 3 bytes per pixel. Beyond that the working
        memory does not depend on the images: up to 40 KB, or 4 bytes per bin of a cell if more.
    space : int
        Space to count in, a value of ``COLOR_SPACES``.
    bins : (int, int, int)
        Bins of each channel, 1 to 256.
    joint : bool
        One histogram over the three channels, the last channel fastest; else the histograms of the
        channels one after the other.
    grid : (int, int)
        Rows and columns of the spatial grid; the cells follow each other row by row.
    out : ndarray of float32 or float64, shape (k, color_histogram_length(...)), C-contiguous
        Receives one row per image: counts divided by the pixels of the cell, so that every
        histogram (of a cell, or of a channel of a cell) sums to 1.

    Raises
    ------
    ParameterError
        If ``space``, ``bins``, ``grid`` or the shape of ``out`` is wrong.
    """
    if space not in COLOR_SPACES.values():
        raise ParameterError(f"space={space}: expected a value of COLOR_SPACES")
    n_bins = (int(bins[0]), int(bins[1]), int(bins[2]))
    shape = (images.shape[0], color_histogram_length(n_bins, joint, grid))
    if out.shape != shape or not out.flags.c_contiguous:
        raise ParameterError(f"out has shape {out.shape}: expected {shape}, C-contiguous")
    if images.ndim == 3:
        images = np.repeat(images[..., None], 3, axis=3)
    samples = np.ascontiguousarray(images).reshape(-1)
    # Counts of one channel are joint counts with one bin for the other two; each from its start on.
    first, second, third = n_bins
    parts = [(first, second, third, 0)]
    if not joint:
        parts = [(first, 1, 1, 0), (1, second, 1, first), (1, 1, third, first + second)]
    size, cells = (images.shape[1], images.shape[2]), (int(grid[0]), int(grid[1]))
    rows = out.reshape(-1, shape[1] // (cells[0] * cells[1]))
    planes, places, counts = _scratch(rows.shape[1])
    table = np.array(parts, np.uint16)
    _histograms(samples, size, int(space), table, cells, planes, places, counts, rows)


def _scratch(n_bins: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any], npt.NDArray[np.uint32]]:
    """Return working memory: channels and places of a run of pixels, and cleared counts."""
    places = np.empty(_RUN, np.uint16 if n_bins <= 2**16 else np.uint32)
    copies = _COPIES if n_bins <= _MAX_BINS else 1
    return np.empty((3, _RUN), np.uint8), places, np.zeros((copies, n_bins + _PADDING), np.uint32)


@kernel(error_model="numpy")
def _histograms(samples, size, space, parts, grid, planes, places, counts, out):
    """Compute one row of `out` for every cell of every image; `samples` are all of them in turn."""
    height, width = size
    first, second, third = planes[0], planes[1], planes[2]
    n_cells = grid[0] * grid[1]
    for i in range(out.shape[0]):
        image, cell = i // n_cells, i % n_cells
        row, col = cell // grid[1], cell % grid[1]
        top, bottom = row * height // grid[0], (row + 1) * height // grid[0]
        left, right = col * width // grid[1], (col + 1) * width // grid[1]
        n_rows, n_cols = bottom - top, right - left
        n_copies = counts.shape[0] if n_rows * n_cols >= out.shape[1] else 1
        if n_cols == width:  # such rows follow each other: one long row
            n_rows, n_cols = 1, n_rows * width
        for y in range(n_rows):
            start = (image * height + top + y) * width + left
            for x in range(start, start + n_cols, _RUN):
                n = min(_RUN, start + n_cols - x)
                split_channels(samples[3 * x : 3 * (x + n)], n, space, first, second, third)
                for p in range(parts.shape[0]):
                    _find_places(first, second, third, n, parts[p], places)
                    _increment(places, n, counts, n_copies)
        _write_shares(counts, n_copies, n_rows * n_cols, out[i])


@kernel(error_model="numpy")
def _find_places(first, second, third, n, part, places):
    """Find the place ``(i * n_second + j) * n_third + k + start`` of every pixel.

    The bin of a value is ``i = value * n_first // 256``. Each step is cast to 16 bits, which hold
    it: Numba computes in 64 and LLVM then takes a quarter as many pixels at a time. For LLVM to
    see that 16 bits are enough, `part` has to be an array of uint16.
    """
    for x in range(n):
        i = u16(u16(first[x] * part[0]) >> u16(8))
        j = u16(u16(second[x] * part[1]) >> u16(8))
        k = u16(u16(third[x] * part[2]) >> u16(8))
        pair = u16(u16(i * part[1]) + j)
        places[x] = u32(u32(u32(pair) * u32(part[2])) + u32(k)) + u32(part[3])


@kernel(error_model="numpy")
def _increment(places, n, counts, n_copies):
    """Count pixels: an increment waits for the last of its place, so neighbours have copies."""
    first, second = counts[0], counts[1 % n_copies]
    third, fourth = counts[2 % n_copies], counts[3 % n_copies]
    n_fours = n - n % 4 if n_copies > 1 else 0
    one = u32(1)
    for x in range(0, n_fours, 4):
        i, j, k, m = places[x], places[x + 1], places[x + 2], places[x + 3]
        # All loads before all stores: 6 % faster on photos than one after the other.
        a, b, c, d = first[i], second[j], third[k], fourth[m]
        first[i], second[j], third[k], fourth[m] = a + one, b + one, c + one, d + one
    for x in range(n_fours, n):
        first[places[x]] += one


@kernel(error_model="numpy")
def _write_shares(counts, n_copies, n_pixels, out):
    """Write the counts of all copies over the number of pixels, and clear them."""
    for i in range(1, n_copies):
        for b in range(out.size):
            counts[0, b] += counts[i, b]
            counts[i, b] = 0
    divisor = n_pixels if n_pixels > 0 else 1
    for b in range(out.size):
        out[b] = counts[0, b] / divisor
        counts[0, b] = 0
