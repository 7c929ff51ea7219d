"""Colour histogram of one image."""

from __future__ import annotations

from operator import index

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.kernels.color_histogram import color_histogram_batch, color_histogram_length
from classicvis.kernels.color_spaces import COLOR_SPACES


def color_histogram(
    image: ArrayLike,
    bins: int | tuple[int, int, int] = (8, 8, 8),
    color_space: str = "rgb",
    *,
    joint: bool = True,
    grid: tuple[int, int] = (1, 1),
) -> NDArray[np.float64]:
    """Compute the colour histogram of an RGB image [1]_.

    Parameters
    ----------
    image : array_like of uint8, shape (h, w, 3) or (h, w)
        The image; a grey one counts as RGB with three equal channels.
    bins : int or (int, int, int), default=(8, 8, 8)
        Equally wide bins of each channel, over the values 0 to 255.
    color_space : {'rgb', 'hsv', 'lab'}, default='rgb'
        Space to count in: OpenCV's 8-bit ``COLOR_RGB2HSV_FULL`` (hue over 0 to 255) or
        ``COLOR_RGB2LAB``. Lab values of real colours leave the outermost bins of a and b empty.
    joint : bool, default=True
        One histogram over the three channels together; False gives one per channel, one after the
        other.
    grid : (int, int), default=(1, 1)
        Rows and columns of a spatial grid of nearly equal cells; each pixel is in one cell.

    Returns
    -------
    ndarray of float64, shape (d,)
        The cells row by row; in a cell ``bins[0] * bins[1] * bins[2]`` values, the last channel
        fastest, or the sum of ``bins`` values if not ``joint``. Every histogram sums to 1 (without
        ``joint``, each channel of each cell does), or is zero in a cell without pixels, which an
        image smaller than the grid has.

    Raises
    ------
    ImageError
        If the image is not uint8 of shape (h, w) or (h, w, 3), or has no pixels.
    ParameterError
        If ``color_space`` is unknown, ``bins`` lies outside 1 to 256, or ``grid`` has no cell.

    References
    ----------
    .. [1] M. J. Swain and D. H. Ballard, "Color indexing", International Journal of Computer
           Vision 7 (1991), DOI 10.1007/BF00130487

    Examples
    --------
    >>> import numpy as np
    >>> from classicvis.functional import color_histogram
    >>> color_histogram(np.zeros((4, 4, 3), np.uint8), bins=2)
    array([1., 0., 0., 0., 0., 0., 0., 0.])
    """
    if color_space not in COLOR_SPACES:
        raise unknown_name("color_space", color_space, COLOR_SPACES)
    n_bins, cells = _triple(bins), _pair(grid)
    out = np.empty((1, color_histogram_length(n_bins, joint, cells)))
    pixels = _pixels(image)
    color_histogram_batch(pixels[None], COLOR_SPACES[color_space], n_bins, joint, cells, out)
    return out[0]


def _triple(bins: int | tuple[int, int, int]) -> tuple[int, int, int]:
    try:
        first, second, third = bins if isinstance(bins, tuple | list) else (bins, bins, bins)
        return index(first), index(second), index(third)
    except (TypeError, ValueError):
        raise ParameterError(f"bins={bins}: expected one or three whole numbers") from None


def _pair(grid: tuple[int, int]) -> tuple[int, int]:
    try:
        rows, cols = grid
        return index(rows), index(cols)
    except (TypeError, ValueError):
        raise ParameterError(f"grid={grid}: expected two whole numbers") from None


def _pixels(image: ArrayLike) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise ImageError(
            f"got an image of {pixels.dtype}: expected uint8; convert it first, floats in [0, 1]"
            " with skimage.util.img_as_ubyte"
        )
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ImageError(
            f"got an image of shape {np.shape(image)}: expected (h, w, 3) or (h, w) with at least"
            " one pixel"
        )
    return pixels
