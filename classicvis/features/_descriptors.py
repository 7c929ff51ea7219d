"""Local descriptors of one image, with the positions at which they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicvis.functional import dense_sift, sift
from classicvis.kernels.sift_math import DESCRIPTOR_SIZE

DESCRIPTORS = ("dense_sift", "sift")
COLORS = ("gray", "rgb", "opponent")


class LocalDescriptors(NamedTuple):
    """Descriptors (n, d), float32, and their rows and columns (n, 2) as parts of the image."""

    descriptors: NDArray[np.float32]
    positions: NDArray[np.float64]


def concatenate(parts: Sequence[LocalDescriptors]) -> LocalDescriptors:
    """Return the descriptors and positions of all parts, one part after the other."""
    return LocalDescriptors(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def descriptor_length(color: str) -> int:
    """Return the length of a descriptor over all channels."""
    return DESCRIPTOR_SIZE * (1 if color == "gray" else 3)


def describe_grid(
    image: NDArray[np.uint8],
    step: float,
    bin_size: Any,
    *,
    color: str = "gray",
    min_norm: float = 0.0,
    root: bool = True,
) -> LocalDescriptors:
    """Return dense SIFT descriptors, those of the channels side by side: (n, 128 * n_channels).

    Left out are patches whose norm before normalisation is above `min_norm` in no channel.
    """
    channels = [dense_sift(c, step, bin_size, root=root) for c in _channels(image, color)]
    norms = np.max([dense.norms for dense in channels], axis=0)
    descriptors = np.hstack([dense.descriptors for dense in channels])
    positions = _positions(channels[0].frames, image)
    chosen = norms > min_norm
    if chosen.all():
        return LocalDescriptors(descriptors, positions)
    return LocalDescriptors(descriptors[chosen], positions[chosen])


def describe_keypoints(image: NDArray[np.uint8], *, root: bool = True) -> LocalDescriptors:
    """Return the SIFT descriptors at the keypoints of the grey image: (n, 128)."""
    found = sift(image, root=root)
    return LocalDescriptors(found.descriptors, _positions(found.keypoints, image))


def _positions(frames: NDArray[np.float32], image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return rows and columns as parts of the height and width, in [0, 1): pixel 0 is at 1/2."""
    positions = (frames[:, :2].astype(np.float64) + 0.5) / image.shape[:2]
    return np.clip(positions, 0, np.nextafter(1.0, 0.0))


def _channels(image: NDArray[np.uint8], color: str) -> list[NDArray[Any]]:
    """Return the channels of a colour space, each an image on its own.

    "opponent" is intensity, red against green and yellow against blue [1]_, each in [0, 1].

    References
    ----------
    .. [1] van de Sande, Gevers and Snoek, "Evaluating color descriptors for object and scene
       recognition", PAMI 32(9), 2010, DOI 10.1109/TPAMI.2009.154.
    """
    if color == "gray":
        return [image]
    if image.ndim == 2:
        image = np.repeat(image[:, :, np.newaxis], 3, axis=2)
    if color == "rgb":
        return list(np.moveaxis(image, 2, 0))
    red, green, blue = np.moveaxis(image, 2, 0).astype(np.float32) / np.float32(255)
    intensity = (red + green + blue) / 3
    return [intensity, (red - green + 1) / 2, (red + green - 2 * blue + 2) / 4]
