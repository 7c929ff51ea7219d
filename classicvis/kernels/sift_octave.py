"""One octave of SIFT from image to descriptors, in one call: threads need no lock meanwhile."""

from __future__ import annotations

import math

import numpy as np

from classicvis.kernels._jit import kernel
from classicvis.kernels.sift_describe import describe_batch
from classicvis.kernels.sift_detect import find_extrema, refine_extrema
from classicvis.kernels.sift_math import DESCRIPTOR_SIZE, Doubles, Floats, Indices
from classicvis.kernels.sift_orient import MOST_ORIENTATIONS, orient_points
from classicvis.kernels.sift_pyramid import slide


@kernel
def describe_octave(
    image: Floats,
    doubled: bool,
    planes: Floats,
    weights: Floats,
    filters: Indices,
    margin: int,
    filled: Indices,
    next_image: Floats,
    n_layers: int,
    contrast: float,
    edge: float,
    sigma: float,
) -> tuple[Doubles, Floats]:
    """Find the keypoints of an octave and describe them.

    Parameters
    ----------
    image, doubled, planes, weights, filters, margin, filled, next_image, n_layers
        See `Octave`.
    contrast, edge
        See `refine_extrema`.
    sigma : float
        Blur of the first layer.

    Returns
    -------
    points : ndarray of shape (n, 5), float64
        From `orient_points`.
    descriptors : ndarray of shape (n, 128), float32
        From `describe_batch`.
    """
    scale = 2 if doubled else 1
    shape = scale * image.shape[0], scale * image.shape[1]
    layers = planes[planes.shape[0] - n_layers - 3 :]
    points = np.empty((16, 5))
    descriptors = np.empty((16, DESCRIPTOR_SIZE), np.float32)
    count = 0
    first = filled[0]  # 0, as an integer that varies: a constant would be compiled apart
    while first < shape[0]:
        end = slide(image, doubled, planes, weights, filters, margin, first, filled, next_image)
        extrema = find_extrema(layers, shape, (first, end), math.floor(contrast / 2))
        refined = np.empty((extrema.shape[0], 4))
        n = refine_extrema(layers, shape, extrema, contrast, edge, refined)
        oriented = np.empty((MOST_ORIENTATIONS * n, 5))
        n = orient_points(layers, shape, refined[:n], sigma, oriented)
        if count + n > points.shape[0]:
            room = 2 * (count + n)
            points = _moved(points, count, np.empty((room, 5)))
            descriptors = _moved(descriptors, count, np.empty((room, DESCRIPTOR_SIZE), np.float32))
        _moved(oriented, n, points[count:])
        describe_batch(layers, shape, oriented[:n], sigma, descriptors[count:])
        count += n
        first = end
    return points[:count], descriptors[:count]


@kernel
def _moved(table: Floats, n: int, out: Floats) -> Floats:
    """Copy the first n rows of a table; return the target."""
    for i in range(n):
        for j in range(table.shape[1]):
            out[i, j] = table[i, j]
    return out
