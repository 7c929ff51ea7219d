"""Cell histograms of images of any dtype, in the arithmetic of ``skimage.feature.hog``.

The slow, exact sibling of the integer path of `classicvis.kernels.hog`: NumPy's own ``hypot`` and
``arctan2`` decide, so that directions on the edge of a bin fall as they do in the reference.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classicvis.kernels._jit import kernel


def polar_gradients(
    images: npt.NDArray[np.floating], period: int = 180
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return magnitude and direction of the gradients, by the same NumPy steps as the reference.

    Parameters
    ----------
    images : ndarray of float32 or float64, shape (k, h, w, c)
        The images; the channel with the largest gradient counts.
    period : {180, 360}, default=180
        Directions are taken modulo this many degrees.

    Returns
    -------
    magnitude, angle : ndarray of float64, shape (k, h, w)
        The angle is in degrees, in [0, period].
    """
    g_row, g_col = np.zeros_like(images), np.zeros_like(images)
    g_row[:, 1:-1] = images[:, 2:] - images[:, :-2]
    g_col[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    if images.shape[3] != 1:
        strongest = np.hypot(g_row, g_col).argmax(axis=3)[..., None]
        g_row = np.take_along_axis(g_row, strongest, axis=3)
        g_col = np.take_along_axis(g_col, strongest, axis=3)
    rows, cols = g_row[..., 0].astype(np.float64), g_col[..., 0].astype(np.float64)
    return np.hypot(rows, cols), np.arctan2(rows, cols) * (180 / np.pi) % period


def cell_histograms(
    magnitude: npt.NDArray[np.float64],
    angle: npt.NDArray[np.float64],
    orientations: int,
    pixels_per_cell: tuple[int, int],
    signed: bool = False,
) -> npt.NDArray[np.float32]:
    """Return the mean vote per pixel of each cell and orientation.

    Sums are kept in float32 and edges rounded to float32, as in the reference.

    Parameters
    ----------
    magnitude, angle : ndarray of float64, shape (k, h, w)
        From `polar_gradients`.
    orientations : int
        Number of orientation bins.
    pixels_per_cell : (int, int)
        Cell size (rows, columns), in pixels.
    signed : bool, default=False
        The bins cover 360 degrees.

    Returns
    -------
    ndarray of float32, shape (k, h // cell rows, w // cell columns, orientations)
    """
    k, height, width = magnitude.shape
    cell_rows, cell_cols = pixels_per_cell
    period = 360.0 if signed else 180.0
    edges = period / orientations * np.arange(orientations + 1) if orientations else np.zeros(1)
    cells = np.zeros((k, height // cell_rows, width // cell_cols, orientations), np.float32)
    _cell_histograms(
        magnitude, angle, edges.astype(np.float32), (int(cell_rows), int(cell_cols)), cells
    )
    cells /= np.float32(cell_rows * cell_cols)
    return cells


@kernel
def _cell_histograms(magnitude, angle, edges, cell_size, cells):
    n_images, n_rows, n_cols, orientations = cells.shape
    if cells.size == 0:
        return
    cell_rows, cell_cols = cell_size
    width = edges[orientations] / orientations
    for k in range(n_images):
        for row in range(n_rows * cell_rows):
            for col in range(n_cols * cell_cols):
                cell = cells[k, row // cell_rows, col // cell_cols]
                degrees, vote = angle[k, row, col], magnitude[k, row, col]
                if np.isnan(
                    degrees
                ):  # lies in no bin and beyond none: the reference adds it to all
                    for b in range(orientations):
                        cell[b] += vote
                    continue
                b = min(int(degrees / width), orientations)
                while b > 0 and degrees < edges[b]:
                    b -= 1
                while b < orientations and degrees >= edges[b + 1]:
                    b += 1
                if b < orientations:  # a direction rounded up to 180 degrees has no bin
                    cell[b] += vote
