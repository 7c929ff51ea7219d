"""SIFT descriptors on a regular grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.kernels.dense_sift import dense_sift_batch, dense_sift_shape
from classicvis.kernels.sift_math import DESCRIPTOR_SIZE, N_BINS, root_batch

WINDOWS = ("flat", "gaussian")
CAMERA_BLUR = 0.5  # sigma in pixels that an image is taken to have, as in Lowe's SIFT


class DenseSift(NamedTuple):
    """What `dense_sift` returns."""

    frames: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    norms: NDArray[np.float32]


def dense_sift(
    image: ArrayLike,
    step: float = 4,
    bin_size: float | Sequence[float] = 4,
    *,
    window: str = "flat",
    magnification: float | None = None,
    root: bool = False,
) -> DenseSift:
    """Compute upright SIFT descriptors on a regular grid, of one size or of several.

    The definition is that of VLFeat's ``vl_dsift``, and for several sizes that of its ``vl_phow``:
    a descriptor is a histogram of gradients over 4 x 4 spatial bins and 8 orientations with
    bilinear shares, normalised, clipped at 0.2 and normalised again [1]_.

    Parameters
    ----------
    image : array_like of shape (height, width) or (height, width, 3)
        Grey or RGB; uint8, uint16, or float in [0, 1].
    step : float, default=4
        Pixels between neighbouring descriptors, in both directions.
    bin_size : float or sequence of float, default=4
        Pixels between the centres of neighbouring bins, at least 1; a descriptor spans 3 of these
        between its outermost centres. Several sizes give one grid each, whose first descriptors
        have a common centre; VLFeat's PHOW takes ``(4, 6, 8, 10)``.
    window : {"flat", "gaussian"}, default="flat"
        ``"gaussian"`` weighs every pixel by a Gaussian (standard deviation 2 bins) about the
        descriptor's centre; ``"flat"`` weighs each bin by the mean of that Gaussian, which is
        faster and nearly the same.
    magnification : float, default=None
        Smooth the image for each size by a Gaussian, up to a blur of ``bin_size / magnification``
        pixels, of which the image is taken to have 0.5. Lowe's SIFT has 3, PHOW has 6; None leaves
        the image as it is.
    root : bool, default=False
        Return RootSIFT: the square root of each L1-normalised descriptor [2]_.

    Returns
    -------
    frames : ndarray of shape (n, 3), float32
        Row and column of each descriptor's centre and its bin size, in pixels; size by size as
        given, each row by row.
    descriptors : ndarray of shape (n, 128), float32
        In the order bin row, bin column, orientation. Orientation k stands for gradients at
        ``k * pi / 4`` radians from the direction of the columns towards that of the rows. Each
        row has unit norm, or is zero where the image is flat.
    norms : ndarray of shape (n,), float32
        Norm of each descriptor before normalisation, with intensities in [0, 1]: a weighted mean
        of the gradient's magnitude per pixel, small where there is little contrast. Patches
        without structure are left out by ``descriptors[norms > threshold]``.

    Raises
    ------
    ImageError
        If the image is not one of the above.
    ParameterError
        If a number is out of its range, or `window` is unknown.

    Notes
    -----
    All bin centres lie inside the image, as in VLFeat; n is 0 where none fits. Beyond the image
    the outermost gradients repeat. Centres need not be whole pixels: the bilinear share of a pixel
    in a bin, ``max(1 - distance / bin_size, 0)`` along each axis, is taken at its true distance.

    Departures from VLFeat: angles are exact to float32 where VLFeat approximates them, descriptors
    stay float32, `norms` has the plain norm where VLFeat has a sum. ``vl_phow`` moves centres of
    odd sizes to whole pixels, smooths by the whole ``bin_size / magnification``, and has a window
    of 1.5 bins.

    Memory: 512 bytes per descriptor, which are the result, and about 4 bytes per pixel of the
    image, twice that with `magnification`; 20 megapixels with the defaults give 0.64 GB of
    descriptors.

    References
    ----------
    .. [1] Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004,
       DOI 10.1023/B:VISI.0000029664.99615.94; Vedaldi and Fulkerson, "VLFeat", ACM Multimedia
       2010, DOI 10.1145/1873951.1874249; PHOW: Bosch, Zisserman and Munoz, "Image classification
       using random forests and ferns", ICCV 2007, DOI 10.1109/ICCV.2007.4409066.
    .. [2] Arandjelovic and Zisserman, "Three things everyone should know to improve object
       retrieval", CVPR 2012, DOI 10.1109/CVPR.2012.6248018.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (64, 96), dtype=np.uint8)
    >>> dense_sift(image, step=8).descriptors.shape
    (77, 128)
    >>> dense_sift(image, step=8, bin_size=(4, 8)).descriptors.shape
    (105, 128)
    """
    if window not in WINDOWS:
        raise unknown_name("window", window, WINDOWS)
    step = check_step(step)
    sizes = check_bin_sizes(bin_size)
    if magnification is not None:
        _check_number("magnification", magnification, "a number of pixels, above 0", above=0)
    gray = as_gray(image)
    grids = [_Grid.fitting(gray.shape, step, size, max(sizes)) for size in sizes]
    n_frames = sum(grid.n_rows * grid.n_columns for grid in grids)
    result = DenseSift(
        np.empty((n_frames, 3), np.float32),
        np.empty((n_frames, DESCRIPTOR_SIZE), np.float32),
        np.empty(n_frames, np.float32),
    )
    start = 0
    for grid in grids:
        stop = start + grid.n_rows * grid.n_columns
        frames, descriptors, norms = (part[start:stop] for part in result)
        grid.write_frames(frames)
        dense_sift_batch(
            _smoothed(gray, grid.bin_size, magnification)[np.newaxis],
            step,
            grid.bin_size,
            grid.offset,
            window == "gaussian",
            norms[np.newaxis],
            descriptors[np.newaxis],
        )
        start = stop
    if root:
        root_batch(result.descriptors)
    if gray.dtype == np.uint8:
        np.divide(result.norms, 255, out=result.norms)
    return result


class _Grid(NamedTuple):
    """Where the descriptors of one size lie: its first bin centre and its number of frames."""

    n_rows: int
    n_columns: int
    step: float
    bin_size: float
    offset: float

    @classmethod
    def fitting(cls, shape: tuple[int, ...], step: float, bin_size: float, largest: float) -> _Grid:
        """Return the grid whose first centre is that of the largest size."""
        offset = (N_BINS - 1) / 2 * (largest - bin_size)
        n_rows, n_columns = dense_sift_shape(shape[0], shape[1], step, bin_size, offset)
        return cls(n_rows, n_columns, step, bin_size, offset)

    def write_frames(self, out: NDArray[np.float32]) -> None:
        """Write centres and bin size (n, 3), row by row."""
        center = self.offset + (N_BINS - 1) / 2 * self.bin_size
        grid = out.reshape(self.n_rows, self.n_columns, 3)
        grid[..., 0] = (np.arange(self.n_rows) * self.step + center)[:, np.newaxis]
        grid[..., 1] = np.arange(self.n_columns) * self.step + center
        grid[..., 2] = self.bin_size


def _smoothed(gray: NDArray[Any], bin_size: float, magnification: float | None) -> NDArray[Any]:
    """Return the image with a blur of ``bin_size / magnification`` pixels."""
    if magnification is None:
        return gray
    variance = (bin_size / magnification) ** 2 - CAMERA_BLUR**2
    if variance <= 0:
        return gray
    return cv2.GaussianBlur(
        gray.astype(np.float32), (0, 0), math.sqrt(variance), borderType=cv2.BORDER_REPLICATE
    )


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
    if pixels.dtype.newbyteorder("=") == np.uint16:
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


def check_step(step: object) -> float:
    """Return the step as a float; ParameterError unless it is a number above 0."""
    return _check_number("step", step, "a number of pixels, above 0", above=0)


def check_bin_sizes(bin_size: object) -> tuple[float, ...]:
    """Return the bin sizes as floats; ParameterError unless all are numbers of 1 or more."""
    if isinstance(bin_size, np.ndarray):
        bin_size = bin_size.tolist()
    if isinstance(bin_size, Sequence) and not isinstance(bin_size, str):
        sizes = list(bin_size)
    else:
        sizes = [bin_size]
    if not sizes:
        raise ParameterError(f"found bin_size={bin_size!r}: expected at least one size.")
    expected = "a number of pixels, 1 or more, or a sequence of these"
    return tuple(_check_number("bin_size", size, expected, least=1) for size in sizes)


def _check_number(
    name: str, value: object, expected: str, *, above: float = -math.inf, least: float = -math.inf
) -> float:
    if (
        not isinstance(value, Real)
        or isinstance(value, bool)
        or not (math.isfinite(value) and float(value) > above and float(value) >= least)
    ):
        raise ParameterError(f"found {name}={value!r}: expected {expected}.")
    return float(value)
