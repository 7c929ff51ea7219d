"""Changed copies of training images: turned, scaled, shifted, mirrored, in other light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

import cv2
import numpy as np

from classicvis.exceptions import ParameterError, unknown_name

_GREY = np.array([0.299, 0.587, 0.114])  # shares of red, green and blue in the luma (BT.601)
_FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True)
class Augmentation:
    """How far training images are changed at random, each time anew that a network sees them.

    Parameters
    ----------
    rotation : float, default=0
        Largest turn in degrees, either way.
    scale : float, default=0
        Largest change of the size: 0.1 is from 1 / 1.1 to 1.1 times.
    shift : float, default=0
        Largest shift as a share of the height and the width: whole pixels, so that an image that
        is neither turned nor scaled stays sharp.
    flip : bool, default=False
        Whether left and right are exchanged in every other image.
    color : float, default=0
        Largest relative change of brightness, contrast and saturation.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    flip: bool = False
    color: float = 0.0

    def __post_init__(self) -> None:
        limits = {"rotation": 180, "scale": 10, "shift": 1, "color": 1}
        for name, limit in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not (isfinite(value) and 0 <= value <= limit):
                raise ParameterError(
                    f"augment: {name}={value!r}: expected a number from 0 to {limit}."
                )

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return changed copies of images.

        Parameters
        ----------
        pixels : ndarray of shape (n, h, w, c), uint8
            Grey (c = 1) or RGB (c = 3).
        rng : numpy.random.Generator
            Draws the changes.

        Returns
        -------
        ndarray of shape (n, h, w, c), uint8
            What comes in from outside mirrors what is inside the border.
        """
        n, height, width, channels = pixels.shape
        out = np.empty_like(pixels)
        moves = self._moves(rng, n, height, width)
        colors = self._colors(rng, n, channels)
        for image, move, color, target in zip(pixels, moves, colors, out, strict=True):
            if self._moves_pixels:
                image = cv2.warpAffine(
                    image, move, (width, height), flags=_FLAGS, borderMode=cv2.BORDER_REFLECT_101
                )
            if self.color:
                image = cv2.transform(image, color)
            target[:] = image.reshape(target.shape)
        return out

    @property
    def _moves_pixels(self) -> bool:
        return bool(self.rotation or self.scale or self.shift or self.flip)

    def _moves(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """Return for each image the matrix (2, 3) from places (x, y) in the copy to the image."""
        turned = np.deg2rad(self.rotation) * rng.uniform(-1, 1, n)
        zoom = (1 + self.scale) ** rng.uniform(-1, 1, n)
        mirrored = np.where(self.flip & (rng.random(n) < 0.5), -1, 1)
        cos, sin = np.cos(turned) / zoom, np.sin(turned) / zoom
        linear = np.stack([mirrored * cos, mirrored * sin, -sin, cos], axis=1).reshape(n, 2, 2)
        size = np.array([width, height])
        shift = np.round(self.shift * size * rng.uniform(-1, 1, (n, 2)))
        centre = (size - 1) / 2
        return np.concatenate([linear, (centre - linear @ centre + shift)[:, :, None]], axis=2)

    def _colors(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """Return for each image the matrix (c, c + 1) from its colours to those of the copy."""
        brightness, contrast, saturation = 1 + self.color * rng.uniform(-1, 1, (3, n, 1, 1))
        mixed = np.broadcast_to(_GREY if channels == 3 else np.ones(1), (channels, channels))
        linear = brightness * contrast * (saturation * np.eye(channels) + (1 - saturation) * mixed)
        offset = np.broadcast_to(127.5 * brightness * (1 - contrast), (n, channels, 1))
        return np.concatenate([linear, offset], axis=2)


PRESETS = {
    "mild": Augmentation(rotation=8, scale=0.1, shift=0.08),
    "photo": Augmentation(rotation=10, scale=0.2, shift=0.1, flip=True, color=0.2),
    "crop": Augmentation(shift=0.125, flip=True),
}
"""Augmentations by name: one for anything, digits and letters too; for photos; for small photos."""


def make_augmentation(spec: str | Mapping[str, Any] | None) -> Augmentation | None:
    """Return the augmentation that a name of `PRESETS` or a mapping stands for, None for None."""
    if spec is None:
        return None
    if isinstance(spec, str):
        if spec not in PRESETS:
            raise unknown_name("augment", spec, PRESETS)
        return PRESETS[spec]
    if not isinstance(spec, Mapping):
        raise ParameterError(
            f"augment={spec!r}: expected one of {', '.join(PRESETS)}, a mapping such as "
            "{'rotation': 10}, or None."
        )
    known = [field.name for field in fields(Augmentation)]
    for name in spec:
        if name not in known:
            raise unknown_name("augment key", name, known)
    return Augmentation(**spec)
