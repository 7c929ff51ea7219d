"""Preprocessing steps that change the values of pixels: colour, contrast, noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from classicvis.images._geometry import ImageArray, PreprocessingStep

_FROM_RGB = {
    "gray": cv2.COLOR_RGB2GRAY,
    "hsv": cv2.COLOR_RGB2HSV_FULL,
    "lab": cv2.COLOR_RGB2LAB,
}
_SMALLEST_TILE = 8
"""Side of the smallest tile of CLAHE in pixels."""


def to_rgb(image: ImageArray) -> ImageArray:
    """Return `image` with three channels; grey is repeated."""
    return image if image.ndim == 3 else _convert(image, cv2.COLOR_GRAY2RGB)


def to_gray(image: ImageArray) -> ImageArray:
    """Return the luma of `image` (ITU-R BT.601 weights), shape (h, w)."""
    return image if image.ndim == 2 else _convert(image, cv2.COLOR_RGB2GRAY)


def _convert(image: ImageArray, code: int) -> ImageArray:
    return np.asarray(cv2.cvtColor(image, code), dtype=np.uint8)


def _on_lightness(image: ImageArray, change: Callable[[ImageArray], ImageArray]) -> ImageArray:
    """Return `image` with `change` applied to its CIELAB lightness, or to grey as it is.

    Flat lightness has no contrast to change, and the image stays unchanged. 8-bit Lab: the way
    there and back rounds a colour by a few levels (mean 0.4 on a photo), and takes a quarter of the
    memory of float.
    """
    is_grey = image.ndim == 2
    lab = image if is_grey else _convert(image, cv2.COLOR_RGB2LAB)
    lightness = image if is_grey else np.ascontiguousarray(lab[..., 0])
    if lightness.min() == lightness.max():
        return image
    if is_grey:
        return change(lightness)
    lab[..., 0] = change(lightness)
    return _convert(lab, cv2.COLOR_LAB2RGB)


@dataclass(frozen=True)
class ConvertColor(PreprocessingStep):
    """Convert every image to one colour space.

    Other steps take three channels for RGB, so a conversion to HSV or Lab comes last.

    Parameters
    ----------
    space : {"rgb", "gray", "hsv", "lab"}, default="rgb"
        "rgb": shape (h, w, 3); a grey image is repeated over the channels.
        "gray" (also spelt "grey"): shape (h, w), luma with ITU-R BT.601 weights.
        "hsv": hue, saturation, value, each 0..255. Hue fills the byte (OpenCV's ``HSV_FULL``; its
        plain ``HSV`` ends at 179), so the three channels have one range; it is circular.
        "lab": CIELAB for sRGB and D65, L * 255 / 100, a + 128, b + 128.

    Raises
    ------
    ParameterError
        If `space` is none of these.
    """

    space: Literal["rgb", "gray", "hsv", "lab"] = "rgb"

    def __post_init__(self) -> None:
        if self.space == "grey":
            self._set("space", "gray")
        self._check_choice("space", "colour space", ("rgb", *_FROM_RGB))

    def _apply(self, image: ImageArray) -> ImageArray:
        if self.space == "rgb":
            return to_rgb(image)
        if self.space == "gray":
            return to_gray(image)
        return _convert(to_rgb(image), _FROM_RGB[self.space])


@dataclass(frozen=True)
class Normalize(PreprocessingStep):
    """Bring the contrast of every image to the same range, as uint8.

    Where there is no contrast to stretch (a flat image, or both percentiles equal), the image or
    the channel stays unchanged.

    Parameters
    ----------
    method : {"minmax", "standard"}, default="minmax"
        "minmax" maps the values at `percentiles` to 0 and 255.
        "standard" maps the mean to 127.5 and three standard deviations to either end of 0..255.
        Both are linear, rounded and cut off at 0 and 255.
    percentiles : (float, float), default=(1, 99)
        Low and high end for "minmax", in percent: a few glaring pixels do not set the scale.
        (0, 100) are the minimum and the maximum.
    per_channel : bool, default=False
        False takes one scale for all channels and keeps hues; True takes one for each, which also
        removes a colour cast.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    method: Literal["minmax", "standard"] = "minmax"
    percentiles: tuple[float, float] = (1.0, 99.0)
    per_channel: bool = False

    def __post_init__(self) -> None:
        self._check_choice("method", "normalisation", ("minmax", "standard"))
        given = self.percentiles
        try:
            low, high = (float(p) for p in given)
        except (TypeError, ValueError):
            low, high = float("nan"), float("nan")
        if not 0 <= low < high <= 100:
            expected = "two numbers (low, high) with 0 <= low < high <= 100"
            raise self._refuse("percentiles", expected, "use (1, 99), or (0, 100) for all")
        self._set("percentiles", (low, high))

    def _apply(self, image: ImageArray) -> ImageArray:
        axis = (0, 1) if self.per_channel else None
        if self.method == "minmax":
            low, high = np.percentile(image, self.percentiles, axis=axis)
        else:
            mean, deviation = image.mean(axis=axis), image.std(axis=axis)
            low, high = mean - 3 * deviation, mean + 3 * deviation
        table = _stretch_table(np.asarray(low), np.asarray(high))
        return np.asarray(cv2.LUT(image, table), dtype=np.uint8)


