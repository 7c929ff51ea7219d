"""Dense SIFT: upright descriptors of one size on a regular grid.

Gradients are split over 8 orientations; each orientation is filtered along the columns of the image
and then along its rows, at the lines on which bins are centred; 16 bins make a descriptor. Rows
stream through a ring buffer, so memory is the descriptors' own plus some image rows.

Every loop with much to do runs over 32 or more neighbours, because that is what Numba's LLVM
vectorises: a loop over 8 orientations becomes scalar code. So the first filter works on planes
(orientation, column), and the second on the orientations of several lines at once.
"""

from __future__ import annotations

import numpy as np

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.dense_sift_grid import TAPS_AT_ONCE, bin_weights, n_frames, plan_axis
from classicvis.kernels.sift_math import (
    CLIP,
    DESCRIPTOR_SIZE,
    N_BINS,
    N_ORIENTATIONS,
    ONE,
    ZERO,
    Doubles,
    Floats,
    Image,
    Indices,
    octant_fraction,
)

HALF = np.float32(0.5)
HALF_CIRCLE = N_ORIENTATIONS // 2  # opposite orientations are the signs of one share
BAND = 8  # lines that are filtered horizontally together: 64 floats side by side
BLOCK = 32  # descriptors that are normalised together: 16 KiB, which stay in the nearest cache
DOUBLES = N_ORIENTATIONS // 2  # the 8 floats of a bin are copied as 4 doubles


def dense_sift_shape(
    height: int, width: int, step: float, bin_size: float, offset: float = 0.0
) -> tuple[int, int]:
    """Return the rows and columns of the descriptor grid; (0, 0) where none fits.

    All 16 bin centres lie inside the image: the first ``offset`` pixels from pixel (0, 0), the
    next ``bin_size`` on.
    """
    shape = n_frames(height, step, bin_size, offset), n_frames(width, step, bin_size, offset)
    return shape if min(shape) > 0 else (0, 0)


def dense_sift_length(
    height: int, width: int, step: float, bin_size: float, offset: float = 0.0
) -> int:
    """Return the number of descriptors of an image of this size."""
    n_rows, n_columns = dense_sift_shape(height, width, step, bin_size, offset)
    return n_rows * n_columns


def dense_sift_batch(
    images: Image,
    step: float,
    bin_size: float,
    offset: float,
    gaussian: bool,
    norms: Floats,
    out: Floats,
) -> None:
    """Compute the dense SIFT descriptors of images of one size.

    Parameters
    ----------
    images : ndarray of shape (k, height, width)
        Grey images; worked in float32.
    step, bin_size : float
        Pixels between descriptors, above 0, and between bin centres, at least 1.
    offset : float
        Pixels between the first pixel and the first bin centre, along both axes.
    gaussian : bool
        True weighs every pixel by a Gaussian of 2 bins about the descriptor's centre, False
        weighs every bin by the mean of that Gaussian over the bin.
    norms : ndarray of shape (k, n), float32
        Receives the norm of each descriptor before normalisation, in grey levels per pixel.
    out : ndarray of shape (k, n, 128), float32, C-contiguous
        Receives the descriptors, n as `dense_sift_length` says.
    """
    height, width = images.shape[1:]
    if dense_sift_length(height, width, step, bin_size, offset) == 0:
        return
    rows = plan_axis(height, step, bin_size, offset, gaussian)
    columns = plan_axis(width, step, bin_size, offset, gaussian)
    n_ring = 1 << (rows.taps.shape[1] - 1).bit_length()
    bands = rows.lines // BAND
    n_bands = int((bands[:, -1] - bands[:, 0]).max()) + 1  # that one frame can meet
    cells = np.empty((n_bands, len(columns.taps), BAND * N_ORIENTATIONS), np.float32)
    out = out.reshape(-1, DESCRIPTOR_SIZE)
    _describe(
        np.ascontiguousarray(images, np.float32),
        *rows,
        *columns,
        np.empty((n_ring, HALF_CIRCLE * width), np.float32),
        cells,
        cells.view(np.float64),
        bin_weights(bin_size, gaussian),
        norms.reshape(-1),
        out,
        out.view(np.float64).reshape(-1, N_BINS, N_BINS * DOUBLES),
    )


