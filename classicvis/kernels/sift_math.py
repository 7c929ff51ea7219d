"""What dense SIFT and SIFT share: the angle of a gradient, Lowe's normalisation, RootSIFT."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classicvis.kernels._jit import VECTOR_FLAGS, kernel

Image: TypeAlias = NDArray[Any]  # uint8 or float32
Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.intp]
Doubles: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.uint8]
Shape: TypeAlias = tuple[int, int]


N_ORIENTATIONS = 8
N_BINS = 4  # spatial bins along each side
DESCRIPTOR_SIZE = N_BINS * N_BINS * N_ORIENTATIONS

CLIP = np.float32(0.2)
TINY = np.float32(1e-30)
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
FOUR = np.float32(4.0)
EIGHT = np.float32(8.0)

# Minimax polynomial of 4/pi * arctan(r) on [0, 1]: odd powers, largest error 5e-8.
A1 = np.float32(1.27323866)
A3 = np.float32(-0.424368978)
A5 = np.float32(0.253967553)
A7 = np.float32(-0.177090168)
A9 = np.float32(0.122768246)
A11 = np.float32(-0.0711897537)
A13 = np.float32(0.0278367586)
A15 = np.float32(-0.0051624286)


@kernel(inline="always", error_model="numpy")
def octant_fraction(low: np.float32, high: np.float32) -> np.float32:
    """Return ``4 / pi * arctan(low / high)`` for ``0 <= low <= high``: 0 on axes, 1 on diagonals.

    The formula was ``arctan2``; a polynomial of the ratio lets the loop around it vectorise.
    """
    ratio = low / (high + TINY)
    r2 = ratio * ratio
    return ratio * (
        A1 + r2 * (A3 + r2 * (A5 + r2 * (A7 + r2 * (A9 + r2 * (A11 + r2 * (A13 + r2 * A15))))))
    )


@kernel(inline="always")
def octants(x: np.float32, y: np.float32) -> np.float32:
    """Return the angle of a gradient in units of 45 degrees, 0 to 8: ``4 / pi * arctan2(y, x)``."""
    abs_x = abs(x)
    abs_y = abs(y)
    steep = abs_y > abs_x
    high = abs_y if steep else abs_x
    low = abs_x if steep else abs_y
    turn = octant_fraction(low, high)
    turn = TWO - turn if steep else turn
    turn = FOUR - turn if x < ZERO else turn
    return EIGHT - turn if y < ZERO else turn


@kernel(fastmath=VECTOR_FLAGS)
def normalize_descriptor(descriptor: Floats) -> float:
    """Scale one descriptor to unit norm, clip at 0.2, scale again; return its first norm.

    A descriptor of zeros stays zero.

    Parameters
    ----------
    descriptor : ndarray of shape (n,), float32
        Changed in place; values are not negative.

    Returns
    -------
    float
        The Euclidean norm that was found.
    """
    energy = ZERO
    for i in range(descriptor.size):
        energy += descriptor[i] * descriptor[i]
    norm = np.sqrt(energy)
    if norm <= ZERO:
        return norm
    limit = CLIP * norm
    energy = ZERO
    for i in range(descriptor.size):
        value = descriptor[i] if descriptor[i] < limit else limit
        descriptor[i] = value
        energy += value * value
    scale = ONE / np.sqrt(energy)
    for i in range(descriptor.size):
        descriptor[i] *= scale
    return norm


@kernel(fastmath=VECTOR_FLAGS)
def root_batch(descriptors: Floats) -> None:
    """Turn SIFT rows into RootSIFT rows in place: the square root of each L1-normalised row.

    Parameters
    ----------
    descriptors : ndarray of shape (n, 128), float32
        Changed in place; values are not negative, rows of zeros stay zero.

    References
    ----------
    .. [1] Arandjelovic and Zisserman, "Three things everyone should know to improve object
       retrieval", CVPR 2012, DOI 10.1109/CVPR.2012.6248018.
    """
    for row in range(descriptors.shape[0]):
        descriptor = descriptors[row]
        total = ZERO
        for i in range(descriptor.size):
            total += descriptor[i]
        scale = ONE / total if total > ZERO else ZERO
        for i in range(descriptor.size):
            descriptor[i] = np.sqrt(descriptor[i] * scale)
