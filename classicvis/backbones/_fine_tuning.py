"""A trained backbone with a new head: the head learns first, then the last blocks with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from classicvis.backbones._architectures import Design, probabilities
from classicvis.backbones._inference import BatchRunner
from classicvis.backbones._networks import leaf_layers
from classicvis.backbones._pooling import pooled
from classicvis.backbones._training import Course, History, Samples, fit_network
from classicvis.backbones.keras import load_keras

FineTune: TypeAlias = Literal["head", "all"] | int

_BLOCK_ENDS = {"Add", "Concatenate", "MaxPooling2D", "AveragePooling2D"}
_NORMS = {"BatchNormalization", "SyncBatchNormalization"}


def with_head(backbone: Any, n_classes: int, design: Design) -> Any:
    """Return a network from images to probabilities: a backbone, its mean features, a new head.

    Parameters
    ----------
    backbone : keras.Model
        From images to a map of features or to rows; its layers become those of the network.
    n_classes : int
        Probabilities per image.
    design : Design
        Dropout and penalty of the head.

    Returns
    -------
    keras.Model
        From images to (None, n_classes).
    """
    features = pooled(backbone, "avg")
    outputs = probabilities(features.output, n_classes, design)
    return load_keras().Model(features.input, outputs)


def fine_tune(
    network: Any,
    learn: Samples,
    validate: Samples | None,
    course: Course,
    history: History,
    *,
    extent: FineTune,
    learning_rate: float,
    seed: int,
) -> None:
    """Train the head of a network, then its last blocks as well.

    Parameters
    ----------
    network : keras.Model
        From `with_head`.
    learn, validate : Samples
        Images to learn from, and to score after each epoch.
    course : Course
        How to train; each of the two stages has its epochs.
    history : dict of str to list of float
        Gets the figures of both stages, one after the other; see `fit_network`.
    extent : {"head", "all"} or int
        What is trained: the head alone, the whole network, or the head and so many last blocks.
    learning_rate : float
        Of the second stage; the first has that of the course.
    seed : int
        Orders and changes the images.

    Notes
    -----
    The head learns from rows of features that are computed once, from the images as they are:
    the first stage costs a single pass over the images. Batch normalisation of the backbone stays
    in inference mode, with the statistics it was trained with.
    """
    keras = load_keras()
    *_, dropout, scores, softmax = network.layers
    features = keras.Model(network.input, dropout.input)
    rows = keras.Input(features.output_shape[1:])
    head = keras.Model(rows, softmax(scores(dropout(rows))))
    compute = BatchRunner(features, course.batch_size)
    fit_network(
        head,
        replace(learn, inputs=compute(learn.inputs)),
        validate and replace(validate, inputs=compute(validate.inputs)),
        replace(course, augmentation=None),
        history,
        seed=seed,
    )
    if extent != "head":
        _release(features, extent)
        course = replace(course, learning_rate=learning_rate)
        fit_network(network, learn, validate, course, history, seed=seed + 1)


def _release(features: Any, extent: FineTune) -> None:
    """Let all blocks learn, or so many last ones, but for their batch normalisation."""
    layers = list(leaf_layers(features))
    for layer in layers:
        layer.trainable = type(layer).__name__ not in _NORMS
    if isinstance(extent, int):
        for block in list(_blocks(layers))[:-extent]:
            for layer in block:
                layer.trainable = False


def _blocks(layers: list[Any]) -> Iterator[list[Any]]:
    """Yield layers up to where paths meet or the map is pooled, if they have weights to train."""
    block: list[Any] = []
    for i, layer in enumerate(layers):
        block.append(layer)
        if type(layer).__name__ in _BLOCK_ENDS or i == len(layers) - 1:
            if any(layer.trainable_weights for layer in block):
                yield block
            block = []
