"""Dense SIFT as its definition reads: a loop over frames, bins and pixels, in float64."""

import math

import numpy as np


def gradients(image):
    """Return the row and column derivatives: central inside, one-sided at the borders."""
    image = np.asarray(image, np.float64)
    return tuple(
        np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros(image.shape)
        for axis in (0, 1)
    )


def orientation_maps(image):
    """Return (height, width, 8): each gradient's magnitude shared between two orientations."""
    d_row, d_column = gradients(image)
    maps = np.zeros((*d_row.shape, 8))
    for r, c in np.ndindex(d_row.shape):
        magnitude = np.hypot(d_row[r, c], d_column[r, c])
        position = np.arctan2(d_row[r, c], d_column[r, c]) / (np.pi / 4) % 8
        low = int(np.floor(position))
        share = position - low
        maps[r, c, low % 8] += magnitude * (1 - share)
        maps[r, c, (low + 1) % 8] += magnitude * share
    return maps


def window_value(offset, bin_size):
    """Return the Gaussian window, sigma two bins, at a distance in pixels from the centre."""
    return np.exp(-0.5 * (offset / (2 * bin_size)) ** 2)


def raw_descriptor(maps, top, left, bin_size, gaussian):
    """Return the histogram of one frame before normalisation: 16 weighted sums of 8 values.

    The first bin is centred on (top, left), which need not be a pixel. Pixels beyond the image
    are those at its border.
    """
    height, width, _ = maps.shape
    descriptor = np.zeros((4, 4, 8))
    whole = range(-math.ceil(bin_size) + 1, math.ceil(bin_size))
    for i, j in np.ndindex(4, 4):
        row, column = top + i * bin_size, left + j * bin_size
        to_center = (i - 1.5) * bin_size, (j - 1.5) * bin_size
        for r in range(math.floor(row - bin_size), math.ceil(row + bin_size) + 1):
            for c in range(math.floor(column - bin_size), math.ceil(column + bin_size) + 1):
                weight = triangle(r - row, bin_size) * triangle(c - column, bin_size)
                if gaussian:
                    weight *= window_value(r - row + to_center[0], bin_size)
                    weight *= window_value(c - column + to_center[1], bin_size)
                inside = np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)
                descriptor[i, j] += weight * maps[inside]
        if not gaussian:
            for offset in to_center:
                descriptor[i, j] *= np.mean([window_value(k + offset, bin_size) for k in whole])
    return descriptor.ravel()


def triangle(distance, bin_size):
    """Return the bilinear share of a pixel in a bin at this distance, of unit mass."""
    return max(1 - abs(distance) / bin_size, 0) / bin_size


def normalized(descriptor):
    """Return the descriptor with unit norm, clipped at 0.2, with unit norm again; and its norm."""
    norm = np.linalg.norm(descriptor)
    if norm == 0:
        return descriptor, norm
    clipped = np.minimum(descriptor / norm, 0.2)
    return clipped / np.linalg.norm(clipped), norm


def dense_sift(image, step, bin_size, gaussian=False, offset=0):
    """Return frames (n, 3), descriptors (n, 128) and norms (n,) of a grey image."""
    maps = orientation_maps(image)
    height, width, _ = maps.shape
    frames, descriptors, norms = [], [], []
    for top in first_bins(height, step, bin_size, offset):
        for left in first_bins(width, step, bin_size, offset):
            raw = raw_descriptor(maps, top, left, bin_size, gaussian)
            descriptor, norm = normalized(raw)
            frames.append((top + 1.5 * bin_size, left + 1.5 * bin_size, bin_size))
            descriptors.append(descriptor)
            norms.append(norm)
    return (
        np.reshape(frames, (-1, 3)),
        np.reshape(descriptors, (-1, 128)),
        np.array(norms),
    )


def first_bins(size, step, bin_size, offset):
    """Return where the first bins of frames are centred; the fourth is inside the image too."""
    positions = offset + step * np.arange(size / step)
    return positions[positions + 3 * bin_size <= size - 1 + 1e-9]
