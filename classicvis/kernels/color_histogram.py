"""Colour histograms: exact counts of 8-bit colours, joint or per channel, on a spatial grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import kernel

u16, u32 = np.uint16, np.uint32


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
    if len(bins) != 3 or not all(1 <= n <= 256 for n in bins):
        raise ParameterError(f"bins={bins}: expected three numbers of 1 to 256 bins")
    if len(grid) != 2 or min(grid) < 1:
        raise ParameterError(f"grid={grid}: expected at least one row and one column")
    n_bins = bins[0] * bins[1] * bins[2] if joint else sum(bins)
    return int(grid[0] * grid[1] * n_bins)


def color_histogram_batch(
    images: npt.NDArray[np.uint8],
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
    images : ndarray of uint8, shape (k, h, w, 3)
        The images, already in the colour space to count in.
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
        If ``bins``, ``grid`` or the shape of ``out`` is wrong.
    """
    n_bins = (int(bins[0]), int(bins[1]), int(bins[2]))
    shape = (images.shape[0], color_histogram_length(n_bins, joint, grid))
    if out.shape != shape:
        raise ParameterError(f"out has shape {out.shape}: expected {shape}")
    images = np.ascontiguousarray(images)
    _histograms(images, n_bins, bool(joint), (int(grid[0]), int(grid[1])), out)


@kernel
def _histograms(images, bins, joint, grid, out):
    n_images, height, width = images.shape[:3]
    n_bins = out.shape[1] // (grid[0] * grid[1])
    counts = np.empty((2, n_bins), u32)
    planes, places = np.empty((3, width), u16), np.empty(width, u32)
    for k in range(n_images):
        at = 0
        for cell_row in range(grid[0]):
            top, bottom = cell_row * height // grid[0], (cell_row + 1) * height // grid[0]
            for cell_col in range(grid[1]):
                left, right = cell_col * width // grid[1], (cell_col + 1) * width // grid[1]
                counts[:] = 0
                for row in range(top, bottom):
                    samples = images[k, row].reshape(-1)[3 * left : 3 * right]
                    target = places[: right - left]
                    _count_row(samples, bins, joint, planes, target, counts[0], counts[1])
                n_pixels = max(1, (bottom - top) * (right - left))
                for b in range(n_bins):
                    out[k, at + b] = (counts[0, b] + counts[1, b]) / n_pixels
                at += n_bins


@kernel
def _count_row(samples, bins, joint, planes, places, left, right):
    """Count the pixels of a row: first their places, which vectorises, then the increments."""
    first, second, third = planes[0], planes[1], planes[2]
    for x in range(places.size):
        first[x] = samples[3 * x]
        second[x] = samples[3 * x + 1]
        third[x] = samples[3 * x + 2]
    if joint:
        step0, step1 = u32(bins[1] * bins[2]), u32(bins[2])
        for x in range(places.size):
            place = u32(u32(first[x] * u32(bins[0])) >> u32(8)) * step0
            place = u32(place + u32(u32(second[x] * u32(bins[1])) >> u32(8)) * step1)
            places[x] = place + u32(u32(third[x] * u32(bins[2])) >> u32(8))
        _increment(places, left, right)
        return
    start = 0
    for channel in range(3):
        plane, n_bins = planes[channel], u32(bins[channel])
        for x in range(places.size):
            places[x] = u32(u32(plane[x] * n_bins) >> u32(8)) + u32(start)
        _increment(places, left, right)
        start += bins[channel]


@kernel
def _increment(places, left, right):
    """Count the halves of a row in two histograms: equal neighbours would wait for each other."""
    half = places.size // 2
    for x in range(half):
        left[places[x]] += 1
        right[places[x + half]] += 1
    if places.size % 2:
        left[places[-1]] += 1
