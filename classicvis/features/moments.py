"""Hu's moments and moments of colour as a scikit-learn transformer."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from classicvis.exceptions import ParameterError, unknown_name
from classicvis.features._base import ImageExtractor, check_choice, check_pair
from classicvis.functional._dense_sift import as_gray
from classicvis.images import Images
from classicvis.kernels.color_histogram import color_histogram_batch
from classicvis.kernels.color_spaces import COLOR_SPACES

_N_HU = 7
_DECADES = 30  # Hu's moments are counted in powers of ten from 10**-30 on
_VALUES = np.arange(256) / 255


class MomentsExtractor(ImageExtractor):
    """Shape by Hu's moments, and colour by mean, standard deviation and skewness.

    Parameters
    ----------
    hu : bool, default=True
        Begin each row with Hu's seven moments [1]_ of the grey image, which do not change when it
        is moved, scaled or turned. They tell shapes on a black background.
    color_space : {"rgb", "hsv", "lab"} or None, default="lab"
        The space of the moments of colour [2]_; None leaves them out. Images are taken as RGB (grey
        ones as equal channels) and converted here: leave ``color="rgb"`` in `build_pipeline`.
    grid : (int, int), default=(1, 1)
        Rows and columns of a spatial grid with moments of colour in each cell.
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.

    Notes
    -----
    Hu's moments h span many powers of ten. A row holds ``sign(h) * log10(1 + |h| * 1e30) / 30``,
    which is near ``sign(h) * (1 + log10|h| / 30)`` and, unlike the plain logarithm, passes through
    zero where h does: black images have zeros.

    Then follow, cell by cell and channel by channel, mean, standard deviation and the cube root of
    the third central moment, of 8-bit values divided by 255; they are zero in a cell without
    pixels. The hue of "hsv" is an angle, whose mean means little where an image has red on both
    sides of it.

    Images may have unequal sizes. Colours are counted, so that memory does not grow with them.

    References
    ----------
    .. [1] M.-K. Hu, "Visual pattern recognition by moment invariants", IRE Transactions on
       Information Theory 8(2), 1962, DOI 10.1109/TIT.1962.1057692
    .. [2] M. A. Stricker, M. Orengo, "Similarity of color images", Proc. SPIE 2420, 1995,
       DOI 10.1117/12.205308
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "skimage.measure.moments_hu; mean, std and third moment of NumPy after cv2.cvtColor; "
        "within 1e-5"
    )

    def __init__(
        self,
        *,
        hu: bool = True,
        color_space: str | None = "lab",
        grid: tuple[int, int] = (1, 1),
        n_jobs: int | None = None,
    ) -> None:
        self.hu = hu
        self.color_space = color_space
        self.grid = grid
        self.n_jobs = n_jobs

    def _check_params(self) -> None:
        check_choice("hu", self.hu, (True, False))
        check_pair("grid", self.grid)
        if self.color_space is not None and self.color_space not in COLOR_SPACES:
            raise unknown_name("color_space", self.color_space, COLOR_SPACES)
        if not self.hu and self.color_space is None:
            raise ParameterError(
                "hu=False, color_space=None: expected one of them to be kept, or no features are "
                "left."
            )

    def _n_features(self, shape: tuple[int, ...]) -> int:
        n_of_color = 0 if self.color_space is None else 9 * self.grid[0] * self.grid[1]
        return n_of_color + (_N_HU if self.hu else 0)

    def _extract(self, images: Images) -> np.ndarray:
        out = np.empty((len(images), self.n_features_out_), np.float32)
        for row, image in zip(out, images, strict=True):
            parts = [_hu_moments(image)] if self.hu else []
            if self.color_space is not None:
                parts.append(_color_moments(image, self.color_space, self.grid))
            row[:] = np.concatenate(parts)
        return out


def _hu_moments(image: np.ndarray) -> np.ndarray:
    """Return the scaled logarithms of Hu's moments of an image: shape (7,)."""
    moments = cv2.HuMoments(cv2.moments(as_gray(image))).ravel()
    moments[6] *= -1  # scikit-image counts (row, col), the mirror image of OpenCV's (x, y)
    return np.copysign(np.log10(1 + np.abs(moments) * 10.0**_DECADES) / _DECADES, moments)


def _color_moments(image: np.ndarray, color_space: str, grid: tuple[int, int]) -> np.ndarray:
    """Return the moments of the colours of an image, from their counts: shape (9 * cells,)."""
    bins = (256, 256, 256)
    shares = np.empty((1, grid[0] * grid[1] * sum(bins)))
    color_histogram_batch(image[None], COLOR_SPACES[color_space], bins, False, grid, shares)
    shares = shares.reshape(-1, 256)  # one row for each channel of each cell
    means = shares @ _VALUES
    deviations = _VALUES - means[:, None]
    squares, cubes = ((shares * deviations**power).sum(axis=1) for power in (2, 3))
    return np.stack([means, np.sqrt(squares), np.cbrt(cubes)], axis=1).ravel()
