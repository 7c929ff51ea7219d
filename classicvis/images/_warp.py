"""Steps that move, turn or slant what an image shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from classicvis.images._geometry import ImageArray, PreprocessingStep


@dataclass(frozen=True)
class Warp(PreprocessingStep):
    """Mirror, scale, turn and shift an image about its centre, in this order.

    The size stays; what comes in from outside repeats the border. Meant for further copies of
    training images; see `classicvis.AugmentedClassifier`.

    Parameters
    ----------
    rows, cols : float, default=0
        Shift down and to the right in pixels.
    angle : float, default=0
        Turn in degrees, counter-clockwise.
    scale : float, default=1
        Magnification.
    mirror : bool, default=False
        Exchange left and right.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    rows: float = 0.0
    cols: float = 0.0
    angle: float = 0.0
    scale: float = 1.0
    mirror: bool = False

    def __post_init__(self) -> None:
        for name in ("rows", "cols", "angle"):
            self._check_real(name, -1e6, 1e6, "a finite number", "use 0 for none")
        self._check_positive("scale", "use 1 for none")

    def _apply(self, image: ImageArray) -> ImageArray:
        turned, scale = radians(self.angle), self.scale
        linear = scale * np.array([[cos(turned), sin(turned)], [-sin(turned), cos(turned)]])
        if self.mirror:
            linear[:, 0] *= -1
        return _warped(image, linear, np.array([self.cols, self.rows]), cv2.BORDER_REPLICATE)


@dataclass(frozen=True)
class RelativeCrop(PreprocessingStep):
    """Cut out a part of the image, given by shares of its height and width.

    Parameters
    ----------
    row, col : float, default=0.5
        Where it lies: 0 at the top or on the left, 0.5 in the middle, 1 at the bottom or right.
    size : float, default=0.875
        Its height and width as shares of those of the image, rounded to whole pixels.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    row: float = 0.5
    col: float = 0.5
    size: float = 0.875

    def __post_init__(self) -> None:
        above_1 = np.nextafter(1.0, 2.0)
        for name in ("row", "col"):
            self._check_real(name, 0, above_1, "a number from 0 to 1", "use 0.5 for the middle")
        self._check_real("size", 0.01, above_1, "a number from 0.01 to 1", "use for instance 0.875")

    def _apply(self, image: ImageArray) -> ImageArray:
        height, width = (max(1, round(self.size * side)) for side in image.shape[:2])
        top = round(self.row * (image.shape[0] - height))
        left = round(self.col * (image.shape[1] - width))
        return np.ascontiguousarray(image[top : top + height, left : left + width])


@dataclass(frozen=True)
class Deskew(PreprocessingStep):
    """Upright slanted writing: bright strokes on a black ground.

    Rows are shifted sideways, in proportion to their height, until the covariance of the row and
    the column of bright pixels is zero. Parts that leave the image are lost.
    """

    def _apply(self, image: ImageArray) -> ImageArray:
        grey = image if image.ndim == 2 else image.mean(axis=2).astype(np.uint8)
        moments = cv2.moments(grey)
        if moments["mu02"] <= 1e-6 * moments["m00"]:  # black, or all in one row
            return image
        slant = moments["mu11"] / moments["mu02"]
        shear = np.array([[1.0, -slant], [0.0, 1.0]])
        return _warped(image, shear, np.zeros(2), cv2.BORDER_CONSTANT)


def _warped(
    image: ImageArray, linear: NDArray[np.float64], shift: NDArray[np.float64], border: int
) -> ImageArray:
    """Return the image under ``p -> linear (p - centre) + centre + shift``, p as (x, y)."""
    height, width = image.shape[:2]
    centre = np.array([width - 1, height - 1]) / 2
    matrix = np.column_stack([linear, centre + shift - linear @ centre])
    warped = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(warped, dtype=np.uint8)
