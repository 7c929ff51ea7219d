"""Histogram of oriented gradients of one image."""

from __future__ import annotations

from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicvis.exceptions import ImageError, unknown_name
from classicvis.kernels.hog import hog_batch, hog_length
from classicvis.kernels.hog_blocks import BLOCK_NORMS, normalize_blocks
from classicvis.kernels.hog_float import cell_histograms, polar_gradients

_FLOAT32 = (np.dtype(np.float16), np.dtype(np.float32))
_MAX_FAST_CELL = 4096  # pixels; the roundings of a larger float32 sum may exceed 1e-6


class HogVisualization(NamedTuple):
    """What `hog` returns with ``visualize=True``; unpacks like the reference's pair."""

    descriptor: NDArray[np.floating]
    hog_image: NDArray[np.floating]


def hog(
    image: ArrayLike,
    orientations: int = 9,
    pixels_per_cell: tuple[int, int] = (8, 8),
    cells_per_block: tuple[int, int] = (3, 3),
    block_norm: str = "L2-Hys",
    visualize: bool = False,
    transform_sqrt: bool = False,
    feature_vector: bool = True,
    *,
    channel_axis: int | tuple[int] | None = None,
) -> NDArray[np.floating] | HogVisualization:
    """Extract the histogram of oriented gradients (HOG) of an image.

    A drop-in for ``skimage.feature.hog`` (scikit-image 0.26): same arguments, defaults, output
    dtype and kinds of error. Values of uint8 images agree within 1e-6, those of other dtypes to
    the last digits.

    Parameters
    ----------
    image : array_like of shape (h, w), or with one more axis for ``channel_axis``
        The image, of any real dtype.
    orientations : int, default=9
        Number of orientation bins over 180 degrees.
    pixels_per_cell : (int, int), default=(8, 8)
        Cell size (rows, columns), in pixels; rows and columns beyond the last whole cell are left
        out.
    cells_per_block : (int, int), default=(3, 3)
        Block size (rows, columns), in cells; blocks step by one cell.
    block_norm : {'L1', 'L1-sqrt', 'L2', 'L2-Hys'}, default='L2-Hys'
        How a block is normalised: by its L1 norm; the square root of that; by its L2 norm; by its
        L2 norm, clipped at 0.2, and by its L2 norm again.
    visualize : bool, default=False
        Also return an image of the cell histograms.
    transform_sqrt : bool, default=False
        Take the square root of the pixels first; not for images with negative values.
    feature_vector : bool, default=True
        Return the descriptor flat.
    channel_axis : int or None, default=None
        The axis of the channels; None means grey. Each pixel takes its gradient from the channel
        where it is largest.

    Returns
    -------
    ndarray of float64, or float32 for float16 and float32 images
        Shape (n_blocks_row, n_blocks_col, n_cells_row, n_cells_col, orientations), or flat.
    HogVisualization
        Only with ``visualize=True``: the descriptor, and ``hog_image`` of shape (h, w) with one
        line per cell and bin, as strong as the bin.

    Raises
    ------
    ImageError
        (a ``ValueError``) If the image is not two-dimensional, is complex, or is smaller than one
        block.
    ParameterError
        (a ``ValueError``) If ``block_norm`` is unknown.

    Notes
    -----
    uint8 images take an integer path in float32 [1]_ unless ``visualize`` or ``transform_sqrt`` is
    set or a cell has more than 4,096 pixels. Where two channels have equal gradient magnitudes the
    first one counts; on that path this is exact, while the reference compares rounded ``hypot``.
    It needs 27 MB beside the image and the result for 20 megapixels and cells of 8x8 pixels; the
    path of the other dtypes works in float64 on the whole image, some 100 bytes per sample.

    References
    ----------
    .. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection",
           CVPR 2005, DOI 10.1109/CVPR.2005.177

    Examples
    --------
    >>> import numpy as np
    >>> from classicvis.functional import hog
    >>> hog(np.zeros((32, 32), np.uint8), cells_per_block=(2, 2)).shape
    (324,)
    """
    pixels, is_float32 = _as_channels_last(image, channel_axis)
    if block_norm not in BLOCK_NORMS:
        raise unknown_name("block_norm", block_norm, BLOCK_NORMS)
    norm = BLOCK_NORMS[block_norm]
    orientations = index(orientations)
    cell = index(pixels_per_cell[0]), index(pixels_per_cell[1])
    block = index(cells_per_block[0]), index(cells_per_block[1])
    height, width = pixels.shape[:2]
    length = hog_length(height, width, orientations, cell, block)
    hog_image = None
    if (
        pixels.dtype == np.uint8
        and not (visualize or transform_sqrt)
        and orientations > 0
        and 0 < cell[0] * cell[1] <= _MAX_FAST_CELL
    ):
        descriptor: NDArray[np.floating] = np.empty(length)
        hog_batch(pixels[None], orientations, cell, block, norm, False, False, descriptor[None])
    else:
        values: NDArray[np.floating] = pixels.astype(np.float32 if is_float32 else np.float64)
        if transform_sqrt:
            values = np.sqrt(values)
        cells = cell_histograms(*polar_gradients(values[None]), orientations, cell)
        descriptor = np.empty(length)
        normalize_blocks(cells, block, norm, descriptor[None])
        descriptor = descriptor.astype(values.dtype, copy=False)
        if visualize:
            hog_image = _draw(cells[0], (height, width), cell, values.dtype)
    if not feature_vector:
        n_blocks = height // cell[0] - block[0] + 1, width // cell[1] - block[1] + 1
        descriptor = descriptor.reshape(*n_blocks, *block, orientations)
    return descriptor if hog_image is None else HogVisualization(descriptor, hog_image)


