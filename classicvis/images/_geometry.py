"""The common form of a preprocessing step, and the steps that change the size of an image."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from classicvis.exceptions import ImageError, ParameterError, unknown_name

ImageArray: TypeAlias = NDArray[np.uint8]
"""RGB of shape (h, w, 3) or grey of shape (h, w)."""

Fill: TypeAlias = int | tuple[int, int, int] | Literal["mean"]
"""A grey level, an RGB colour, or ``"mean"``: the mean colour of the image at hand."""


class PreprocessingStep:
    """One preprocessing step: a callable on one image, without state.

    A subclass is a frozen dataclass of its parameters, so steps compare, hash, pickle and print by
    value; it implements ``_apply``. A step never writes into the image that it is given. Where it
    has nothing to do, it gives back the image itself and not a copy.
    """

    def __call__(self, image: ImageArray) -> ImageArray:
        """Return the processed image.

        Parameters
        ----------
        image : uint8 ndarray of shape (h, w, 3) or (h, w)
            RGB or grey; may be read-only and of any strides.

        Returns
        -------
        uint8 ndarray of shape (h', w', 3) or (h', w')
            C-contiguous.

        Raises
        ------
        ImageError
            If `image` is not such an array, or is empty.
        """
        is_image = (
            isinstance(image, np.ndarray)
            and image.dtype == np.uint8
            and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3))
            and image.size > 0
        )
        if not is_image:
            shape, kind = np.shape(image), getattr(image, "dtype", type(image).__name__)
            raise ImageError(
                f"{type(self).__name__} got {kind} of shape {shape}: expected a uint8 image of "
                "shape (h, w, 3) or (h, w), not empty; open images with classicvis.images.as_images"
            )
        return self._apply(np.ascontiguousarray(image))

    def _apply(self, image: ImageArray) -> ImageArray:
        raise NotImplementedError

    def _set(self, name: str, value: object) -> None:
        """Store a checked value; a frozen dataclass allows it only this way."""
        object.__setattr__(self, name, value)

    def _refuse(self, name: str, expected: str, fix: str) -> ParameterError:
        """Return the error for the parameter `name`, to be raised by the caller."""
        got = f"{name}={getattr(self, name)!r}"
        return ParameterError(f"{type(self).__name__} got {got}: expected {expected}; {fix}")

    def _check_int(self, name: str, minimum: int, fix: str, odd: bool = False) -> None:
        """Require a whole number of at least `minimum`."""
        value = getattr(self, name)
        if not _is_int(value) or value < minimum or (odd and value % 2 == 0):
            kind = "an odd whole number" if odd else "a whole number"
            raise self._refuse(name, f"{kind} of at least {minimum}", fix)
        self._set(name, int(value))

    def _check_real(self, name: str, low: float, high: float, expected: str, fix: str) -> None:
        """Require a finite number in [low, high)."""
        value = getattr(self, name)
        if not _is_real(value) or not low <= value < high:
            raise self._refuse(name, expected, fix)
        self._set(name, float(value))

    def _check_positive(self, name: str, fix: str) -> None:
        """Require a finite number above 0."""
        smallest = float(np.nextafter(0.0, 1.0))
        self._check_real(name, smallest, float("inf"), "a finite number above 0", fix)

    def _check_pair(self, name: str, meaning: str, fix: str) -> None:
        """Require two positive whole numbers, in the order (row, column)."""
        value = getattr(self, name)
        pair = tuple(value) if isinstance(value, tuple | list | np.ndarray) else ()
        if len(pair) != 2 or not all(_is_int(v) and v > 0 for v in pair):
            raise self._refuse(name, f"{meaning}, two positive whole numbers", fix)
        self._set(name, (int(pair[0]), int(pair[1])))

    def _check_fill(self, name: str) -> None:
        """Require a `Fill`."""
        value = getattr(self, name)
        if isinstance(value, str) and value == "mean":
            return
        is_grey = _is_int(value)
        levels = (value,) if is_grey else value
        is_colour = isinstance(levels, tuple | list | np.ndarray) and len(levels) in (1, 3)
        if not is_colour or not all(_is_int(v) and 0 <= v <= 255 for v in levels):
            raise self._refuse(
                name,
                "a grey level 0..255, three such numbers (red, green, blue), or 'mean'",
                "use 0 for black, 'mean' for the mean colour of each image",
            )
        self._set(name, int(value) if is_grey else tuple(int(v) for v in levels))

    def _check_choice(self, name: str, kind: str, known: tuple[str, ...]) -> None:
        """Require one of the names in `known`."""
        if getattr(self, name) not in known:
            raise unknown_name(kind, getattr(self, name), known)


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def fill_value(image: ImageArray, fill: Fill) -> NDArray[np.uint8]:
    """Return `fill` in the channels of `image`: shape (3,) for RGB, () for grey.

    A colour on a grey image becomes its luma (ITU-R BT.601, as in OpenCV's RGB to grey).
    """
    if isinstance(fill, str):
        mean = image.mean(axis=(0, 1))
        return np.asarray(np.rint(mean), dtype=np.uint8)
    if isinstance(fill, int):
        return np.full(image.shape[2:], fill, dtype=np.uint8)
    colour = np.array(fill, dtype=np.uint8)
    if image.ndim == 3:
        return colour
    return np.asarray(cv2.cvtColor(colour.reshape(1, 1, 3), cv2.COLOR_RGB2GRAY)[0, 0])


def pad(image: ImageArray, rows: tuple[int, int], cols: tuple[int, int], fill: Fill) -> ImageArray:
    """Return `image` with `rows` added (above, below) and `cols` added (left, right)."""
    shape = (image.shape[0] + sum(rows), image.shape[1] + sum(cols), *image.shape[2:])
    padded = np.empty(shape, dtype=np.uint8)
    padded[...] = fill_value(image, fill)
    inside = np.s_[rows[0] : shape[0] - rows[1], cols[0] : shape[1] - cols[1]]
    padded[inside] = image
    return padded


def stretch(image: ImageArray, height: int, width: int) -> ImageArray:
    """Return `image` resampled to (height, width), each axis on its own scale.

    An axis that shrinks is averaged over areas, because a sampling filter of fixed width would skip
    pixels and alias; an axis that grows is interpolated linearly, because areas would only repeat
    pixels. OpenCV averages areas only where no axis grows, hence the two passes. The linear filter
    is OpenCV's bit-exact one, so that no digest depends on the processor.
    """
    rows, cols = min(height, image.shape[0]), min(width, image.shape[1])
    if (rows, cols) != image.shape[:2]:
        image = np.asarray(cv2.resize(image, (cols, rows), interpolation=cv2.INTER_AREA), np.uint8)
    if (rows, cols) != (height, width):
        exact = cv2.INTER_LINEAR_EXACT
        image = np.asarray(cv2.resize(image, (width, height), interpolation=exact), np.uint8)
    return image


def center_crop(image: ImageArray, height: int, width: int) -> ImageArray:
    """Return the middle (height, width) of `image`; where the margin is odd, the last row or
    column more is cut. An axis that is shorter stays whole.
    """
    rows, cols = min(height, image.shape[0]), min(width, image.shape[1])
    if (rows, cols) == image.shape[:2]:
        return image
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - cols) // 2
    # A copy: a view would keep the pixels that were cut away in memory.
    return image[top : top + rows, left : left + cols].copy()


@dataclass(frozen=True)
class Resize(PreprocessingStep):
    """Bring every image to one size.

    An axis that shrinks is averaged over areas (no aliasing), one that grows is interpolated
    linearly. An image that has the size already is given back as it is.

    Parameters
    ----------
    size : (int, int)
        Height and width in pixels.
    mode : {"stretch", "letterbox", "crop"}, default="stretch"
        "stretch" changes the aspect ratio. "letterbox" keeps it: the whole image, as large as it
        fits, in the middle of a border. "crop" keeps it: the largest middle part of the image that
        has the aspect ratio of `size` (to the nearest pixel).
    fill : int, (int, int, int) or "mean", default="mean"
        The border of "letterbox": a grey level, an RGB colour, or the mean colour of the image,
        whose edge against the picture is weaker than that of any fixed colour on average, so
        gradient features see the frame least.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    size: tuple[int, int]
    mode: Literal["stretch", "letterbox", "crop"] = "stretch"
    fill: Fill = "mean"

    def __post_init__(self) -> None:
        self._check_pair("size", "(height, width) in pixels", "use for instance (96, 96)")
        self._check_choice("mode", "resize mode", ("stretch", "letterbox", "crop"))
        self._check_fill("fill")

    def _apply(self, image: ImageArray) -> ImageArray:
        if image.shape[:2] == self.size:
            return image
        if self.mode == "letterbox":
            return self._letterbox(image)
        if self.mode == "crop":
            image = self._crop_to_aspect(image)
        return stretch(image, *self.size)

    def _letterbox(self, image: ImageArray) -> ImageArray:
        height, width = self.size
        scale = min(height / image.shape[0], width / image.shape[1])
        rows = min(height, max(1, round(image.shape[0] * scale)))
        cols = min(width, max(1, round(image.shape[1] * scale)))
        top, left = (height - rows) // 2, (width - cols) // 2
        borders = (top, height - rows - top), (left, width - cols - left)
        return pad(stretch(image, rows, cols), *borders, self.fill)

    def _crop_to_aspect(self, image: ImageArray) -> ImageArray:
        # Cut before scaling: 1 x 5000 pixels scaled first would be 96 x 480,000.
        height, width = self.size
        rows, cols = image.shape[:2]
        return center_crop(
            image,
            min(rows, max(1, round(cols * height / width))),
            min(cols, max(1, round(rows * width / height))),
        )


@dataclass(frozen=True)
class Shrink(PreprocessingStep):
    """Make large images smaller, in their proportions; small ones stay as they are.

    Parameters
    ----------
    longest_side : int
        Height or width in pixels, whichever is larger, of images that were larger before.

    Raises
    ------
    ParameterError
        If `longest_side` is not a positive whole number.
    """

    longest_side: int

    def __post_init__(self) -> None:
        self._check_int("longest_side", 1, "give pixels, for instance 320")

    def _apply(self, image: ImageArray) -> ImageArray:
        height, width = image.shape[:2]
        scale = self.longest_side / max(height, width)
        if scale >= 1:
            return image
        return stretch(image, max(1, round(height * scale)), max(1, round(width * scale)))


@dataclass(frozen=True)
class AddBorder(PreprocessingStep):
    """Add a border of one colour on all four sides.

    Parameters
    ----------
    size : int
        Width of the border in pixels; 0 changes nothing.
    value : int, (int, int, int) or "mean", default=0
        A grey level, an RGB colour (on a grey image its luma), or the mean colour of the image.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    size: int
    value: Fill = 0

    def __post_init__(self) -> None:
        self._check_int("size", 0, "give the width of the border in pixels")
        self._check_fill("value")

    def _apply(self, image: ImageArray) -> ImageArray:
        both = (self.size, self.size)
        return pad(image, both, both, self.value) if self.size else image


@dataclass(frozen=True)
class CropBorder(PreprocessingStep):
    """Cut a border off on all four sides.

    The middle row or column always stays: where an image is too small for the border, the border
    is taken smaller.

    Parameters
    ----------
    size : int, optional
        Width of the border in pixels.
    fraction : float, optional
        Width of the border as a part of the height (above and below) and of the width (left and
        right), in [0, 0.5), rounded to whole pixels. Give `size` or `fraction`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or both or none are given.
    """

    size: int | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        if (self.size is None) == (self.fraction is None):
            raise ParameterError(
                f"CropBorder got size={self.size!r} and fraction={self.fraction!r}: expected one "
                "of the two; use CropBorder(size=4) for pixels or CropBorder(fraction=0.1)"
            )
        if self.size is not None:
            self._check_int("size", 0, "give pixels, or use fraction for a part of the image")
        else:
            expected = "a part of each side, 0 <= fraction < 0.5"
            self._check_real("fraction", 0.0, 0.5, expected, "use size for a width in pixels")

    def _apply(self, image: ImageArray) -> ImageArray:
        rows, cols = (self._inner(length) for length in image.shape[:2])
        return center_crop(image, rows, cols)

    def _inner(self, length: int) -> int:
        """Return how much of an axis of `length` pixels stays."""
        border = self.size if self.size is not None else round(length * (self.fraction or 0.0))
        return length - 2 * min(border, (length - 1) // 2)


@dataclass(frozen=True)
class CenterCrop(PreprocessingStep):
    """Keep the middle of every image.

    An axis shorter than asked for stays whole; for one size whatever the image, use
    ``Resize(size, mode="crop")``.

    Parameters
    ----------
    size : (int, int)
        Height and width in pixels.

    Raises
    ------
    ParameterError
        If `size` is not two positive whole numbers.
    """

    size: tuple[int, int]

    def __post_init__(self) -> None:
        self._check_pair("size", "(height, width) in pixels", "use for instance (96, 96)")

    def _apply(self, image: ImageArray) -> ImageArray:
        return center_crop(image, *self.size)