@kernel(fastmath=VECTOR_FLAGS)
def _gradient_row(image: Floats, row: int, d_row: Floats, d_column: Floats) -> None:
    """Write the gradient of one row: central differences, one-sided at the borders."""
    height, width = image.shape
    above = row - 1 if row > 0 else 0
    below = row + 1 if row + 1 < height else row
    scale = HALF if below - above == 2 else ONE
    upper, middle, lower = image[above], image[row], image[below]
    for c in range(width):
        d_row[c] = (lower[c] - upper[c]) * scale
    for c in range(1, width - 1):
        d_column[c] = (middle[c + 1] - middle[c - 1]) * HALF
    last = width - 1
    d_column[0] = middle[1 if last > 0 else 0] - middle[0]
    d_column[last] = middle[last] - middle[last - 1 if last > 0 else 0]


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy")
def _signed_parts(d_row: Floats, d_column: Floats, row: Floats) -> None:
    """Split gradients between the axis and the diagonal beside them, by linear interpolation.

    With 8 orientations every octant lies between one axis and one diagonal. ``row`` (4 * width)
    are the signed shares along 0, 45, 90 and 135 degrees; opposite orientations share a row.
    """
    width = d_row.size
    east, southeast = row[:width], row[width : 2 * width]
    south, southwest = row[2 * width : 3 * width], row[3 * width :]
    for c in range(width):
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
def _filter_rows(
    ring: Floats, sources: Indices, taps: Floats, sign: np.float32, out: Floats
) -> None:
    """Write the vertical filter response of the shares of one sign, (4 * width), at one line.

    Image row i is ring row i modulo the ring's size, a power of two. Four taps at a time load and
    store the sums a quarter as often.
    """
    mask = ring.shape[0] - 1
    for k in range(0, taps.size, TAPS_AT_ONCE):
        row0, row1 = ring[sources[k] & mask], ring[sources[k + 1] & mask]
        row2, row3 = ring[sources[k + 2] & mask], ring[sources[k + 3] & mask]
        tap0, tap1, tap2, tap3 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
        for i in range(out.size):
            before = out[i] if k > 0 else ZERO
            out[i] = before + (
                tap0 * max(sign * row0[i], ZERO)
                + tap1 * max(sign * row1[i], ZERO)
                + tap2 * max(sign * row2[i], ZERO)
                + tap3 * max(sign * row3[i], ZERO)
            )


@kernel(fastmath=VECTOR_FLAGS)
def _filter_columns(
    band: Floats, n_values: int, sources: Indices, taps: Floats, cell: Floats
) -> None:
    """Write the first values of the horizontal filter response at one line."""
    for k in range(0, taps.size, TAPS_AT_ONCE):
        row0, row1 = band[sources[k]], band[sources[k + 1]]
        row2, row3 = band[sources[k + 2]], band[sources[k + 3]]
        tap0, tap1, tap2, tap3 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
        for i in range(n_values):
            before = cell[i] if k > 0 else ZERO
            cell[i] = before + (tap0 * row0[i] + tap1 * row1[i] + tap2 * row2[i] + tap3 * row3[i])


@kernel
def _flip(planes: Floats, line: int, band: Floats) -> None:
    """Turn a line's planes (2, 4 * width) into its 8 columns of ``band`` (width, BAND * 8)."""
    width = band.shape[0]
    start = line * N_ORIENTATIONS
    for c in range(width):
        for o in range(HALF_CIRCLE):
            band[c, start + o] = planes[0, o * width + c]
            band[c, start + HALF_CIRCLE + o] = planes[1, o * width + c]


