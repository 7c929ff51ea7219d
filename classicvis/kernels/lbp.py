"""Local binary patterns: each pixel compared with points on a circle around it [1]_.

The points lie between pixels, and where a picture is flat the interpolated value ties with the
pixel up to the last bit. So the arithmetic here is scikit-image's, in float64 and in its order,
without fused multiply-adds: the patterns are equal to its x86-64 builds, ties included.

References
----------
.. [1] T. Ojala, M. Pietikainen, T. Maenpaa, "Multiresolution gray-scale and rotation invariant
   texture classification with local binary patterns", IEEE PAMI 24(7), 2002,
   DOI 10.1109/TPAMI.2002.1017623
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import INNER, NO_ALLOCATION, kernel

METHODS = {"default": 0, "ror": 1, "uniform": 2, "nri_uniform": 3, "var": 4}
_DEFAULT, _ROR, _UNIFORM, _NRI_UNIFORM, _VAR = range(5)

MOST_BITS = 53  # of a code that is the pattern itself: float64 holds no larger integers exactly
_DECIMALS = 5  # to which scikit-image rounds the points

Pair = tuple[int, int]
u16, u64 = np.uint16, np.uint64


class _Scratch(NamedTuple):
    """Working memory for the rows of an image; all of it is written before it is read."""

    ring: npt.NDArray[np.float64]  # rows of pixels from `reach` above to `reach` below
    values: npt.NDArray[np.float64]  # one point for each pixel of a row
    bits: npt.NDArray[np.uint8]  # all comparisons of a row
    counters: npt.NDArray[np.uint16]  # ones, changes and length of the first run of each pattern
    codes: npt.NDArray[np.uint64]


class _Circle(NamedTuple):
    """Points around a pixel."""

    rows: npt.NDArray[np.float64]  # (P,), relative to the pixel
    cols: npt.NDArray[np.intp]  # (P, 2): columns on both sides, in padded rows
    shares: npt.NDArray[np.float64]  # (P, width): weight of the right one of them
    is_pixel: npt.NDArray[np.bool_]  # (P,): whether there is nothing to interpolate


def lbp_length(n_points: int, method: int) -> int:
    """Return the number of codes of a method: P + 2, P (P - 1) + 3, or all 2**P patterns.

    Parameters
    ----------
    n_points : int
        Points on the circle, P.
    method : int
        A value of ``METHODS``, but not "var", whose values are no codes.
    """
    if method == _UNIFORM:
        return n_points + 2
    return n_points * (n_points - 1) + 3 if method == _NRI_UNIFORM else 2**n_points


def lbp_image(
    image: npt.NDArray[Any], n_points: int, radius: float, method: int, out: npt.NDArray[np.float64]
) -> None:
    """Compute the pattern of every pixel.

    Parameters
    ----------
    image : ndarray of shape (h, w), uint8 or float64
        The image; outside of it pixels are 0.
    n_points : int
        Points on the circle, P; at most 53 for "default" and "ror".
    radius : float
        Radius of the circle, in pixels.
    method : int
        A value of ``METHODS``.
    out : ndarray of shape (h, w), float64
        Receives the codes as `skimage.feature.local_binary_pattern` returns them.
    """
    reach = _reach(radius)
    circle, scratch = _circle(n_points, radius, image.shape[1]), _scratch(image, n_points, reach)
    _lbp_image(image, reach, circle, method, scratch, out)


def lbp_histogram_batch(
    images: npt.NDArray[np.uint8],
    n_points: int,
    radius: float,
    method: int,
    grid: Pair,
    out: npt.NDArray[np.float32],
) -> None:
    """Compute histograms of the patterns of images of one size.

    Parameters
    ----------
    images : ndarray of shape (k, h, w), uint8
        Grey images; outside of them pixels are 0.
    n_points : int
        Points on the circle, P.
    radius : float
        Radius of the circle, in pixels.
    method : int
        A value of ``METHODS`` but "var".
    grid : (int, int)
        Rows and columns of a spatial grid. Row ``i`` of it holds the image rows from
        ``i * h // rows`` on, and likewise for columns.
    out : ndarray of shape (k, cells * lbp_length(n_points, method)), float32
        Receives one row per image, cell after cell; the histogram of a cell sums to 1, or is zero
        in a cell without pixels. Working memory is about 25 P + 16 R bytes for each column.
    """
    n_bins = lbp_length(n_points, method)
    if out.shape != (len(images), grid[0] * grid[1] * n_bins):
        raise ParameterError(
            f"out has shape {out.shape}: expected {(len(images), grid[0] * grid[1] * n_bins)}"
        )
    if len(images) == 0:
        return
    reach = _reach(radius)
    circle = _circle(n_points, radius, images.shape[2])
    scratch = _scratch(images[0], n_points, reach)
    counts = np.zeros((grid[0], grid[1], n_bins), np.uint32)
    for image, row in zip(images, out, strict=True):
        _lbp_counts(image, reach, circle, method, scratch, counts)
        for i, j in np.ndindex(grid):
            height = (i + 1) * image.shape[0] // grid[0] - i * image.shape[0] // grid[0]
            width = (j + 1) * image.shape[1] // grid[1] - j * image.shape[1] // grid[1]
            start = (i * grid[1] + j) * n_bins
            row[start : start + n_bins] = counts[i, j] / max(1, height * width)
        counts[:] = 0


def _reach(radius: float) -> int:
    return int(np.ceil(np.float32(radius)))


def _circle(n_points: int, radius: float, width: int) -> _Circle:
    """Return the points at scikit-image's positions, its single precision of R included."""
    angles = 2 * np.pi * np.arange(n_points, dtype=np.double) / n_points
    length = float(np.float32(radius))
    rows = np.round(-length * np.sin(angles), _DECIMALS)
    cols = np.round(length * np.cos(angles), _DECIMALS)
    sides = np.stack([np.floor(cols), np.ceil(cols)], axis=1).astype(np.intp) + _reach(radius)
    # The share is that of a position in the image, whose rounding depends on the column.
    positions = np.arange(width) + cols[:, None]
    is_pixel = (rows % 1 == 0) & (cols % 1 == 0)
    return _Circle(rows, sides, positions - np.floor(positions), is_pixel)


