"""From images and labels to what a network learns from: pixels, a held-out part, weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from tempfile import TemporaryFile
from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.utils import check_consistent_length, compute_class_weight

from classicvis.backbones._inference import prepared
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import ImageSequence

ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None

_MAX_IN_MEMORY = 1 << 30  # bytes of pixels; more of them wait in a file


def decoded(images: ImageSequence, shape: tuple[int, int, int], n_jobs: int | None) -> np.ndarray:
    """Return all images in one array, decoded once.

    Parameters
    ----------
    images : ImageSequence
        Of any sizes.
    shape : (int, int, int)
        Height, width and channels (1 or 3) that they are brought to.
    n_jobs : int or None
        Threads.

    Returns
    -------
    ndarray of shape (n_images, height, width, channels), uint8
        The array of `images` itself where it is one of this shape; mapped from a temporary file
        above 1 GiB.

    Raises
    ------
    ImageError
        If an image cannot be read, whatever the error policy: its label cannot be left out here.
    """
    ready = images.pixels()
    if ready is not None:
        ready = ready.reshape(*ready.shape[:3], -1)
        if ready.shape[1:] == shape:
            return ready
    pixels = _empty((len(images), *shape))
    n_read = 0
    with closing(prepared(images, shape, n_jobs)) as parts:
        for part in parts:
            pixels[part.positions] = part.pixels
            n_read += len(part)
    if n_read < len(images):
        raise ImageError(
            f"{len(images) - n_read} of {len(images)} images cannot be read, expected all of them "
            "to learn from; leave them out, for example with load_image_folder(..., "
            "on_error='skip')."
        )
    return pixels


def split(
    codes: np.ndarray, fraction: float, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Part samples: to learn from, and a fraction (at most 0.5) of every class to score on.

    A class too small for the fraction may be absent from the second part, never from the first.

    Returns
    -------
    learn, validate : ndarray of intp
        Numbers of the samples.
    """
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]  # class by class, at random inside
    order = order[np.bincount(codes)[codes[order]] > 1]
    steps = np.floor(np.arange(len(order) + 1) * fraction + rng.random_sample())
    validate = np.sort(order[np.diff(steps) > 0])
    return np.setdiff1d(np.arange(len(codes)), validate), validate


def encode(y: Any, classes: np.ndarray) -> np.ndarray:
    """Return the numbers of labels in `classes`; an unknown label raises ParameterError."""
    y = np.asarray(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ParameterError(
            f"found the label {unknown.tolist()[0]!r}, expected one of the {len(classes)} that fit "
            "saw; leave out images of other classes."
        )
    return np.searchsorted(classes, y)


def loss_weights(
    codes: np.ndarray, classes: np.ndarray, class_weight: ClassWeight, sample_weight: Any
) -> np.ndarray | None:
    """Return the factors of the losses of samples, float32; None if all are 1."""
    if class_weight is None and sample_weight is None:
        return None
    weights = np.ones(len(codes), np.float32)
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, np.float32)
        check_consistent_length(codes, sample_weight)
        if not (np.isfinite(sample_weight) & (sample_weight >= 0)).all():
            raise ParameterError(
                "sample_weight: found negative values or such that are not finite, expected a "
                "factor of the loss for each image."
            )
        weights *= sample_weight
    if class_weight is not None:
        factors = compute_class_weight(class_weight, classes=classes, y=classes[codes])
        weights *= factors.astype(np.float32)[codes]
    return weights


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    if np.prod(shape, dtype=float) <= _MAX_IN_MEMORY:
        return np.empty(shape, np.uint8)
    with TemporaryFile() as file:  # what is mapped stays until the array goes
        return np.memmap(file, np.uint8, shape=shape)