def _as_channels_last(
    image: ArrayLike, channel_axis: int | tuple[int] | None
) -> tuple[NDArray[Any], bool]:
    """Return the image as (h, w, c), and whether the reference would compute it in float32."""
    pixels = np.asarray(image)
    if channel_axis is not None:
        axes = channel_axis if isinstance(channel_axis, tuple) else (channel_axis,)
        if len(axes) > 1:
            raise ImageError(f"channel_axis={axes}: expected a single axis")
        pixels = np.moveaxis(pixels, axes[0], -1)
    pixels = np.atleast_2d(pixels)
    if pixels.dtype.kind == "c":
        raise ImageError("complex valued input is not supported: expected real pixel values")
    if pixels.ndim != (2 if channel_axis is None else 3):
        raise ImageError(
            "Only images with two spatial dimensions are supported. If using with"
            f" color/multichannel images, specify `channel_axis`. Got shape {pixels.shape}"
            f" with channel_axis={channel_axis}."
        )
    if channel_axis is not None and pixels.shape[2] == 0:
        raise ImageError(f"found no channel, shape {pixels.shape}: expected at least one")
    is_float32 = pixels.dtype.newbyteorder("=") in _FLOAT32
    return (pixels[..., None] if channel_axis is None else pixels), is_float32


def _draw(
    cells: NDArray[np.float32], shape: tuple[int, int], cell: tuple[int, int], dtype: Any
) -> NDArray[np.floating]:
    """Draw each bin as a line through the centre of its cell, along the edges it stands for."""
    from skimage.draw import line

    n_rows, n_cols, orientations = cells.shape
    radius = min(cell) // 2 - 1
    middle = np.pi * (np.arange(orientations) + 0.5) / orientations
    drs, dcs = radius * np.sin(middle), radius * np.cos(middle)
    hog_image = np.zeros(shape, dtype)
    for row in range(n_rows):
        for col in range(n_cols):
            r, c = row * cell[0] + cell[0] // 2, col * cell[1] + cell[1] // 2
            for value, dr, dc in zip(cells[row, col], drs, dcs, strict=True):
                hog_image[line(int(r - dc), int(c + dr), int(r + dc), int(c - dr))] += value
    return hog_image