def _scratch(image: npt.NDArray[Any], n_points: int, reach: int) -> _Scratch:
    width = image.shape[1]
    return _Scratch(
        np.empty((2 * reach + 1, width + 2 * reach)),
        np.empty(width),
        np.empty((n_points, width), np.uint8),
        np.empty((3, width), np.uint16),
        np.empty(width, np.uint64),
    )


@kernel(error_model="numpy")
def _lbp_image(image, reach, circle, method, scratch, out):
    scratch.ring[:] = 0
    for row in range(-reach, image.shape[0]):
        _load(image, row + reach, reach, scratch.ring)
        if row < 0:
            continue
        if method == _VAR:
            _variances(row, reach, circle, scratch, out[row])
        else:
            _find_codes(row, reach, circle, method, scratch)
            for x in range(scratch.codes.size):
                out[row, x] = scratch.codes[x]


@kernel(error_model="numpy")
def _lbp_counts(image, reach, circle, method, scratch, counts):
    """Count the codes of each cell of a grid."""
    n_rows, n_cols = counts.shape[:2]
    height, width = image.shape
    scratch.ring[:] = 0
    for row in range(-reach, height):
        _load(image, row + reach, reach, scratch.ring)
        if row < 0:
            continue
        _find_codes(row, reach, circle, method, scratch)
        i = ((row + 1) * n_rows - 1) // height  # the last i with i * height // n_rows <= row
        for j in range(n_cols):
            histogram = counts[i, j]
            for x in range(j * width // n_cols, (j + 1) * width // n_cols):
                histogram[scratch.codes[x]] += np.uint32(1)


@kernel(error_model="numpy", **INNER)
def _load(image, row, reach, ring):
    """Bring a row of the image into the ring; zeros below the image."""
    target = ring[row % ring.shape[0], reach:]
    for x in range(image.shape[1]):
        target[x] = image[row, x] if row < image.shape[0] else 0


@kernel(error_model="numpy", **INNER)
def _find_codes(row, reach, circle, method, scratch):
    """Write the codes of a row of pixels."""
    n_points, width = scratch.bits.shape
    pixels = scratch.ring[row % scratch.ring.shape[0], reach : reach + width]
    for i in range(n_points):
        if circle.is_pixel[i]:
            start = circle.cols[i, 0]
            other = scratch.ring[(row + int(circle.rows[i])) % scratch.ring.shape[0], start:]
            _compare(other, pixels, scratch.bits[i])
        else:
            _interpolate(row, i, circle, scratch.ring, scratch.values)
            _compare(scratch.values, pixels, scratch.bits[i])
    if method in (_DEFAULT, _ROR):
        _join_bits(scratch.bits, scratch.codes)
        if method == _ROR:
            _rotate(n_points, scratch.codes)
    else:
        _count_changes(scratch.bits, scratch.counters)
        _number_uniform(scratch, method == _NRI_UNIFORM)


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _compare(values, pixels, bits):
    for x in range(bits.size):
        bits[x] = np.uint8(1) if values[x] >= pixels[x] else np.uint8(0)


@kernel(error_model="numpy", **INNER)  # no fused products: ties are decided by the last bit
def _interpolate(row, i, circle, ring, values):
    """Write the values of point `i` of the pixels of a row."""
    position = row + circle.rows[i]
    top = int(np.floor(position))
    down = position - top
    above, below = ring[top % ring.shape[0]], ring[int(np.ceil(position)) % ring.shape[0]]
    left, right = circle.cols[i]
    above_left, above_right, shares = above[left:], above[right:], circle.shares[i]
    below_left, below_right = below[left:], below[right:]
    for x in range(values.size):
        share = shares[x]
        upper = (1 - share) * above_left[x] + share * above_right[x]
        lower = (1 - share) * below_left[x] + share * below_right[x]
        values[x] = (1 - down) * upper + down * lower


@kernel(error_model="numpy", **INNER)
def _variances(row, reach, circle, scratch, out):
    """Write the variance of the points of each pixel of a row, NaN where it is zero."""
    n_points, width = scratch.bits.shape
    totals, squares = np.zeros(width), np.zeros(width)
    for i in range(n_points):
        _interpolate(row, i, circle, scratch.ring, scratch.values)
        for x in range(width):
            value = scratch.values[x]
            totals[x] += value
            squares[x] += value * value
    for x in range(width):
        variance = (squares[x] - totals[x] * totals[x] / n_points) / n_points
        out[x] = variance if variance != 0 else np.nan


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _join_bits(bits, codes):
    """Write ``sum(bits[i] * 2**i)``."""
    for x in range(codes.size):
        codes[x] = 0
    for i in range(bits.shape[0]):
        plane = bits[i]
        for x in range(codes.size):
            codes[x] |= u64(plane[x]) << u64(i)


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _rotate(n_points, codes):
    """Replace each pattern by the smallest of its rotations."""
    one, last = u64(1), u64(n_points - 1)
    for x in range(codes.size):
        code = smallest = codes[x]
        for _ in range(n_points - 1):
            code = (code >> one) | ((code & one) << last)
            smallest = min(smallest, code)
        codes[x] = smallest


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _count_changes(bits, counters):
    """Count the ones, the changes along the pattern, and the bits before the first change."""
    ones, changes, run = counters[0], counters[1], counters[2]
    for x in range(ones.size):
        ones[x], changes[x], run[x] = bits[0, x], 0, 1
    for i in range(1, bits.shape[0]):
        before, plane = bits[i - 1], bits[i]
        for x in range(ones.size):
            changed = u16(changes[x] + u16(before[x] ^ plane[x]))
            ones[x] = u16(ones[x] + u16(plane[x]))
            run[x] = u16(run[x] + u16(changed == 0))
            changes[x] = changed


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _number_uniform(scratch, by_rotation):
    """Give numbers to the patterns with at most two changes; all others share the last number.

    The number is that of ones or, `by_rotation`, counts how far each block of ones is turned.
    """
    n_points = scratch.bits.shape[0]
    first, codes = scratch.bits[0], scratch.codes
    ones, changes, run = scratch.counters[0], scratch.counters[1], scratch.counters[2]
    if not by_rotation:
        for x in range(codes.size):
            codes[x] = ones[x] if changes[x] <= 2 else n_points + 1
        return
    for x in range(codes.size):
        n_ones = int(ones[x])
        if changes[x] > 2:
            code = n_points * (n_points - 1) + 2
        elif n_ones == 0:
            code = 0
        elif n_ones == n_points:
            code = n_points * (n_points - 1) + 1
        else:
            turn = (n_ones if first[x] else n_points) - int(run[x])
            code = 1 + (n_ones - 1) * n_points + turn
        codes[x] = code
