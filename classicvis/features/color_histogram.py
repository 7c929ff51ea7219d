"""Colour histograms as a scikit-learn transformer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from classicvis.exceptions import unknown_name
from classicvis.features._base import ImageExtractor, check_choice, check_pair, rows_by_shape
from classicvis.images import Images
from classicvis.kernels.color_histogram import color_histogram_batch, color_histogram_length
from classicvis.kernels.color_spaces import COLOR_SPACES


class ColorHistogramExtractor(ImageExtractor):
    """Colour histograms: the rows of `classicvis.functional.color_histogram`.

    Parameters
    ----------
    bins : int or (int, int, int), default=(8, 8, 8)
        Equally wide bins of each channel, 1 to 256.
    color_space : {"rgb", "hsv", "lab"}, default="rgb"
        The space to count in. Images are taken as RGB (grey ones as equal channels) and converted
        here: leave ``color="rgb"`` in `build_pipeline`.
    joint : bool, default=True
        One histogram over the three channels together; False gives one per channel.
    grid : (int, int), default=(1, 1)
        Rows and columns of a spatial grid; the histograms of its cells follow each other.
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.

    Notes
    -----
    Every histogram sums to 1. Images may have unequal sizes.

    References
    ----------
    .. [1] M. J. Swain and D. H. Ballard, "Color indexing", IJCV 7 (1991), DOI 10.1007/BF00130487
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = "cv2.calcHist after cv2.cvtColor, exact counts"

    def __init__(
        self,
        bins: int | tuple[int, int, int] = (8, 8, 8),
        color_space: str = "rgb",
        *,
        joint: bool = True,
        grid: tuple[int, int] = (1, 1),
        n_jobs: int | None = None,
    ) -> None:
        self.bins = bins
        self.color_space = color_space
        self.joint = joint
        self.grid = grid
        self.n_jobs = n_jobs

    def _check_params(self) -> None:
        if self.color_space not in COLOR_SPACES:
            raise unknown_name("color_space", self.color_space, COLOR_SPACES)
        check_choice("joint", self.joint, (True, False))
        check_pair("bins", self._bins(), length=3)
        check_pair("grid", self.grid)

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return color_histogram_length(self._bins(), self.joint, self.grid)

    def _extract(self, images: Images) -> np.ndarray:
        return rows_by_shape(images, self.n_features_out_, self._batch)

    def _batch(self, stack: np.ndarray, out: np.ndarray) -> None:
        space = COLOR_SPACES[self.color_space]
        color_histogram_batch(stack, space, self._bins(), self.joint, self.grid, out)

    def _bins(self) -> tuple[int, int, int]:
        return (self.bins,) * 3 if isinstance(self.bins, int) else self.bins
