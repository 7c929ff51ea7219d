"""Dense SIFT: the descriptors of a regular grid, all of one size and upright.

Gradients are split over 8 orientations, each orientation is smoothed with a separable triangle
(the bilinear share of a pixel in a bin), and the result is read at the bin centres. Rows stream
through a ring buffer, so memory is the descriptors' own plus a few image rows.

The arrays inside keep the 8 orientations of one row as planes (8, width) while the loop runs over
columns, and as (width, 8) from where a bin is one vector of 8.
"""

from __future__ import annotations

import math

import numpy as np

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import (
    N_BINS,
    N_ORIENTATIONS,
    ONE,
    ZERO,
    Floats,
    Image,
    Indices,
    normalize_descriptor,
    octant_fraction,
)

HALF = np.float32(0.5)
WINDOW_SIGMA = 2.0  # of the Gaussian window, in bins: half of the descriptor's width


def dense_sift_shape(height: int, width: int, step: int, bin_size: int) -> tuple[int, int]:
    """Return the rows and columns of the descriptor grid; (0, 0) where none fits.

    All 16 bin centres lie inside the image: the first on pixel (0, 0), the next ``bin_size`` on.
    """
    extent = (N_BINS - 1) * bin_size
    if height <= extent or width <= extent:
        return 0, 0
    return (height - 1 - extent) // step + 1, (width - 1 - extent) // step + 1


def dense_sift_length(height: int, width: int, step: int, bin_size: int) -> int:
    """Return the number of descriptors of an image of this size."""
    n_rows, n_columns = dense_sift_shape(height, width, step, bin_size)
    return n_rows * n_columns


@kernel
def _bin_lines(
    n_frames: int, step: int, bin_size: int, shared: bool
) -> tuple[Indices, Indices, Indices]:
    """List the image lines (rows or columns) on which bins are centred, in ascending order.

    Returns the centre and the bin index 0..3 of each line, and for frame i and bin j the line
    ``slots[i, j]``. With ``shared`` all bins centred on one line use the same entry.
    """
    centers = np.empty(N_BINS * n_frames, np.intp)
    bins = np.empty(N_BINS * n_frames, np.intp)
    slots = np.empty((n_frames, N_BINS), np.intp)
    count = 0
    for center in range((n_frames - 1) * step + (N_BINS - 1) * bin_size + 1):
        first = count
        for j in range(N_BINS):
            offset = center - j * bin_size
            frame = offset // step
            if offset % step != 0 or frame < 0 or frame >= n_frames:
                continue
            if count == first or not shared:
                centers[count] = center
                bins[count] = j
                count += 1
            slots[frame, j] = count - 1
    return centers[:count], bins[:count], slots


@kernel
def _weights(bin_size: int, gaussian: bool) -> tuple[Floats, Floats]:
    """Return the filter of each bin (4, 2 * bin_size - 1) and the weight of each bin (4,).

    The filter is a triangle of unit mass. A Gaussian window multiplies it sample by sample; a
    flat window multiplies the whole bin by the mean of that Gaussian over the bin.
    """
    n_taps = 2 * bin_size - 1
    taps = np.empty((N_BINS, n_taps), np.float32)
    bin_weights = np.ones(N_BINS, np.float32)
    for j in range(N_BINS):
        mean = 0.0
        for k in range(n_taps):
            offset = k - (bin_size - 1)
            z = (offset / bin_size + j - 0.5 * (N_BINS - 1)) / WINDOW_SIGMA
            window = math.exp(-0.5 * z * z)
            mean += window / n_taps
            triangle = (bin_size - abs(offset)) / (bin_size * bin_size)
            taps[j, k] = triangle * window if gaussian else triangle
        if not gaussian:
            bin_weights[j] = mean
    return taps, bin_weights


