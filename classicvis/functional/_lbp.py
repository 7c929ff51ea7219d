"""Local binary patterns of one image."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.kernels.lbp import METHODS, MOST_BITS, lbp_image

MOST_POINTS, LARGEST_RADIUS = 1000, 1000


def lbp(image: ArrayLike, P: int = 8, R: float = 1, method: str = "uniform") -> NDArray[np.float64]:
    """Compute the local binary pattern of every pixel of a grey image [1]_.

    A drop-in for ``skimage.feature.local_binary_pattern`` (scikit-image 0.26), with the same
    values bit for bit.

    Parameters
    ----------
    image : array_like of shape (h, w)
        The image, of any real dtype; outside of it pixels count as 0.
    P : int, default=8
        Points on the circle around a pixel, 1 to 1000; at most 53 for "default" and "ror", whose
        codes have P bits.
    R : float, default=1
        Radius of the circle in pixels, at most 1000.
    method : {'uniform', 'nri_uniform', 'default', 'ror', 'var'}, default='uniform'
        What is said about the P comparisons "point >= pixel":

        - ``'uniform'``: the number of ones, 0 to P, of patterns with at most two changes between
          neighbours; P + 1 for all others. Does not change when the picture is turned.
        - ``'nri_uniform'``: a number for each such pattern, up to P (P - 1) + 1; then that of all
          others [2]_.
        - ``'default'``: the pattern itself, point i as bit i.
        - ``'ror'``: the smallest pattern that turning this one can give.
        - ``'var'``: no pattern, the variance of the points; NaN where it is 0.

    Returns
    -------
    ndarray of shape (h, w), float64
        The codes.

    Raises
    ------
    ImageError
        If the image is not real, finite and of shape (h, w), or has no pixels.
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    Points lie between pixels. Where a picture is flat, an interpolated value ties with the pixel
    up to its last bit, and rounding, which depends on the position, decides: this is so in the
    reference [3]_, whose x86-64 arithmetic is kept here on every machine. With P = 8 and R = 1 all
    such ties count as "equal" in images of up to 512 rows and columns.

    Codes of more than 30 bits are right here; in the reference they overflow from P = 32 on.

    Beside the result, memory is about 25 P + 16 R bytes for each column of the image.

    References
    ----------
    .. [1] T. Ojala, M. Pietikainen, T. Maenpaa, "Multiresolution gray-scale and rotation invariant
           texture classification with local binary patterns", IEEE PAMI 24(7), 2002,
           DOI 10.1109/TPAMI.2002.1017623
    .. [2] T. Ahonen, A. Hadid, M. Pietikainen, "Face description with local binary patterns",
           IEEE PAMI 28(12), 2006, DOI 10.1109/TPAMI.2006.244
    .. [3] https://github.com/scikit-image/scikit-image/issues/8198

    Examples
    --------
    >>> import numpy as np
    >>> from classicvis.functional import lbp
    >>> lbp(np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8))[1, 1]
    4.0
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    check_points("P", P, method)
    check_radius("R", R)
    pixels = _gray(image)
    out = np.empty(pixels.shape)
    lbp_image(pixels, int(P), float(R), METHODS[method], out)
    return out


def check_points(name: str, value: object, method: str) -> None:
    """Raise ParameterError unless `value` is a number of points that a method can take."""
    most = MOST_BITS if method in ("default", "ror") else MOST_POINTS
    if not isinstance(value, Integral) or isinstance(value, bool) or not 1 <= int(value) <= most:
        raise ParameterError(
            f"{name}={value!r}: expected a whole number of points, 1 to {most} for "
            f"method={method!r}."
        )


def check_radius(name: str, value: object) -> None:
    """Raise ParameterError unless `value` is a radius in pixels."""
    most = LARGEST_RADIUS
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) <= most:
        raise ParameterError(
            f"{name}={value!r}: expected a number of pixels, above 0 and at most {most}."
        )


def _gray(image: ArrayLike) -> NDArray[np.uint8] | NDArray[np.float64]:
    pixels = np.asarray(image)
    if pixels.ndim != 2 or pixels.size == 0:
        raise ImageError(
            f"found an array of shape {pixels.shape}: expected one grey image (h, w), not empty; "
            "convert RGB first, for example by skimage.color.rgb2gray and img_as_ubyte."
        )
    if pixels.dtype.kind not in "buif":
        raise ImageError(
            f"found an image of dtype {pixels.dtype}: expected integers or real numbers; convert "
            "it first."
        )
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    pixels = np.ascontiguousarray(pixels, np.float64)
    if not np.isfinite(pixels).all():
        raise ImageError(
            "found NaN or infinite values: expected finite ones; replace them first, for example "
            "by numpy.nan_to_num."
        )
    return pixels
