"""Histograms of local binary patterns as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from classicvis.exceptions import ParameterError
from classicvis.features._base import ImageExtractor, check_choice, check_pair, rows_by_shape
from classicvis.functional._dense_sift import as_gray
from classicvis.functional._lbp import check_points, check_radius
from classicvis.images import Images
from classicvis.kernels.lbp import METHODS, lbp_histogram_batch, lbp_length

_COUNTED = ("uniform", "nri_uniform", "default")
_MOST_BITS = 16  # of "default", which has a bin for every pattern


class LbpExtractor(ImageExtractor):
    """Histograms of local binary patterns, over a spatial grid and at several radii.

    Counts the codes of `classicvis.functional.lbp`. They do not change with brightness and
    contrast; those of "uniform" do not change when the picture is turned, either.

    Parameters
    ----------
    radii : sequence of float, default=(1, 2, 3)
        Radii of the circles, in pixels; each has its histograms.
    n_points : int, default=8
        Points on each circle.
    method : {"uniform", "nri_uniform", "default"}, default="uniform"
        Which patterns have a bin of their own: those of a number of ones (n_points + 2 bins), all
        that are uniform (n_points * (n_points - 1) + 3, which is 59 for 8 points), or all
        (2**n_points, at most 16 points).
    grid : (int, int), default=(1, 1)
        Rows and columns of a spatial grid; the histograms of its cells follow each other.
    hellinger : bool, default=True
        Take the square roots of the shares, so that histograms have unit length and their dot
        products are Hellinger kernels; False leaves shares, which sum to 1.
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.

    Notes
    -----
    Images may have unequal sizes; they become grey by the weights of ITU-R BT.601, as in OpenCV.

    For objects rather than textures, "nri_uniform" in a grid is the better choice: on Caltech-101
    (10 images of a class to learn from, 5 others to test, kernel ridge) the defaults score 14 %,
    "nri_uniform" 21 %, with ``grid=(4, 4)`` 40 %, and 34 % there without `hellinger`.

    References
    ----------
    .. [1] T. Ojala, M. Pietikainen, T. Maenpaa, "Multiresolution gray-scale and rotation invariant
       texture classification with local binary patterns", IEEE PAMI 24(7), 2002,
       DOI 10.1109/TPAMI.2002.1017623
    .. [2] T. Ahonen, A. Hadid, M. Pietikainen, "Face description with local binary patterns",
       IEEE PAMI 28(12), 2006, DOI 10.1109/TPAMI.2006.244
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "numpy.bincount of skimage.feature.local_binary_pattern after cv2.cvtColor, exact counts; "
        "their square roots"
    )

    def __init__(
        self,
        radii: Sequence[float] = (1, 2, 3),
        n_points: int = 8,
        method: str = "uniform",
        *,
        grid: tuple[int, int] = (1, 1),
        hellinger: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.radii = radii
        self.n_points = n_points
        self.method = method
        self.grid = grid
        self.hellinger = hellinger
        self.n_jobs = n_jobs

    def _check_params(self) -> None:
        check_choice("method", self.method, _COUNTED)
        check_points("n_points", self.n_points, self.method)
        if self.method == "default" and self.n_points > _MOST_BITS:
            raise ParameterError(
                f"n_points={self.n_points}: expected at most {_MOST_BITS} for method='default', "
                "which has 2**n_points bins; use method='uniform' or 'nri_uniform'."
            )
        check_pair("grid", self.grid)
        check_choice("hellinger", self.hellinger, (True, False))
        if isinstance(self.radii, str | float | int) or len(self.radii) == 0:
            raise ParameterError(f"radii={self.radii!r}: expected a sequence of radii in pixels.")
        for radius in self.radii:
            check_radius("radii", radius)

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return len(self.radii) * self._n_features_of_radius()

    def _n_features_of_radius(self) -> int:
        return self.grid[0] * self.grid[1] * lbp_length(self.n_points, METHODS[self.method])

    def _extract(self, images: Images) -> np.ndarray:
        grays = [as_gray(image) for image in images]
        return rows_by_shape(grays, self.n_features_out_, self._batch)

    def _batch(self, stack: np.ndarray, out: np.ndarray) -> None:
        method, length = METHODS[self.method], self._n_features_of_radius()
        for i, radius in enumerate(self.radii):
            part = out[:, i * length : (i + 1) * length]
            lbp_histogram_batch(stack, self.n_points, radius, method, self.grid, part)
        if self.hellinger:
            np.sqrt(out, out=out)
