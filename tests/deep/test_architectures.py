"""Networks that are trained from scratch."""

from __future__ import annotations

import numpy as np
import pytest

from classicvis.backbones._architectures import ARCHITECTURES, Design, build_network

PLAIN = Design(None, 0.0, 0.0)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (33, 47, 3), (96, 96, 3)])
def test_networks_take_images_of_any_size(keras, name, shape):
    """Every network maps uint8 images of 8 pixels and more to probabilities."""
    network = build_network(name, shape, 5, PLAIN)
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    found = keras.ops.convert_to_numpy(network(images))
    assert found.shape == (2, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert network.count_params() < 1e6


def test_lenet_has_the_parameters_of_the_textbook():
    """LeNet-5 with full connections has 61,706 parameters for MNIST."""
    assert build_network("lenet", (28, 28, 1), 10, PLAIN).count_params() == 61_706


def test_simple_is_the_network_of_the_textbook():
    """For MNIST it is two convolutions with pooling and a dense layer."""
    layers = build_network("simple", (28, 28, 1), 10, PLAIN).layers
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds[2:-3] == ["Conv2D", "MaxPooling2D"] * 2 + ["Flatten", "Dense"]
    assert kinds[-3:] == ["Dropout", "Dense", "Activation"]


def test_resnet_has_paths_that_meet():
    """The residual network has two residual blocks, more halvings for larger images."""
    small, large = (build_network("resnet", (n, n, 3), 10, PLAIN) for n in (32, 128))
    for network in (small, large):
        assert sum(type(layer).__name__ == "Add" for layer in network.layers) == 2
    pools = [sum(type(x).__name__ == "MaxPooling2D" for x in n.layers) for n in (small, large)]
    assert pools == [3, 5]


def test_width_dropout_and_penalty_are_used():
    """The design reaches the layers."""
    for name in ARCHITECTURES:
        narrow = build_network(name, (32, 32, 3), 3, Design(4, 0.5, 1e-3))
        assert narrow.count_params() < build_network(name, (32, 32, 3), 3, PLAIN).count_params()
        assert narrow.layers[-3].rate == 0.5
        n_kernels = sum(type(layer).__name__ in ("Conv2D", "Dense") for layer in narrow.layers)
        assert len(narrow.losses) == n_kernels
