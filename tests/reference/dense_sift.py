"""Dense SIFT as its definition reads: a loop over frames, bins and pixels, in float64."""

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
    """Return the histogram of one frame before normalisation: 16 weighted sums of 8 values."""
    height, width, _ = maps.shape
    descriptor = np.zeros((4, 4, 8))
    reach = range(-bin_size + 1, bin_size)
    for i, j in np.ndindex(4, 4):
        to_center = (i - 1.5) * bin_size, (j - 1.5) * bin_size
        for y in reach:
            for x in reach:
                weight = (bin_size - abs(y)) * (bin_size - abs(x)) / bin_size**4
                if gaussian:
                    weight *= window_value(y + to_center[0], bin_size)
                    weight *= window_value(x + to_center[1], bin_size)
                r = np.clip(top + i * bin_size + y, 0, height - 1)
                c = np.clip(left + j * bin_size + x, 0, width - 1)
                descriptor[i, j] += weight * maps[r, c]
        if not gaussian:
            for offset in to_center:
                descriptor[i, j] *= np.mean([window_value(k + offset, bin_size) for k in reach])
    return descriptor.ravel()


def normalized(descriptor):
    """Return the descriptor with unit norm, clipped at 0.2, with unit norm again; and its norm."""
    norm = np.linalg.norm(descriptor)
    if norm == 0:
        return descriptor, norm
    clipped = np.minimum(descriptor / norm, 0.2)
    return clipped / np.linalg.norm(clipped), norm


def dense_sift(image, step, bin_size, gaussian=False):
    """Return frames (n, 2), descriptors (n, 128) and norms (n,) of a grey image."""
    maps = orientation_maps(image)
    frames, descriptors, norms = [], [], []
    for top in range(0, maps.shape[0] - 3 * bin_size, step):
        for left in range(0, maps.shape[1] - 3 * bin_size, step):
            raw = raw_descriptor(maps, top, left, bin_size, gaussian)
            descriptor, norm = normalized(raw)
            frames.append((top + 1.5 * bin_size, left + 1.5 * bin_size))
            descriptors.append(descriptor)
            norms.append(norm)
    return (
        np.reshape(frames, (-1, 2)),
        np.reshape(descriptors, (-1, 128)),
        np.array(norms),
    )