@kernel
def _line_cells(cells: Doubles, line: int) -> Doubles:
    """Return the cells (columns, 4 doubles) at a row line, of ``cells`` (bands, columns, 32)."""
    start = line % BAND * DOUBLES
    return cells[line // BAND % cells.shape[0], :, start : start + DOUBLES]


@kernel
def _gather(
    cells: Doubles, row_lines: Indices, column_lines: Indices, start: int, out: Doubles
) -> None:
    """Copy the 16 bins of neighbouring frames, from column ``start`` on, to ``out`` (n, 4, 16).

    A frame is written from its first byte to its last: 8 MB of descriptors do not fit a cache near
    the core, and memory takes a stream faster than pieces of it.
    """
    cells0, cells1 = _line_cells(cells, row_lines[0]), _line_cells(cells, row_lines[1])
    cells2, cells3 = _line_cells(cells, row_lines[2]), _line_cells(cells, row_lines[3])
    for frame in range(out.shape[0]):
        bins = out[frame]
        for j in range(N_BINS):
            line = column_lines[start + frame, j]
            for o in range(DOUBLES):
                bins[0, j * DOUBLES + o] = cells0[line, o]
                bins[1, j * DOUBLES + o] = cells1[line, o]
                bins[2, j * DOUBLES + o] = cells2[line, o]
                bins[3, j * DOUBLES + o] = cells3[line, o]


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy")
def _normalize(
    out: Floats, start: int, stop: int, weights: Floats, scales: Floats, norms: Floats
) -> None:
    """Weigh descriptors, scale them to unit norm, clip at 0.2, scale again; zeros stay zeros.

    One sweep per sum, over a block: the sums of neighbours overlap, where one descriptor after
    the other would wait for each root.
    """
    for f in range(start, stop):
        descriptor = out[f]
        energy = ZERO
        for i in range(DESCRIPTOR_SIZE):
            value = weights[i] * descriptor[i]
            descriptor[i] = value
            energy += value * value
        norms[f] = np.sqrt(energy)
    for f in range(start, stop):
        descriptor = out[f]
        limit = CLIP * norms[f]
        energy = ZERO
        for i in range(DESCRIPTOR_SIZE):
            value = min(descriptor[i], limit)
            energy += value * value
        scales[f - start] = ONE / np.sqrt(energy) if energy > ZERO else ZERO
    for f in range(start, stop):
        descriptor = out[f]
        limit = CLIP * norms[f]
        scale = scales[f - start]
        for i in range(DESCRIPTOR_SIZE):
            descriptor[i] = min(descriptor[i], limit) * scale


@kernel
def _describe(
    images: Floats,
    row_sources: Indices,
    row_taps: Floats,
    row_lines: Indices,
    column_sources: Indices,
    column_taps: Floats,
    column_lines: Indices,
    ring: Floats,
    cells: Floats,
    cell_doubles: Doubles,
    weights: Floats,
    norms: Floats,
    out: Floats,
    out_doubles: Doubles,
) -> None:
    """Compute the descriptors of images on the grid of two `Axis`.

    ``ring`` holds the last rows of signed shares, ``cells`` (bands, columns, BAND * 8) the bins of
    all columns at the lines of the last bands. ``norms`` and ``out`` are flat, image after image;
    what ends in ``_doubles`` is the same memory as doubles.
    """
    n_images, _, width = images.shape
    n_lines, n_taps = row_taps.shape
    n_rows, n_columns = row_lines.shape[0], column_lines.shape[0]
    n_bands = cells.shape[0]
    gradient = np.empty((2, width), np.float32)
    planes = np.empty((2, HALF_CIRCLE * width), np.float32)
    band = np.empty((width, BAND * N_ORIENTATIONS), np.float32)
    scales = np.empty((1, BLOCK), np.float32)
    for k in range(n_images):
        image = images[k]
        ready = 0  # rows of the image that went into the ring
        done = 0  # rows of frames
        for start in range(0, n_lines, BAND):
            stop = min(start + BAND, n_lines)
            for line in range(start, stop):
                sources, taps = row_sources[line], row_taps[line]
                for row in range(ready, sources[n_taps - 1] + 1):
                    _gradient_row(image, row, gradient[0], gradient[1])
                    _signed_parts(gradient[0], gradient[1], ring[row & (ring.shape[0] - 1)])
                    ready = row + 1
                _filter_rows(ring, sources, taps, ONE, planes[0])
                _filter_rows(ring, sources, taps, -ONE, planes[1])
                _flip(planes, line - start, band)
            n_values = (stop - start) * N_ORIENTATIONS
            band_cells = cells[start // BAND % n_bands]
            for line in range(band_cells.shape[0]):
                sources, taps = column_sources[line], column_taps[line]
                _filter_columns(band, n_values, sources, taps, band_cells[line])
            while done < n_rows and row_lines[done, N_BINS - 1] < stop:
                for column in range(0, n_columns, BLOCK):
                    frame = (k * n_rows + done) * n_columns + column
                    last = frame + min(BLOCK, n_columns - column)
                    block = out_doubles[frame:last]
                    _gather(cell_doubles, row_lines[done], column_lines, column, block)
                    _normalize(out, frame, last, weights, scales[0], norms)
                done += 1