@kernel(fastmath=VECTOR_FLAGS)
def _gradient_row(image: Image, row: int, d_row: Floats, d_column: Floats) -> None:
    """Write the gradient of one row: central differences, one-sided at the borders."""
    height, width = image.shape
    above = max(row - 1, 0)
    below = min(row + 1, height - 1)
    scale = HALF if below - above == 2 else ONE
    upper = image[above]
    lower = image[below]
    for c in range(width):
        d_row[c] = (np.float32(lower[c]) - np.float32(upper[c])) * scale
    middle = image[row]
    left = middle[: width - 2]
    right = middle[2:]
    inner = d_column[1:]
    for c in range(width - 2):
        inner[c] = (np.float32(right[c]) - np.float32(left[c])) * HALF
    last = width - 1
    d_column[0] = np.float32(middle[min(1, last)]) - np.float32(middle[0])
    d_column[last] = np.float32(middle[last]) - np.float32(middle[max(last - 1, 0)])


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy")
def _signed_parts(d_row: Floats, d_column: Floats, parts: Floats) -> None:
    """Split gradients between the axis and the diagonal beside them, by linear interpolation.

    With 8 orientations every octant lies between one axis and one diagonal. ``parts`` (4, width)
    are the signed shares along 0, 45, 90 and 135 degrees; opposite orientations share a row.
    """
    east, southeast, south, southwest = parts[0], parts[1], parts[2], parts[3]
    for c in range(d_row.size):
        y = d_row[c]
        x = d_column[c]
        abs_y = abs(y)
        abs_x = abs(x)
        steep = abs_y > abs_x
        high = abs_y if steep else abs_x
        low = abs_x if steep else abs_y
        magnitude = np.sqrt(x * x + y * y)
        diagonal = magnitude * octant_fraction(low, high)
        axis = magnitude - diagonal
        signed_axis_x = axis if x > ZERO else -axis
        signed_axis_y = axis if y > ZERO else -axis
        signed_diagonal = diagonal if y > ZERO else -diagonal
        same_sign = x * y > ZERO
        east[c] = ZERO if steep else signed_axis_x
        south[c] = signed_axis_y if steep else ZERO
        southeast[c] = signed_diagonal if same_sign else ZERO
        southwest[c] = ZERO if same_sign else signed_diagonal


@kernel(fastmath=VECTOR_FLAGS)
def _rectify(parts: Floats, planes: Floats) -> None:
    """Part the signed shares (4, width) into orientations k and k + 4 of ``planes`` (8, width)."""
    for k in range(4):
        signed = parts[k]
        positive = planes[k]
        negative = planes[k + 4]
        for c in range(signed.size):
            positive[c] = max(signed[c], ZERO)
        for c in range(signed.size):
            negative[c] = max(-signed[c], ZERO)


