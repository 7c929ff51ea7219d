"""Colour spaces of the colour histogram: 8-bit values, each channel over 0 to 255."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

COLOR_SPACES: dict[str, int | None] = {
    "rgb": None,
    "hsv": cv2.COLOR_RGB2HSV_FULL,  # hue over 0 to 255, so that all bins are equally wide
    "lab": cv2.COLOR_RGB2LAB,  # L * 255 / 100, a + 128, b + 128
}


def convert_color(images: npt.NDArray[np.uint8], color_space: str) -> npt.NDArray[np.uint8]:
    """Convert RGB images of one size to another colour space, by OpenCV's 8-bit definition.

    Parameters
    ----------
    images : ndarray of uint8, shape (..., h, w, 3)
        RGB images.
    color_space : {'rgb', 'hsv', 'lab'}
        A key of ``COLOR_SPACES``.

    Returns
    -------
    ndarray of uint8, same shape, C-contiguous
        The images themselves where there is nothing to convert.
    """
    images = np.ascontiguousarray(images)
    code = COLOR_SPACES[color_space]
    if code is None or images.size == 0:
        return images
    rows = images.reshape(-1, *images.shape[-2:])  # one tall image: one call for the whole batch
    return np.asarray(cv2.cvtColor(rows, code), np.uint8).reshape(images.shape)
