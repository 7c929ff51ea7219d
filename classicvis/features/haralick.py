"""Haralick's texture features as a scikit-learn transformer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import ClassVar

import numpy as np

from classicvis.exceptions import ParameterError, unknown_name
from classicvis.features._base import ImageExtractor, check_positive, rows_by_shape
from classicvis.functional._dense_sift import as_gray
from classicvis.images import Images
from classicvis.kernels.glcm import PROPERTIES, glcm_batch, glcm_offsets

_MOST_LEVELS, _LARGEST_DISTANCE = 256, 1000
_QUARTER_TURNS = (0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4)


class HaralickExtractor(ImageExtractor):
    """Properties of grey-level co-occurrence matrices: mean and range over angles.

    For each distance the matrices of all angles are counted, and of each property the mean and the
    range (largest less smallest) over the angles are kept, as Haralick et al. [1]_ propose: they
    do not change when the picture is turned by a multiple of the angle.

    Parameters
    ----------
    distances : sequence of float, default=(1, 2, 4)
        Between the pixels of a pair, in pixels; at most 1000.
    angles : sequence of float, default=(0, pi / 4, pi / 2, 3 * pi / 4)
        Of the line through a pair, in radians.
    levels : int, default=32
        Equally wide bins of the grey values, 2 to 256.
    properties : sequence of str, default=("contrast", "dissimilarity", "homogeneity", "energy", \
"correlation", "entropy")
        Properties of scikit-image's ``graycoprops``: these, "ASM", "mean", "variance" or "std".
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.

    Notes
    -----
    A row holds, distance by distance, the means of the properties, then their ranges. They are
    scikit-image's values for symmetric, normalised matrices, divided by the largest value that
    `levels` grey levels allow (``(levels - 1)**2`` for the contrast, ``2 * log(levels)`` for the
    entropy), so that none drowns the others. Images become grey by the weights of ITU-R BT.601, may
    have unequal sizes, and may be smaller than a distance: what has no pairs is 0, its correlation
    1, as that of a flat image.

    References
    ----------
    .. [1] R. M. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image classification",
       IEEE Transactions on Systems, Man, and Cybernetics 3(6), 1973,
       DOI 10.1109/TSMC.1973.4309314
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "skimage.feature.graycoprops of graycomatrix(symmetric=True) over each property's largest "
        "value, within 1e-6"
    )

    def __init__(
        self,
        distances: Sequence[float] = (1, 2, 4),
        angles: Sequence[float] = _QUARTER_TURNS,
        levels: int = 32,
        properties: Sequence[str] = (
            "contrast",
            "dissimilarity",
            "homogeneity",
            "energy",
            "correlation",
            "entropy",
        ),
        *,
        n_jobs: int | None = None,
    ) -> None:
        self.distances = distances
        self.angles = angles
        self.levels = levels
        self.properties = properties
        self.n_jobs = n_jobs

    def _check_params(self) -> None:
        check_positive("levels", self.levels)
        if not 2 <= self.levels <= _MOST_LEVELS:
            raise ParameterError(f"levels={self.levels}: expected 2 to {_MOST_LEVELS} grey levels.")
        _check_numbers("distances", self.distances, 0, _LARGEST_DISTANCE)
        _check_numbers("angles", self.angles, -math.inf, math.inf)
        if isinstance(self.properties, str) or len(self.properties) == 0:
            raise ParameterError(
                f"properties={self.properties!r}: expected a sequence of names, such as "
                "('contrast', 'entropy')."
            )
        for name in self.properties:
            if name not in PROPERTIES:
                raise unknown_name("property", name, PROPERTIES)

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return 2 * len(self.distances) * len(self.properties)

    def _extract(self, images: Images) -> np.ndarray:
        grays = [as_gray(image) for image in images]
        return rows_by_shape(grays, self.n_features_out_, self._batch)

    def _batch(self, stack: np.ndarray, out: np.ndarray) -> None:
        offsets = glcm_offsets(self.distances, self.angles)
        values = np.empty((len(stack), len(offsets), len(PROPERTIES)))
        glcm_batch(stack, self.levels, offsets, values)
        largest = largest_values(self.levels)
        columns = [PROPERTIES.index(name) for name in self.properties]
        scale = [1 / largest[name] for name in self.properties]
        by_angle = (values[:, :, columns] * scale).reshape(
            len(stack), len(self.distances), len(self.angles), len(columns)
        )
        summary = [by_angle.mean(axis=2), np.ptp(by_angle, axis=2)]
        out[:] = np.concatenate(summary, axis=2).reshape(out.shape)


def largest_values(levels: int) -> dict[str, float]:
    """Return the largest value of each property that a number of grey levels allows."""
    span = levels - 1
    largest = dict.fromkeys(PROPERTIES, 1.0)
    largest |= {"contrast": span**2, "dissimilarity": span, "entropy": 2 * math.log(levels)}
    largest |= {"mean": span, "variance": span**2 / 4, "std": span / 2}
    return largest


def _check_numbers(name: str, values: Sequence[float], above: float, most: float) -> None:
    numbers = [] if isinstance(values, str | Real) else list(values)
    if not numbers or not all(isinstance(v, Real) and above < v <= most for v in numbers):
        expected = "finite numbers" if most == math.inf else f"numbers above {above}, up to {most}"
        raise ParameterError(f"{name}={values!r}: expected a sequence of {expected}.")