def _stretch_table(low: NDArray[np.float64], high: NDArray[np.float64]) -> ImageArray:
    """Return the lookup table, shape (256, 1) or (256, 1, 3), that maps `low`, `high` to 0, 255."""
    flat = high <= low
    low, high = np.where(flat, 0.0, low), np.where(flat, 255.0, high)
    levels = np.arange(256.0).reshape(256, 1, *[1] * low.ndim)
    return np.clip(np.rint((levels - low) * 255 / (high - low)), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class EqualizeHistogram(PreprocessingStep):
    """Spread the grey levels of every image evenly over 0..255.

    In colour, only the CIELAB lightness is changed. A flat image stays unchanged.
    """

    def _apply(self, image: ImageArray) -> ImageArray:
        return _on_lightness(image, lambda grey: np.asarray(cv2.equalizeHist(grey), np.uint8))


@dataclass(frozen=True)
class Clahe(PreprocessingStep):
    """Contrast-limited adaptive histogram equalisation: equalise neighbourhood by neighbourhood.

    In colour, only the CIELAB lightness is changed. A flat image stays unchanged.

    Parameters
    ----------
    clip_limit : float, default=2.0
        How far the histogram of a tile may rise above its mean height, as a factor; more is more
        contrast, and more noise.
    tiles : (int, int), default=(8, 8)
        Tiles down and across. A small image gets fewer, so that the side of a tile is at least 8
        pixels: the histogram of one pixel or a few says nothing.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    References
    ----------
    .. [1] K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV,
       pp. 474-485, 1994. :DOI:`10.1016/B978-0-12-336156-1.50061-6`
    """

    clip_limit: float = 2.0
    tiles: tuple[int, int] = (8, 8)

    def __post_init__(self) -> None:
        self._check_positive("clip_limit", "use 2.0, or more for more contrast")
        self._check_pair("tiles", "(tiles down, tiles across)", "use for instance (8, 8)")

    def _apply(self, image: ImageArray) -> ImageArray:
        rows = min(self.tiles[0], max(1, image.shape[0] // _SMALLEST_TILE))
        cols = min(self.tiles[1], max(1, image.shape[1] // _SMALLEST_TILE))

        def equalize(grey: ImageArray) -> ImageArray:
            # A new object for each image: CLAHE objects keep buffers, so threads cannot share one.
            return np.asarray(cv2.createCLAHE(self.clip_limit, (cols, rows)).apply(grey), np.uint8)

        return _on_lightness(image, equalize)


@dataclass(frozen=True)
class MedianDenoise(PreprocessingStep):
    """Replace every pixel by the median of its neighbourhood, channel by channel.

    Removes isolated wrong pixels and keeps edges. Borders are repeated outwards.

    Parameters
    ----------
    size : int, default=3
        Side of the square neighbourhood in pixels, odd.

    Raises
    ------
    ParameterError
        If `size` is not an odd whole number of at least 3.
    """

    size: int = 3

    def __post_init__(self) -> None:
        self._check_int("size", 3, "use 3, 5 or 7", odd=True)

    def _apply(self, image: ImageArray) -> ImageArray:
        return np.asarray(cv2.medianBlur(image, self.size), dtype=np.uint8)


@dataclass(frozen=True)
class BilateralDenoise(PreprocessingStep):
    """Average every pixel with the neighbours that are near in place and in colour.

    On photos with Gaussian noise of 10 grey levels the defaults gain 3 to 5 dB; fine texture with
    less contrast than `sigma_color` is smoothed too.

    Parameters
    ----------
    size : int, default=5
        Diameter of the neighbourhood in pixels, odd.
    sigma_color : float, default=30
        Standard deviation in colour, in grey levels: edges much higher than this stay.
    sigma_space : float, default=2
        Standard deviation in place, in pixels.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    References
    ----------
    .. [1] C. Tomasi and R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998,
       pp. 839-846. :DOI:`10.1109/ICCV.1998.710815`
    """

    size: int = 5
    sigma_color: float = 30.0
    sigma_space: float = 2.0

    def __post_init__(self) -> None:
        self._check_int("size", 3, "use 5 or 7", odd=True)
        self._check_positive("sigma_color", "use for instance 30")
        self._check_positive("sigma_space", "use for instance 2")

    def _apply(self, image: ImageArray) -> ImageArray:
        blurred = cv2.bilateralFilter(image, self.size, self.sigma_color, self.sigma_space)
        return np.asarray(blurred, dtype=np.uint8)


@dataclass(frozen=True)
class NonLocalMeansDenoise(PreprocessingStep):
    """Average every pixel with the pixels whose surroundings look alike.

    Keeps texture that repeats. By far the slowest of the denoisers: time grows with the number of
    pixels times ``search_size ** 2``, so put a `Resize` before it for large photos. In colour,
    lightness and chroma are denoised apart (CIELAB), as in OpenCV.

    Parameters
    ----------
    strength : float, default=5.0
        In grey levels; best near the standard deviation of the noise in a grey image, and near half
        of it in colour. Less does little, more smooths detail.
    patch_size : int, default=7
        Side of the surroundings that are compared, in pixels, odd.
    search_size : int, default=21
        Side of the area that is searched, in pixels, odd.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    References
    ----------
    .. [1] A. Buades, B. Coll and J.-M. Morel, "Non-local means denoising", Image Processing On
       Line 1, pp. 208-212, 2011. :DOI:`10.5201/ipol.2011.bcm_nlm`
    """

    strength: float = 5.0
    patch_size: int = 7
    search_size: int = 21

    def __post_init__(self) -> None:
        self._check_positive("strength", "use about the standard deviation of the noise, say 5")
        self._check_int("patch_size", 1, "use 7", odd=True)
        self._check_int("search_size", 1, "use 21", odd=True)

    def _apply(self, image: ImageArray) -> ImageArray:
        sizes = self.patch_size, self.search_size
        if image.ndim == 2:
            grey = cv2.fastNlMeansDenoising(image, None, self.strength, *sizes)
            return np.asarray(grey, dtype=np.uint8)
        # OpenCV takes the channels for BGR here.
        bgr = _convert(image, cv2.COLOR_RGB2BGR)
        clean = cv2.fastNlMeansDenoisingColored(bgr, None, self.strength, self.strength, *sizes)
        return _convert(np.asarray(clean, dtype=np.uint8), cv2.COLOR_BGR2RGB)
