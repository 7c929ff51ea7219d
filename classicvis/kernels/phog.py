"""Orientation histograms of the cells of a grid that covers an image of any size.

The finest level of a pyramid of histograms [1]_: cells of coarser levels are sums of these.

References
----------
.. [1] A. Bosch, A. Zisserman, X. Munoz, "Representing shape with a spatial pyramid kernel",
   CIVR 2007, DOI 10.1145/1282280.1282340
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.hog_gradients import dominant_gradients
from classicvis.kernels.hog_polar import cast, soft_votes

_SLAB = 16384  # pixels worked on at once: their gradients and votes stay in cache

f32, u32 = np.float32, np.uint32


def orientation_grid_batch(
    images: npt.NDArray[np.uint8],
    orientations: int,
    signed: bool,
    out: npt.NDArray[np.float64],
) -> None:
    """Sum the gradients of each cell by orientation, for images of one size.

    Each pixel shares its magnitude between the two orientations that are nearest.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w) or (k, h, w, c)
        The channel with the largest gradient votes, the first one of equals.
    orientations : int
        Number of orientation bins over 180 degrees, or over 360 if `signed`.
    signed : bool
        Tell opposite directions apart.
    out : ndarray of float64, shape (k, rows, cols, orientations)
        Receives the sums. Row ``i`` of cells holds the image rows from ``i * h // rows`` on, and
        likewise for columns; cells without pixels are zero.
    """
    k, height, width = images.shape[:3]
    if out.ndim != 4 or (len(out), out.shape[3]) != (k, orientations):
        raise ParameterError(
            f"out has shape {out.shape}: expected ({k}, rows, cols, {orientations})"
        )
    if k == 0:
        return
    shape = height, width, images[0].size // (height * width)
    pixels = np.ascontiguousarray(images).reshape(k, -1)
    _orientation_grids(pixels, shape, orientations, signed, out)


@kernel(fastmath=VECTOR_FLAGS)
def _orientation_grids(pixels, shape, n_bins, signed, out):
    height, width, channels = shape
    n_rows, n_cols = out.shape[1], out.shape[2]
    slab = max(1, min(-(-height // n_rows), _SLAB // width))  # rows of pixels
    samples = np.empty((2, slab * width * channels), np.int16)
    gradients = np.empty((2, slab * width), np.int16)
    offsets = _cell_offsets(slab, width, n_cols, n_bins + 1)
    places, votes = np.empty(slab * width, u32), np.empty((2, slab * width), f32)
    histograms = np.empty(n_cols * (n_bins + 1), f32)
    for k in range(pixels.shape[0]):
        out[k] = 0
        for row in range(n_rows):
            end = (row + 1) * height // n_rows
            for top in range(row * height // n_rows, end, slab):
                bottom = min(top + slab, end)
                n = (bottom - top) * width
                g_row, g_col = gradients[0, :n], gradients[1, :n]
                dominant_gradients(pixels[k], shape, top, bottom, samples, g_row, g_col)
                low, high = votes[0, :n], votes[1, :n]
                soft_votes(g_row, g_col, n_bins, signed, offsets, places, low, high)
                histograms[:] = 0
                cast(places, low, high, 1, f32(1), histograms)
                _add(histograms, out[k, row])


@kernel
def _cell_offsets(n_rows, width, n_cols, n_places):
    """Return where the histogram of each pixel begins in those of a row of cells."""
    offsets = np.empty((n_rows, width), u32)
    for col in range(width):
        # The last cell j with j * width // n_cols <= col.
        offsets[:, col] = ((col + 1) * n_cols - 1) // width * n_places
    return offsets.ravel()


@kernel
def _add(histograms, cells):
    """Add sums of a slab, whose float32 is exact enough, to those of the cells, in float64."""
    n_cols, n_bins = cells.shape
    for col in range(n_cols):
        start = col * (n_bins + 1)
        for b in range(n_bins):
            cells[col, b] += histograms[start + b]
        cells[col, 0] += histograms[start + n_bins]  # stands for bin 0
