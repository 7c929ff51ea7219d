"""Batch normalisation folded into what comes before it."""

from __future__ import annotations

import numpy as np
import pytest

from classicvis.backbones._folding import folded
from classicvis.backbones._networks import build_backbone, leaf_layers

PIXELS = np.random.default_rng(0).normal(size=(3, 9, 8, 4)).astype(np.float32)


def trained(keras, *layers):
    """Return a network of layers in a row, with random weights and statistics."""
    network = keras.Sequential([keras.Input(PIXELS.shape[1:]), *layers])
    return with_random_weights(keras.Model(network.inputs[0], network.outputs[0]))


def with_random_weights(network):
    rng = np.random.default_rng(1)
    network.set_weights([rng.uniform(0.2, 1.5, weight.shape) for weight in network.get_weights()])
    return network


def n_normalisations(network) -> int:
    return sum(type(layer).__name__ == "BatchNormalization" for layer in leaf_layers(network))


def assert_folds(network, n_left: int) -> None:
    """Check that the answers are the same, and how many normalisations are left."""
    expected = network.predict_on_batch(PIXELS)
    found = folded(network)
    assert n_normalisations(found) == n_left
    np.testing.assert_allclose(found.predict_on_batch(PIXELS), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(network.predict_on_batch(PIXELS), expected)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False}, {"epsilon": 0.3}])
@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("Conv2D", {"filters": 5, "kernel_size": 3}),
        ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}),
        ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}),
        ("Dense", {"units": 5}),
    ],
)
def test_answers_stay(keras, layer, size, use_bias, options):
    """Each kind of layer takes the factors and offsets of a normalisation over."""
    before = getattr(keras.layers, layer)(**size, use_bias=use_bias)
    after = keras.layers.BatchNormalization(**options)
    assert_folds(trained(keras, before, after, keras.layers.ReLU()), n_left=0)


def test_what_cannot_be_folded_stays(keras):
    """An activation or something else between the two, or another axis, keep them apart."""
    layers = keras.layers
    norm = layers.BatchNormalization
    assert_folds(trained(keras, layers.Conv2D(5, 3, activation="relu"), norm()), n_left=1)
    assert_folds(trained(keras, layers.Conv2D(5, 3), layers.ReLU(), norm()), n_left=1)
    assert_folds(trained(keras, layers.Conv2D(5, 3), norm(axis=1)), n_left=1)
    assert_folds(trained(keras, norm(), layers.Conv2D(5, 3)), n_left=1)
    assert_folds(trained(keras, layers.Conv2D(5, 3), norm(), norm()), n_left=1)


def test_what_others_read_stays(keras):
    """A map that is read twice, a layer used twice and an output keep their values."""
    layers = keras.layers
    images = keras.Input(PIXELS.shape[1:])
    maps = layers.Conv2D(4, 3, padding="same")(images)
    both = layers.Add()([layers.BatchNormalization()(maps), maps])
    assert_folds(with_random_weights(keras.Model(images, both)), n_left=1)
    shared = layers.Conv2D(4, 3, padding="same")
    both = layers.Add()([layers.BatchNormalization()(shared(images)), shared(both)])
    assert_folds(with_random_weights(keras.Model(images, both)), n_left=2)


def test_network_inside_a_network(keras):
    """A network that is a layer of another is copied as it is."""
    layers = keras.layers
    inside = trained(keras, layers.Conv2D(4, 3), layers.BatchNormalization())
    outside = trained(keras, inside, layers.Conv2D(4, 3), layers.BatchNormalization())
    assert_folds(outside, n_left=1)


def test_a_layer_that_cannot_be_copied(keras):
    """A network with a layer that does not tell how it was made stays as it is."""

    class Times(keras.layers.Layer):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def call(self, x):
            return x * self.factor

        def get_config(self):
            return super().get_config()

    network = trained(keras, keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), Times(2))
    assert folded(network) is network


@pytest.mark.parametrize(
    ("name", "n_left"), [("MobileNetV2-0.35", 0), ("EfficientNetB0", 0), ("ResNet50V2", 17)]
)
@pytest.mark.slow
def test_named_networks(name, n_left):
    """Those of keras.applications lose every normalisation that follows a convolution."""
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    network = build_backbone(name, weights=None, input_size=(64, 64), random_state=0)
    found = folded(network)
    assert n_normalisations(found) == n_left
    expected = network.predict_on_batch(images)
    np.testing.assert_allclose(found.predict_on_batch(images), expected, atol=1e-4)
