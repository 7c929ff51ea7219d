"""Gabor texture features as a scikit-learn transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from numbers import Real
from typing import ClassVar

import cv2
import numpy as np
from skimage.filters import gabor_kernel

from classicvis.exceptions import ParameterError
from classicvis.features._base import ImageExtractor, check_pair, check_positive
from classicvis.functional._dense_sift import as_gray
from classicvis.images import Images

_LOWEST, _HIGHEST = 0.01, 0.5  # cycles per pixel: a kernel of 337 pixels, and what pixels can hold


class GaborExtractor(ImageExtractor):
    """Mean and standard deviation of the responses to a bank of Gabor filters.

    Parameters
    ----------
    frequencies : sequence of float, default=(0.05, 0.1, 0.2, 0.4)
        Of the filters' waves, in cycles per pixel, 0.01 to 0.5.
    n_orientations : int, default=6
        Directions of the waves, evenly over 180 degrees.
    bandwidth : float, default=1
        Of the filters, in octaves; see ``skimage.filters.gabor_kernel``.
    grid : (int, int), default=(1, 1)
        Rows and columns of a spatial grid with a mean and a standard deviation in each cell.
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.

    Notes
    -----
    A row holds, frequency by frequency and direction by direction, the mean and the standard
    deviation of the magnitude of the complex response in each cell [1]_, of intensities in [0, 1];
    both are zero in a cell without pixels. Beyond its borders an image goes on as its mirror image.
    Images become grey by the weights of ITU-R BT.601, and may have unequal sizes.

    Unlike the paper's, filters have a round window, and features are not divided by their standard
    deviations over the data: a ``StandardScaler`` does that.

    OpenCV filters, by Fourier transforms where kernels are large. Working memory is about 20 bytes
    per pixel of the image at hand in each thread, 400 MB for 20 million pixels.

    References
    ----------
    .. [1] B. S. Manjunath, W. Y. Ma, "Texture features for browsing and retrieval of image data",
       IEEE PAMI 18(8), 1996, DOI 10.1109/34.531803
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = "mean and std of the magnitude of skimage.filters.gabor, within 1e-5"

    def __init__(
        self,
        frequencies: Sequence[float] = (0.05, 0.1, 0.2, 0.4),
        n_orientations: int = 6,
        bandwidth: float = 1,
        *,
        grid: tuple[int, int] = (1, 1),
        n_jobs: int | None = None,
    ) -> None:
        self.frequencies = frequencies
        self.n_orientations = n_orientations
        self.bandwidth = bandwidth
        self.grid = grid
        self.n_jobs = n_jobs

    def _check_params(self) -> None:
        check_positive("n_orientations", self.n_orientations)
        check_positive("bandwidth", self.bandwidth, kind=float)
        check_pair("grid", self.grid)
        given = self.frequencies
        numbers = [] if isinstance(given, str | Real) else list(given)
        if not numbers or not all(
            isinstance(f, Real) and _LOWEST <= f <= _HIGHEST for f in numbers
        ):
            raise ParameterError(
                f"frequencies={given!r}: expected a sequence of numbers from {_LOWEST} to "
                f"{_HIGHEST} cycles per pixel."
            )

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return 2 * len(self.frequencies) * self.n_orientations * self.grid[0] * self.grid[1]

    def _extract(self, images: Images) -> np.ndarray:
        out = np.empty((len(images), self.n_features_out_), np.float32)
        for row, image in zip(out, images, strict=True):
            row[:] = self._row(as_gray(image).astype(np.float32) / 255)
        return out

    def _row(self, gray: np.ndarray) -> list[float]:
        row: list[float] = []
        for frequency in self.frequencies:
            for i in range(self.n_orientations):
                angle = i * math.pi / self.n_orientations
                magnitude = _magnitude(gray, *_kernel(frequency, angle, self.bandwidth))
                for cell in _cells(gray.shape[:2], self.grid):
                    row += _mean_and_std(magnitude[cell])
        return row


@lru_cache(maxsize=256)
def _kernel(frequency: float, angle: float, bandwidth: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the real and the imaginary part of a filter: float32."""
    kernel = gabor_kernel(frequency, angle, bandwidth)
    return kernel.real.astype(np.float32), kernel.imag.astype(np.float32)


def _magnitude(gray: np.ndarray, real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    # OpenCV correlates; to turn the filter round, as a convolution does, is to conjugate it.
    parts = [
        cv2.filter2D(gray, cv2.CV_32F, part, borderType=cv2.BORDER_REFLECT)
        for part in (real, imaginary)
    ]
    return cv2.magnitude(*parts)


def _mean_and_std(values: np.ndarray) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 0.0
    mean, std = cv2.meanStdDev(values)
    return float(mean[0, 0]), float(std[0, 0])


def _cells(shape: tuple[int, ...], grid: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of pixels of each cell, cells row by row; some can be empty."""
    for i in range(grid[0]):
        rows = slice(i * shape[0] // grid[0], (i + 1) * shape[0] // grid[0])
        for j in range(grid[1]):
            yield rows, slice(j * shape[1] // grid[1], (j + 1) * shape[1] // grid[1])
