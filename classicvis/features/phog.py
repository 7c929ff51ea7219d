"""Pyramids of orientation histograms as a scikit-learn transformer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from classicvis.exceptions import ParameterError
from classicvis.features._base import ImageExtractor, check_choice, check_positive, rows_by_shape
from classicvis.images import Images
from classicvis.kernels.phog import orientation_grid_batch

_FINEST_LEVEL = 4  # 16 x 16 cells
_MARGIN, _CLIP = 0.3, 0.2
_TINY = np.finfo(np.float64).tiny


class PyramidHog(ImageExtractor):
    """Histograms of oriented gradients in a spatial pyramid: shape, of images of any size.

    Level l divides an image into 2**l rows and columns of cells; every cell has a histogram of its
    gradients' directions.

    Parameters
    ----------
    orientations : int, default=24
        Number of orientation bins.
    levels : int, default=3
        The finest level, 0 to 4; all levels from 0 (the whole image) on are laid side by side.
    signed : bool, default=True
        Tell opposite gradients apart: bins cover 360 degrees instead of 180.
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.

    Notes
    -----
    A row holds ``orientations`` values for each of 1 + 4 + 16 + ... cells, level by level and
    row by row. Pixels vote by the magnitude of their gradients, those of the colour where it is
    largest; votes are shared between the two nearest bins and, from a grid twice as fine as the
    last level, between the nearest cells. Each cell is divided by its norm plus 0.3 of the norm of
    a typical cell of the level, clipped at 0.2 as in L2-Hys, and each level is scaled to unit
    length. A flat image has zeros.

    Bosch et al. [1]_ let pixels of Canny edges vote, each in one cell, and scale the whole row.

    References
    ----------
    .. [1] A. Bosch, A. Zisserman, X. Munoz, "Representing shape with a spatial pyramid kernel",
       CIVR 2007, DOI 10.1145/1282280.1282340
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = "NumPy's histogram of gradients, one pixel at a time, within 1e-5"

    def __init__(
        self,
        orientations: int = 24,
        levels: int = 3,
        *,
        signed: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.orientations = orientations
        self.levels = levels
        self.signed = signed
        self.n_jobs = n_jobs

    def _check_params(self) -> None:
        check_positive("orientations", self.orientations)
        check_choice("signed", self.signed, (True, False))
        if self.levels not in range(_FINEST_LEVEL + 1) or isinstance(self.levels, bool):
            raise ParameterError(
                f"levels={self.levels!r}: expected the number of the finest level, 0 to "
                f"{_FINEST_LEVEL}."
            )

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return self.orientations * sum(4**level for level in range(self.levels + 1))

    def _extract(self, images: Images) -> np.ndarray:
        return rows_by_shape(images, self.n_features_out_, self._batch)

    def _batch(self, stack: np.ndarray, out: np.ndarray) -> None:
        side = 2 ** (self.levels + 1)
        votes = np.empty((len(stack), side, side, self.orientations))
        orientation_grid_batch(stack, self.orientations, self.signed, votes)
        start = 0
        for level in range(self.levels + 1):
            weights = _cell_weights(2**level, side)
            # Without BLAS, whose last bits depend on the number of images at hand.
            cells = np.einsum("jc,nicb->nijb", weights, np.einsum("ir,nrcb->nicb", weights, votes))
            rows = _normalized(cells).reshape(len(stack), -1)
            out[:, start : start + rows.shape[1]] = rows
            start += rows.shape[1]


def _cell_weights(n_cells: int, side: int) -> np.ndarray:
    """Return how the parts of an axis are shared between cells: (n_cells, side), columns sum to 1.

    The share falls linearly with the distance between centres, except beyond the outer ones.
    """
    centres = np.clip((np.arange(side) + 0.5) / side * n_cells - 0.5, 0, n_cells - 1)
    return np.maximum(0, 1 - np.abs(centres - np.arange(n_cells)[:, None]))


def _normalized(cells: np.ndarray) -> np.ndarray:
    """Normalise each cell of a level, then the level; cells (k, rows, cols, orientations)."""
    energies = (cells**2).sum(axis=3, keepdims=True)
    margin = _MARGIN * np.sqrt(energies.mean(axis=(1, 2), keepdims=True))
    cells = np.minimum(cells / np.maximum(np.sqrt(energies) + margin, _TINY), _CLIP)
    norms = np.sqrt((cells**2).sum(axis=(1, 2, 3), keepdims=True))
    return cells / np.maximum(norms, _TINY)
