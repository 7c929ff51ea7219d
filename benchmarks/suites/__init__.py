"""Suites of airspeed velocity; ``benchmarks/asv.conf.json`` says how to run them."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

cv2.setNumThreads(1)


def grey(size: int) -> np.ndarray:
    """Return a grey photo of size x size pixels, at most 512."""
    return np.ascontiguousarray(data.camera()[:size, :size])


def rgb(size: int) -> np.ndarray:
    """Return an RGB photo of size x size pixels, at most 512."""
    return np.ascontiguousarray(data.astronaut()[:size, :size])


def photos(n_images: int, size: int) -> np.ndarray:
    """Return pieces of an RGB photo, shape (n_images, size, size, 3)."""
    corners = np.random.default_rng(0).integers(0, 512 - size, (n_images, 2))
    picture = data.astronaut()
    return np.stack([picture[r : r + size, c : c + size] for r, c in corners])


def projection(values: np.ndarray) -> float:
    """Return a digest of values that moves when any of them does, and not by rounding alone."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], values.size)
    return float(np.round(signs @ np.asarray(values, float).ravel(), 4))
