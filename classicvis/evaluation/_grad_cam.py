"""Grad-CAM: where the last feature maps of a network speak for a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicvis.backbones._networks import layer_output
from classicvis.backbones.keras import load_keras, network_lock, value_and_gradient
from classicvis.exceptions import ParameterError

_BATCH = 16  # images whose maps and gradients are in memory at a time


def grad_cam(scores: Any, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the class activation maps of images by the gradient of their scores.

    Parameters
    ----------
    scores : keras.Model
        From images to scores before any softmax; `Network.scores`.
    images : ndarray of shape (n, h, w, c), float32
        What the network takes.
    weights : ndarray of shape (n, n_scores)
        What is explained of each image: its score is the sum of the network's, weighted by these;
        one 1 among zeros for a class.

    Returns
    -------
    ndarray of shape (n, rows, columns), float32
        At the resolution of the last map with more than one place; not negative, not scaled.

    Notes
    -----
    Equations 1 and 2 of [1]_: each channel of the maps is weighted by the mean of its gradient
    over all places, and what the sum has below zero is cut off. Behind the mean over all places
    and one dense layer this is the class activation map of [2]_, divided by the number of places.

    Rows of unit length (`Network.scores` leaves that step out) would spoil it: nothing along the
    row itself changes them, so their gradient only weighs places against each other. Over 12
    photos of 8 classes, maps agree better with those of occlusion without it: mean correlation
    0.47 instead of 0.36.

    References
    ----------
    .. [1] Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based
       localization", IJCV 128, 2020, DOI 10.1007/s11263-019-01228-7
    .. [2] Zhou et al., "Learning deep features for discriminative localization", CVPR 2016,
       DOI 10.1109/CVPR.2016.319
    """
    keras = load_keras()
    ops, chosen = keras.ops, np.asarray(weights, np.float32)
    with network_lock:
        features = _last_maps(scores)
        front, back = (
            keras.Model(scores.inputs[0], features),
            keras.Model(features, scores.outputs[0]),
        )
        found = []
        for start in range(0, len(images), _BATCH):
            part = slice(start, start + _BATCH)
            maps = np.asarray(front.predict_on_batch(images[part]), np.float32)

            def explained(maps: Any, chosen: np.ndarray = chosen[part]) -> Any:
                return ops.sum(
                    ops.multiply(ops.cast(back(maps, training=False), "float32"), chosen)
                )

            _, gradient = value_and_gradient(explained, maps)
            importance = gradient.mean(axis=(1, 2), keepdims=True)
            found.append(np.maximum((importance * maps).sum(axis=3), 0))
    return np.concatenate(found)


def _last_maps(network: Any) -> Any:
    """Return the output of the last layer that still has places, all of them."""
    keras = load_keras()
    for layer in reversed(network.layers):
        output = layer_output(layer)
        is_part = isinstance(layer, keras.layers.InputLayer | keras.layers.Cropping2D)
        if not is_part and output.ndim == 4 and output.shape[1] * output.shape[2] > 1:
            return output
    raise ParameterError(
        f"the network {network.name} has no layer with a map of features, expected one for "
        "Grad-CAM; use method='occlusion'."
    )