@kernel(fastmath=VECTOR_FLAGS)
def _filter_rows(ring: Floats, center: int, taps: Floats, last_row: int, out: Floats) -> None:
    """Write the vertical filter response at one row; the outermost rows repeat beyond the image."""
    n_taps = taps.size
    for k in range(n_taps):
        source = min(max(center + k - n_taps // 2, 0), last_row) % n_taps
        weight = taps[k]
        for o in range(N_ORIENTATIONS):
            for c in range(out.shape[1]):
                before = out[o, c] if k > 0 else ZERO
                out[o, c] = before + weight * ring[source, o, c]


@kernel(fastmath=VECTOR_FLAGS)
def _filter_columns(
    padded: Floats, centers: Indices, bins: Indices, taps: Floats, out: Floats
) -> None:
    """Write the horizontal responses (n, 8) at the given columns of a padded row (columns, 8)."""
    for i in range(centers.size):
        center = centers[i]
        j = bins[i]
        for o in range(N_ORIENTATIONS):
            out[i, o] = ZERO
        for k in range(taps.shape[1]):
            weight = taps[j, k]
            for o in range(N_ORIENTATIONS):
                out[i, o] += weight * padded[center + k, o]


@kernel
def _interleave(planes: Floats, reach: int, padded: Floats) -> None:
    """Turn a row (8, width) into (width, 8); the outermost columns repeat ``reach`` times."""
    width = planes.shape[1]
    for o in range(N_ORIENTATIONS):
        plane = planes[o]
        for c in range(width):
            padded[reach + c, o] = plane[c]
        for c in range(reach):
            padded[c, o] = plane[0]
            padded[reach + width + c, o] = plane[width - 1]


@kernel
def _cells(
    image: Image,
    centers: Indices,
    bins: Indices,
    taps: Floats,
    column_centers: Indices,
    column_bins: Indices,
    out: Floats,
) -> None:
    """Write the bin values (rows, columns, 8) at every pair of a row line and a column line."""
    height, width = image.shape
    n_taps = taps.shape[1]
    reach = n_taps // 2
    d_row = np.empty(width, np.float32)
    d_column = np.empty(width, np.float32)
    parts = np.empty((4, width), np.float32)
    ring = np.empty((n_taps, N_ORIENTATIONS, width), np.float32)
    filtered = np.empty((N_ORIENTATIONS, width), np.float32)
    padded = np.empty((width + 2 * reach, N_ORIENTATIONS), np.float32)
    ready = 0
    for i in range(centers.size):
        while ready <= min(centers[i] + reach, height - 1):
            _gradient_row(image, ready, d_row, d_column)
            _signed_parts(d_row, d_column, parts)
            _rectify(parts, ring[ready % n_taps])
            ready += 1
        _filter_rows(ring, centers[i], taps[bins[i]], height - 1, filtered)
        _interleave(filtered, reach, padded)
        _filter_columns(padded, column_centers, column_bins, taps, out[i])


@kernel(fastmath=VECTOR_FLAGS)
def _gather(
    cells: Floats,
    row_slots: Indices,
    column_slots: Indices,
    bin_weights: Floats,
    descriptor: Floats,
) -> None:
    """Write the 16 bins of one frame, each 8 values, in the order row, column, orientation."""
    for i in range(N_BINS):
        r = row_slots[i]
        for j in range(N_BINS):
            c = column_slots[j]
            weight = bin_weights[i] * bin_weights[j]
            start = (i * N_BINS + j) * N_ORIENTATIONS
            for o in range(N_ORIENTATIONS):
                descriptor[start + o] = weight * cells[r, c, o]


@kernel
def dense_sift_batch(
    images: Image, step: int, bin_size: int, gaussian: bool, norms: Floats, out: Floats
) -> None:
    """Compute the dense SIFT descriptors of images of one size.

    Parameters
    ----------
    images : ndarray of shape (k, height, width), uint8 or float32
        Grey images, C-contiguous.
    step, bin_size : int
        Pixels between descriptors and between bin centres, at least 1.
    gaussian : bool
        True weighs every pixel by a Gaussian of 2 bins about the descriptor's centre, False
        weighs every bin by the mean of that Gaussian over the bin.
    norms : ndarray of shape (k, n), float32
        Receives the norm of each descriptor before normalisation, in grey levels per pixel.
    out : ndarray of shape (k, n, 128), float32
        Receives the descriptors, n as `dense_sift_length` says.
    """
    n_images, height, width = images.shape
    extent = (N_BINS - 1) * bin_size
    if height <= extent or width <= extent:
        return
    n_rows = (height - 1 - extent) // step + 1
    n_columns = (width - 1 - extent) // step + 1
    taps, bin_weights = _weights(bin_size, gaussian)
    centers, bins, row_slots = _bin_lines(n_rows, step, bin_size, not gaussian)
    column_centers, column_bins, column_slots = _bin_lines(n_columns, step, bin_size, not gaussian)
    cells = np.empty((centers.size, column_centers.size, N_ORIENTATIONS), np.float32)
    for k in range(n_images):
        _cells(images[k], centers, bins, taps, column_centers, column_bins, cells)
        for row in range(n_rows):
            for column in range(n_columns):
                frame = row * n_columns + column
                descriptor = out[k, frame]
                _gather(cells, row_slots[row], column_slots[column], bin_weights, descriptor)
                norms[k, frame] = normalize_descriptor(descriptor)
