"""What the parameters of `CnnClassifier` may be, and the network that they stand for."""

from __future__ import annotations

import os
from math import inf
from numbers import Integral, Real
from typing import Any

from classicvis.backbones._architectures import ARCHITECTURES, MIN_SIZE, Design, build_network
from classicvis.backbones._augmentation import make_augmentation
from classicvis.backbones._cards import backbone_card, backbone_names
from classicvis.backbones._fine_tuning import with_head
from classicvis.backbones._networks import build_backbone
from classicvis.backbones._state import copied, is_model
from classicvis.backbones._training import SCHEDULES
from classicvis.exceptions import ParameterError, unknown_name
from classicvis.images import ImageSequence

MAX_SIZE = 96  # pixels that a network from scratch gets of larger images, unless told

_COUNTS = ("epochs", "batch_size")
_COUNTS_OR_NONE = ("width", "patience")
_SHARES = {  # with their limits; the least is 0
    "l2": inf,
    "dropout": 0.95,
    "label_smoothing": 0.95,
    "validation_fraction": 0.5,
}
_RATES = ("learning_rate", "fine_tune_learning_rate")


def check_cnn_params(params: Any) -> None:
    """Raise ParameterError for a parameter of an estimator that is out of its range."""
    for name in _COUNTS + _COUNTS_OR_NONE:
        value = getattr(params, name)
        if not (_is_count(value) or (value is None and name in _COUNTS_OR_NONE)):
            raise ParameterError(f"{name}={value!r}: expected a positive integer.")
    for name in _RATES:
        if not _is_number(value := getattr(params, name)) or not 0 < value < inf:
            raise ParameterError(f"{name}={value!r}: expected a positive number.")
    for name, limit in _SHARES.items():
        if not _is_number(value := getattr(params, name)) or not 0 <= value <= limit:
            raise ParameterError(f"{name}={value!r}: expected a number from 0 to {limit}.")
    if params.schedule not in SCHEDULES:
        raise unknown_name("schedule", params.schedule, SCHEDULES)
    if params.fine_tune not in ("head", "all") and not _is_count(params.fine_tune):
        raise ParameterError(
            f"fine_tune={params.fine_tune!r}: expected 'head', 'all' or a positive number of "
            "blocks."
        )
    size = params.image_size
    if size is not None and not (
        isinstance(size, tuple | list) and len(size) == 2 and all(map(_is_count, size))
    ):
        raise ParameterError(f"image_size={size!r}: expected (height, width) in pixels, or None.")
    make_augmentation(params.augment)
    _check_network(params.network)


def is_backbone(network: Any) -> bool:
    """Return whether a network gets a new head: names besides ours, files, models."""
    if isinstance(network, str):
        return network not in ARCHITECTURES
    return isinstance(network, os.PathLike) or is_model(network)


def new_network(params: Any, images: ImageSequence, n_classes: int) -> Any:
    """Return the untrained network of an estimator, from images to probabilities."""
    design = Design(params.width, params.dropout, params.l2)
    if is_backbone(params.network):
        # Training changes weights: the caller's own model stays as it is.
        network = copied(params.network) if is_model(params.network) else params.network
        size = params.image_size and tuple(params.image_size)
        backbone = build_backbone(network, weights=params.weights, input_size=size)
        return with_head(backbone, n_classes, design)
    shape = _scratch_shape(params.image_size, images)
    if isinstance(params.network, str):
        return build_network(params.network, shape, n_classes, design)
    network = params.network(shape, n_classes)
    expected = ((None, *shape), (None, n_classes))
    found = tuple(getattr(network, name, None) for name in ("input_shape", "output_shape"))
    if found != expected:
        raise ParameterError(
            f"network={params.network!r}: found a network from {found[0]} to {found[1]}, "
            f"expected one from {expected[0]} to {expected[1]}."
        )
    return network


def _check_network(network: Any) -> None:
    if isinstance(network, str):
        if network not in ARCHITECTURES and not network.endswith(".keras"):
            try:
                backbone_card(network)
            except ParameterError:
                raise unknown_name(
                    "network", network, [*ARCHITECTURES, *backbone_names()]
                ) from None
    elif not (isinstance(network, os.PathLike) or callable(network)):
        raise ParameterError(
            f"network={network!r}: expected a name such as 'simple' or 'MobileNetV2', a .keras "
            "file, a keras.Model, or a function that returns one."
        )


def _scratch_shape(
    image_size: tuple[int, int] | None, images: ImageSequence
) -> tuple[int, int, int]:
    first = images[0].shape
    height, width = image_size or (min(first[0], MAX_SIZE), min(first[1], MAX_SIZE))
    if min(height, width) < MIN_SIZE:
        raise ParameterError(
            f"found images of {height}x{width} pixels, expected at least {MIN_SIZE}x{MIN_SIZE}; "
            "give a larger image_size."
        )
    return height, width, 1 if len(first) == 2 else 3


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
