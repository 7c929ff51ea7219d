"""The Gaussian scale space of SIFT, octave by octave, in a window of rows.

Each octave passes through a ring of rows: row y of every layer lies at index ``y % n_rows``. Rows
are as long as the image is wide, and `PADDING` or more longer.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from classicvis.kernels._jit import INNER, VECTOR_FLAGS, kernel
from classicvis.kernels.sift_blur import blur_rows, gaussian_taps, tap_spacing
from classicvis.kernels.sift_describe import BIN_SCALES, window_radius
from classicvis.kernels.sift_detect import MAX_SHIFT
from classicvis.kernels.sift_math import Floats, Indices, Shape

CAMERA_BLUR = 0.5  # sigma that an image is assumed to have as it comes
SMALLEST_OCTAVE = 4  # pixels along the shorter side, in the sense of a rounded logarithm
BAND = 64
PADDING = 16  # columns behind each row: loops over columns go in steps of 8 and may pass the end
LINE = 16  # floats in a line of the cache


def n_octaves(height: int, width: int, upsample: bool) -> int:
    """Return the number of octaves of an image of this size; it may be 0."""
    scale = 2 if upsample else 1
    levels = math.log2(min(height, width) * scale / SMALLEST_OCTAVE)
    return max(round(levels) + (1 if upsample else 0), 0)


def surroundings(n_layers: int, sigma: float) -> int:
    """Return how many rows above and below an extremum are looked at."""
    widest = BIN_SCALES * sigma * 2 ** ((n_layers + 0.5) / n_layers)
    return window_radius(widest) + MAX_SHIFT + 2


def first_blur(upsample: bool) -> float:
    """Return the blur of the image in the pixels of the first octave."""
    return CAMERA_BLUR * (2 if upsample else 1)


@lru_cache(maxsize=16)
def blur_filters(blur: float, n_layers: int, sigma: float) -> tuple[Floats, Indices, int]:
    """Return the weights and filters of an `Octave`, and how far they reach, all in all."""
    blurs = sigma * 2 ** (np.arange(n_layers + 3) / n_layers)
    if blur:
        blurs = np.append(blur, blurs)
    spacings = [tap_spacing(after) for after in blurs[1:]]
    steps = [
        gaussian_taps(math.sqrt(max(after**2 - before**2, 0.01)), spacing)
        for (before, after), spacing in zip(pairwise(blurs), spacings, strict=True)
    ]
    n_pairs = [len(step) - 1 for step in steps]
    filters = np.column_stack([n_pairs, spacings]).astype(np.intp)
    table = np.zeros((len(steps), max(n_pairs) + 1), np.float32)
    for weights, step in zip(table, steps, strict=True):
        weights[: len(step)] = step
    return table, filters, int(filters.prod(axis=1).sum())


class Octave:
    """The filters and the window of one octave, which `slide` moves down.

    Parameters
    ----------
    image : ndarray of shape (height, width), float32
        What the octave is made from.
    blur : float
        Blur (sigma) that it has, in the octave's pixels; 0 stands for `sigma`.
    doubled : bool
        Whether the octave has twice its size.
    n_layers : int
        Layers in which extrema are sought.
    sigma : float
        Blur of the first layer.
    margin : int
        Rows above and below a row that belong to its surroundings.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the octave.
    planes : ndarray of shape (n_planes, n_rows, row_length), float32
        The window. The last ``n_layers + 3`` planes are the layers: layer i has blur
        ``sigma * 2 ** (i / n_layers)``. Where the image has less than that, it is plane 0.
    flat_planes : ndarray of shape (n_planes, n_rows * row_length), float32
        A view of the window.
    weights : ndarray of shape (n_planes - 1, n), float32
        Of the filter from each plane to the next, see `gaussian_taps`.
    filters : ndarray of shape (n_planes - 1, 2), intp
        Number of pairs of each filter and the spacing of its taps.
    filled : ndarray of shape (n_planes,), intp
        How many rows of each plane have been computed.
    next_image : ndarray of shape (height // 2, width // 2), float32
        The first layer of the next octave, complete when the window has reached the end.
    """

    def __init__(
        self, image: Floats, blur: float, doubled: bool, n_layers: int, sigma: float, margin: int
    ) -> None:
        self.image = image
        self.doubled = doubled
        self.margin = margin
        self.weights, self.filters, reach = blur_filters(blur, n_layers, sigma)
        n_planes = len(self.filters) + 1
        height, width = image.shape
        self.shape = (2 * height, 2 * width) if doubled else (height, width)
        n_rows = min(self.shape[0], BAND + 2 * margin + reach)
        # an odd number of lines, or the rows of an image of 1024 columns share one set of the cache
        row_length = ((self.shape[1] + PADDING) // LINE | 1) * LINE
        self.planes = np.empty((n_planes, n_rows, row_length), np.float32)
        self.planes[:, :, self.shape[1] :] = 0
        self.flat_planes = self.planes.reshape(n_planes, -1)
        self.filled = np.zeros(n_planes, np.intp)
        self.next_image = np.empty((self.shape[0] // 2, self.shape[1] // 2), np.float32)

    def slide(self, first: int) -> int:
        """Move the window down to row ``first``, see the kernel `slide`."""
        return slide(
            self.image,
            self.doubled,
            self.planes,
            self.flat_planes,
            self.weights,
            self.filters,
            self.margin,
            first,
            self.filled,
            self.next_image,
        )


@kernel(error_model="numpy")
def slide(
    image: Floats,
    doubled: bool,
    planes: Floats,
    flat_planes: Floats,
    weights: Floats,
    filters: Indices,
    margin: int,
    first: int,
    filled: Indices,
    next_image: Floats,
) -> int:
    """Move the window down so that rows from ``first`` on have their surroundings in it.

    For the parameters see `Octave`; ``planes``, ``filled`` and ``next_image`` are updated.

    Returns
    -------
    int
        The row behind the last that has its surroundings in the window.
    """
    n_planes, n_rows, _ = planes.shape
    scale = 2 if doubled else 1
    shape = scale * image.shape[0], scale * image.shape[1]
    height = shape[0]
    end = min(height, max(first - margin, 0) + n_rows)
    for i in range(n_planes):
        rows = filled[i], end
        step = 2 if i > 0 else 1  # of `take_rows`: compiled once, as a constant would not be
        if i > 0:
            n_pairs, spacing = filters[i - 1, 0], filters[i - 1, 1]
            taps = weights[i - 1, : n_pairs + 1]
            blur_rows(flat_planes[i - 1], shape, rows, taps, spacing, planes[i])
        elif doubled:
            double_rows(image, rows, planes[0])
        else:
            take_rows(image, step, rows, planes[0])
        if i == n_planes - 3:  # twice the blur of the first layer
            half = (rows[0] + 1) // 2, min((rows[1] + 1) // 2, next_image.shape[0])
            take_rows(planes[i], step, half, next_image)
        filled[i] = end
        if end < height and i < n_planes - 1:
            end -= filters[i, 0] * filters[i, 1]
    return height if end == height else end - margin


@kernel(error_model="numpy", **INNER)
def take_rows(source: Floats, step: int, rows: Shape, out: Floats) -> None:
    """Write some rows to a ring, of which each is every ``step``-th pixel of as many-th a row."""
    width = min(source.shape[1] // step, out.shape[1])
    for row in range(rows[0], rows[1]):
        line = source[step * row % source.shape[0]]
        target = out[row % out.shape[0]]
        for c in range(width):
            target[c] = line[step * c]


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER)
def double_rows(image: Floats, rows: Shape, out: Floats) -> None:
    """Write some rows of an image of twice the size to a ring.

    Bilinear interpolation, pixel centres at halves, border repeated: ``cv2.resize``.
    """
    height, width = image.shape
    near, far = np.float32(0.75), np.float32(0.25)
    line = np.empty(width + 2, np.float32)
    for row in range(rows[0], rows[1]):
        nearest = image[row // 2]
        other = image[min(max(row // 2 + row % 2 * 2 - 1, 0), height - 1)]
        middle = line[1 : width + 1]
        for c in range(width):
            middle[c] = near * nearest[c] + far * other[c]
        line[0] = line[1]
        line[width + 1] = line[width]
        target = out[row % out.shape[0]]
        for c in range(width):
            center = near * line[c + 1]
            target[2 * c] = center + far * line[c]
            target[2 * c + 1] = center + far * line[c + 2]
