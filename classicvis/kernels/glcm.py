"""Grey-level co-occurrence: how often two levels lie at an offset from each other [1]_.

All offsets are counted in one pass. Their tables take turns, so that an increment seldom waits for
the one before, as it does where a flat region counts in the same place again and again.

References
----------
.. [1] R. M. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image classification",
   IEEE Transactions on Systems, Man, and Cybernetics 3(6), 1973, DOI 10.1109/TSMC.1973.4309314
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import INNER, NO_ALLOCATION, kernel

PROPERTIES = (
    "contrast",
    "dissimilarity",
    "homogeneity",
    "ASM",
    "energy",
    "correlation",
    "entropy",
    "mean",
    "variance",
    "std",
)
_FLAT = 1e-15  # scikit-image's: below this standard deviation levels count as fully correlated

u32 = np.uint32


def glcm_offsets(distances: Sequence[float], angles: Sequence[float]) -> npt.NDArray[np.intp]:
    """Return the offset (rows, columns) of each distance and angle, rounded as scikit-image does.

    Parameters
    ----------
    distances : sequence of float
        In pixels.
    angles : sequence of float
        In radians, from the direction of the columns towards that of the rows.

    Returns
    -------
    ndarray of shape (n_distances * n_angles, 2), intp
        Distance by distance.
    """
    return np.array(
        [
            (_round(math.sin(angle) * distance), _round(math.cos(angle) * distance))
            for distance in distances
            for angle in angles
        ],
        dtype=np.intp,
    )


def glcm_batch(
    images: npt.NDArray[np.uint8],
    levels: int,
    offsets: npt.NDArray[np.intp],
    out: npt.NDArray[np.float64],
) -> None:
    """Compute the properties of the co-occurrence matrices of images of one size.

    A value ``v`` is of level ``v * levels // 256``. The matrices are symmetric, as Haralick's: each
    pair of pixels counts in both orders.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, h, w)
        Grey images.
    levels : int
        Grey levels, 2 to 256.
    offsets : ndarray of intp, shape (n, 2)
        From `glcm_offsets`.
    out : ndarray of float64, shape (k, n, len(PROPERTIES))
        Receives the values of `skimage.feature.graycoprops`. Where an image has no pair of pixels
        at an offset, all are 0 but the correlation, which is 1.
    """
    if out.shape != (len(images), len(offsets), len(PROPERTIES)):
        raise ParameterError(
            f"out has shape {out.shape}: expected {(len(images), len(offsets), len(PROPERTIES))}"
        )
    if len(images) == 0:
        return
    reach = int(np.abs(offsets).max(initial=0))
    ring = np.empty((2 * reach + 1, images.shape[2] + 2 * reach), np.uint16)
    # One more column for neighbours outside of the image; it is cleared, never read.
    counts = np.zeros((len(offsets), levels, levels + 1), u32)
    for image, values in zip(images, out, strict=True):
        _count(image, levels, offsets, ring, counts)
        for table, row in zip(counts, values, strict=True):
            _properties(table, row)
        counts[:] = 0


def _round(value: float) -> int:
    """Round halves away from zero, as scikit-image does (Python rounds them to even)."""
    return int(value + 0.5) if value > 0 else int(value - 0.5)


@kernel(error_model="numpy")
def _count(image, levels, offsets, ring, counts):
    """Add the pairs of an image to the tables, one per offset."""
    height, width = image.shape
    n_ring = ring.shape[0]
    reach = n_ring // 2
    ring[:] = levels  # outside of the image
    for row in range(-reach, height):
        ahead = row + reach
        target = ring[ahead % n_ring, reach:]
        for x in range(width):
            target[x] = int(image[ahead, x]) * levels // 256 if ahead < height else levels
        if row < 0:
            continue
        pixels = ring[row % n_ring, reach : reach + width]
        for i in range(0, offsets.shape[0], 2):
            # Two tables at a time; the last one is alone where their number is odd.
            j = min(i + 1, offsets.shape[0] - 1)
            first = ring[(row + offsets[i, 0]) % n_ring, reach + offsets[i, 1] :]
            second = ring[(row + offsets[j, 0]) % n_ring, reach + offsets[j, 1] :]
            if j > i:
                _count_two(pixels, first, second, counts[i], counts[j])
            else:
                _count_one(pixels, first, counts[i])


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _count_two(pixels, first, second, counts, more_counts):
    for x in range(pixels.size):
        counts[pixels[x], first[x]] += u32(1)
        more_counts[pixels[x], second[x]] += u32(1)


@kernel(error_model="numpy", **INNER, **NO_ALLOCATION)
def _count_one(pixels, others, counts):
    for x in range(pixels.size):
        counts[pixels[x], others[x]] += u32(1)


@kernel(error_model="numpy")
def _properties(counts, out):
    """Write the properties of one table of counts, made symmetric, in the order of PROPERTIES."""
    levels = counts.shape[0]
    total = 0
    for i in range(levels):
        for j in range(levels):
            total += counts[i, j]
    scale = 0.5 / total if total > 0 else 0.0
    contrast = dissimilarity = homogeneity = energy = entropy = mean = 0.0
    for i in range(levels):
        for j in range(levels):
            share = (counts[i, j] + counts[j, i]) * scale
            if share > 0:
                distance = float(abs(i - j))
                contrast += share * distance * distance
                dissimilarity += share * distance
                homogeneity += share / (1 + distance * distance)
                energy += share * share
                entropy -= share * np.log(share)
                mean += share * i
    variance = covariance = 0.0  # rows and columns have the same mean and variance
    for i in range(levels):
        for j in range(levels):
            share = (counts[i, j] + counts[j, i]) * scale
            variance += share * (i - mean) * (i - mean)
            covariance += share * (i - mean) * (j - mean)
    std = np.sqrt(variance)
    correlation = covariance / variance if std >= _FLAT else 1.0
    out[0], out[1], out[2], out[3] = contrast, dissimilarity, homogeneity, energy
    out[4], out[5], out[6] = np.sqrt(energy), correlation, entropy
    out[7], out[8], out[9] = mean, variance, std
