"""SIFT as Lowe's paper reads, step by step: full arrays, arctan2, exp, explicit loops, float64.

Constants and conventions are those that OpenCV documents: 5 pixels of border, 36 angles, 1.5
scales for their window, bins of 3 scales, angles counted upwards.
"""

import numpy as np


def differences(gaussians):
    """Return the difference of Gaussians of one octave."""
    return np.diff(np.asarray(gaussians, np.float64), axis=0)


def find_extrema(gaussians, threshold, border=5):
    """Return row, column, layer of all values beyond the threshold that no neighbour exceeds."""
    dog = np.diff(gaussians, axis=0)  # float32, so that ties are those of the kernel
    n_layers, height, width = dog.shape
    found = []
    for row in range(border, height - border):
        for layer in range(1, n_layers - 1):
            for column in range(border, width - border):
                value = dog[layer, row, column]
                around = dog[layer - 1 : layer + 2, row - 1 : row + 2, column - 1 : column + 2]
                is_top = value > threshold and value >= around.max()
                is_pit = value < -threshold and value <= around.min()
                if is_top or is_pit:
                    found.append((row, column, layer))
    return np.reshape(found, (-1, 3))


def taylor(dog, position):
    """Return gradient (3,) and Hessian (3, 3) at (layer, row, column) by central differences."""
    position = np.asarray(position)
    unit = np.eye(3, dtype=int)

    def at(offset):
        return dog[tuple(position + offset)]

    gradient = np.array([(at(u) - at(-u)) / 2 for u in unit])
    hessian = np.empty((3, 3))
    for i, u in enumerate(unit):
        for j, v in enumerate(unit):
            if i == j:
                hessian[i, i] = at(u) + at(-u) - 2 * at(0 * u)
            else:
                hessian[i, j] = (at(u + v) - at(u - v) - at(v - u) + at(-u - v)) / 4
    return gradient, hessian


def refine(gaussians, extremum, contrast, edge, border=5):
    """Return (row, column, layer, response) of an extremum, or None where it is not stable."""
    dog = differences(gaussians)
    n_layers = len(dog) - 2
    row, column, layer = extremum
    position = np.array([layer, row, column])
    for _ in range(5):
        gradient, hessian = taylor(dog, position)
        offset = -np.linalg.solve(hessian, gradient)
        if np.abs(offset).max() < 0.5:
            break
        position = position + np.rint(offset).astype(int)
        inside = border <= position[1:].min() and np.all(
            position[1:] < np.array(dog.shape[1:]) - border
        )
        if not (1 <= position[0] <= n_layers and inside):
            return None
    else:
        return None
    value = dog[tuple(position)] + gradient @ offset / 2
    curvatures = np.linalg.eigvalsh(hessian[1:, 1:])
    low, high = sorted(np.abs(curvatures))
    if abs(value) < contrast or np.prod(curvatures) <= 0 or high >= edge * low:
        return None
    layer, row, column = position + offset
    return row, column, layer, abs(value)


def gradient(image, row, column):
    """Return the gradient to the right and upwards."""
    image = np.asarray(image, np.float64)
    return (
        image[row, column + 1] - image[row, column - 1],
        image[row - 1, column] - image[row + 1, column],
    )


def neighborhood(image, row, column, radius):
    """Yield the offsets of the pixels in a square around one that have all four neighbours."""
    height, width = image.shape
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            if 0 < row + i < height - 1 and 0 < column + j < width - 1:
                yield i, j


def orientations(image, row, column, scale):
    """Return the dominant orientations at a pixel, radians clockwise from the right."""
    histogram = np.zeros(36)
    sigma = 1.5 * scale
    for i, j in neighborhood(image, row, column, round(3 * sigma)):
        x, y = gradient(image, row + i, column + j)
        angle = np.arctan2(y, x) / (2 * np.pi) * 36
        weight = np.exp(-(i * i + j * j) / (2 * sigma * sigma))
        histogram[round(angle) % 36] += weight * np.hypot(x, y)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    histogram = np.convolve(np.pad(histogram, 2, mode="wrap"), kernel, mode="valid")
    found = []
    for k in range(36):
        left, peak, right = histogram[k - 1], histogram[k], histogram[(k + 1) % 36]
        if peak > left and peak > right and peak >= 0.8 * histogram.max():
            angle = k + 0.5 * (left - right) / (left - 2 * peak + right)
            found.append(-angle / 36 * 2 * np.pi % (2 * np.pi))
    return found


def describe(image, row, column, scale, orientation):
    """Return the unit-norm descriptor (128,) at a pixel: every gradient in up to 8 bins."""
    bins = np.zeros((4, 4, 8))
    width = 3 * scale
    cosine, sine = np.cos(orientation), np.sin(orientation)
    for i, j in neighborhood(image, row, column, round(width * np.sqrt(2) * 2.5)):
        r = (i * cosine - j * sine) / width
        c = (i * sine + j * cosine) / width
        if abs(r) >= 2.5 or abs(c) >= 2.5:
            continue
        x, y = gradient(image, row + i, column + j)
        o = (np.arctan2(y, x) + orientation) / (2 * np.pi) * 8 % 8
        value = np.hypot(x, y) * np.exp(-(r * r + c * c) / 8)
        for k, m in np.ndindex(4, 4):
            share = max(0, 1 - abs(r + 1.5 - k)) * max(0, 1 - abs(c + 1.5 - m))
            if share > 0:
                low = int(o)
                bins[k, m, low % 8] += value * share * (1 - (o - low))
                bins[k, m, (low + 1) % 8] += value * share * (o - low)
    return normalized(bins.ravel())


def normalized(descriptor):
    """Return the descriptor with unit norm, clipped at 0.2, with unit norm again."""
    norm = np.linalg.norm(descriptor)
    if norm == 0:
        return descriptor
    clipped = np.minimum(descriptor / norm, 0.2)
    return clipped / np.linalg.norm(clipped)
