"""The Gaussian scale space of SIFT; OpenCV blurs and resizes."""

from __future__ import annotations

import math

import cv2
import numpy as np

from classicvis.kernels.sift_math import Floats

CAMERA_BLUR = 0.5  # sigma that an image is assumed to have as it comes
SMALLEST_OCTAVE = 4  # pixels along the shorter side, in the sense of a rounded logarithm


def n_octaves(height: int, width: int, upsample: bool) -> int:
    """Return the number of octaves of an image of this size; it may be 0."""
    scale = 2 if upsample else 1
    levels = math.log2(min(height, width) * scale / SMALLEST_OCTAVE)
    return max(round(levels) + (1 if upsample else 0), 0)


def gaussian_pyramid(
    image: Floats, n_octave_layers: int, sigma: float, upsample: bool
) -> list[Floats]:
    """Blur an image in geometric steps, halving its size once per octave.

    Parameters
    ----------
    image : ndarray of shape (height, width), float32
    n_octave_layers : int
        Layers per octave in which extrema are sought.
    sigma : float
        Blur of the first layer of every octave, in the octave's pixels.
    upsample : bool
        Whether the first octave has twice the image's size.

    Returns
    -------
    list of ndarray of shape (n_octave_layers + 3, height, width), float32
        One stack per octave; layer i has blur ``sigma * 2 ** (i / n_octave_layers)``.
    """
    count = n_octaves(image.shape[0], image.shape[1], upsample)
    sigmas = sigma * 2 ** (np.arange(n_octave_layers + 3) / n_octave_layers)
    steps = np.sqrt(np.diff(sigmas**2))
    pyramid: list[Floats] = []
    for octave in range(count):
        if octave == 0:
            base = _first_layer(image, sigma, upsample)
        else:
            last = pyramid[-1][n_octave_layers]
            base = last[: last.shape[0] // 2 * 2 : 2, : last.shape[1] // 2 * 2 : 2]
        layers = np.empty((len(sigmas), *base.shape), np.float32)
        layers[0] = base
        for i, step in enumerate(steps):
            cv2.GaussianBlur(layers[i], (0, 0), step, dst=layers[i + 1])
        pyramid.append(layers)
    return pyramid


def _first_layer(image: Floats, sigma: float, upsample: bool) -> Floats:
    """Return the image, doubled where asked, with its blur raised to `sigma`."""
    blur = CAMERA_BLUR
    if upsample:
        size = (2 * image.shape[1], 2 * image.shape[0])
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
        blur *= 2
    missing = math.sqrt(max(sigma**2 - blur**2, 0.01))
    return cv2.GaussianBlur(image, (0, 0), missing).astype(np.float32, copy=False)
