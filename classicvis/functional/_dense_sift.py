"""SIFT descriptors on a regular grid."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.kernels.dense_sift import dense_sift_batch, dense_sift_shape
from classicvis.kernels.sift_math import DESCRIPTOR_SIZE, N_BINS, root_batch

WINDOWS = ("flat", "gaussian")


class DenseSift(NamedTuple):
    """What `dense_sift` returns."""

    frames: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    norms: NDArray[np.float32]


def dense_sift(
    image: ArrayLike,
    step: int = 4,
    bin_size: int = 4,
    *,
    window: str = "flat",
    root: bool = False,
) -> DenseSift:
    """Compute upright SIFT descriptors of one size on a regular grid.

    The definition is that of VLFeat's ``vl_dsift``: a descriptor is a histogram of gradients over
    4 x 4 spatial bins and 8 orientations with bilinear shares, normalised, clipped at 0.2 and
    normalised again [1]_.

    Parameters
    ----------
    image : array_like of shape (height, width) or (height, width, 3)
        Grey or RGB; uint8, uint16, or float in [0, 1].
    step : int, default=4
        Pixels between neighbouring descriptors, in both directions.
    bin_size : int, default=4
        Pixels between the centres of neighbouring bins; a descriptor spans 3 of these between its
        outermost centres.
    window : {"flat", "gaussian"}, default="flat"
        ``"gaussian"`` weighs every pixel by a Gaussian (standard deviation 2 bins) about the
        descriptor's centre; ``"flat"`` weighs each bin by the mean of that Gaussian, which is
        faster and nearly the same.
    root : bool, default=False
        Return RootSIFT: the square root of each L1-normalised descriptor [2]_.

    Returns
    -------
    frames : ndarray of shape (n, 2), float32
        Row and column of each descriptor's centre, in pixels; row by row.
    descriptors : ndarray of shape (n, 128), float32
        In the order bin row, bin column, orientation. Orientation k stands for gradients at
        ``k * pi / 4`` radians from the direction of the columns towards that of the rows. Each
        row has unit norm, or is zero where the image is flat.
    norms : ndarray of shape (n,), float32
        Norm of each descriptor before normalisation, with intensities in [0, 1]; small where
        there is little contrast.

    Raises
    ------
    ImageError
        If the image is not one of the above.
    ParameterError
        If `step` or `bin_size` is not a positive integer, or `window` is unknown.

    Notes
    -----
    All bin centres lie inside the image, as in VLFeat; n is 0 where none fits. Beyond the image
    the outermost gradients repeat. The image is not smoothed: for descriptors comparable to those
    of a keypoint of scale sigma, smooth it first and take ``bin_size = 3 * sigma``.

    Departures from VLFeat: angles are exact to float32 where VLFeat approximates them, descriptors
    stay float32, `norms` has the plain norm.

    References
    ----------
    .. [1] Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004,
       DOI 10.1023/B:VISI.0000029664.99615.94; Vedaldi and Fulkerson, "VLFeat", ACM Multimedia
       2010, DOI 10.1145/1873951.1874249.
    .. [2] Arandjelovic and Zisserman, "Three things everyone should know to improve object
       retrieval", CVPR 2012, DOI 10.1109/CVPR.2012.6248018.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (64, 96), dtype=np.uint8)
    >>> dense_sift(image, step=8).descriptors.shape
    (77, 128)
    """
    if window not in WINDOWS:
        raise unknown_name("window", window, WINDOWS)
    step = _positive_integer("step", step)
    bin_size = _positive_integer("bin_size", bin_size)
    gray = as_gray(image)
    n_rows, n_columns = dense_sift_shape(gray.shape[0], gray.shape[1], step, bin_size)
    n_frames = n_rows * n_columns
    descriptors = np.empty((1, n_frames, DESCRIPTOR_SIZE), np.float32)
    norms = np.empty((1, n_frames), np.float32)
    dense_sift_batch(gray[np.newaxis], step, bin_size, window == "gaussian", norms, descriptors)
    if root:
        root_batch(descriptors[0])
    if gray.dtype == np.uint8:
        norms /= 255
    return DenseSift(_frames(n_rows, n_columns, step, bin_size), descriptors[0], norms[0])


def as_gray(image: ArrayLike) -> NDArray[Any]:
    """Return a grey image (height, width), C-contiguous: uint8 as it is, else float32 in [0, 1].

    RGB becomes grey by the weights of ITU-R BT.601, as in OpenCV.
    """
    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    is_rgb = pixels.ndim == 3 and pixels.shape[2] == 3
    if not (pixels.ndim == 2 or is_rgb) or pixels.size == 0:
        raise ImageError(
            f"found an array of shape {pixels.shape}: expected one grey image (height, width) or "
            "one RGB image (height, width, 3), not empty; pass one image at a time."
        )
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(np.float32) / np.float32(65535)
    elif pixels.dtype.kind == "f":
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            raise ImageError(
                f"found float values from {pixels.min():g} to {pixels.max():g}: expected [0, 1]; "
                "divide by the largest possible value, or convert to uint8."
            )
        pixels = pixels.astype(np.float32)
    elif pixels.dtype != np.uint8:
        raise ImageError(
            f"found an image of dtype {pixels.dtype}: expected uint8, uint16 or float in [0, 1]; "
            "convert it first."
        )
    pixels = np.ascontiguousarray(pixels)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if is_rgb else pixels


def _positive_integer(name: str, value: object) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ParameterError(
            f"found {name}={value!r}: expected a whole number of pixels, 1 or more."
        )
    return int(value)


def _frames(n_rows: int, n_columns: int, step: int, bin_size: int) -> NDArray[np.float32]:
    center = (N_BINS - 1) / 2 * bin_size
    rows = np.arange(n_rows, dtype=np.float32) * step + center
    columns = np.arange(n_columns, dtype=np.float32) * step + center
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
