"""Networks by name, file, factory or model: what they compute, and what they refuse."""

from __future__ import annotations

import random

import numpy as np
import pytest

from classicvis import ModelFileError, ParameterError
from classicvis.backbones._cards import backbone_card, backbone_names
from classicvis.backbones._networks import build_backbone
from classicvis.backbones._pooling import in_mixed_precision, pooled, with_mirror_image
from classicvis.backbones._state import model_bytes, model_from_bytes

SMALL = "MobileNetV2-0.35"


@pytest.fixture(scope="module")
def photos(flower):
    """Four parts of a photo: uint8 of shape (4, 64, 64, 3)."""
    return np.stack([flower[r : r + 64, c : c + 64] for r in (100, 200) for c in (200, 300)])


@pytest.fixture(scope="module")
def network(keras):
    """A small network with a map of 5 x 7 values, and its classifier."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((11, 15, 3)),
        keras.layers.Rescaling(1 / 255, name="zero_to_one"),
        keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="convolution"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, name="scores"),
    ]
    return keras.Sequential(layers)


def test_cards_name_the_networks_of_keras(keras):
    """There is a card for every network of keras.applications, and no other."""
    known = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {backbone_card(name).application for name in backbone_names()} == known


def test_names_are_found_without_punctuation():
    """Case and punctuation do not matter; an unknown name proposes the nearest."""
    assert backbone_card("mobilenet_v2 0.35") is backbone_card(SMALL)
    assert backbone_card("resnet50v2").name == "ResNet50V2"
    with pytest.raises(ParameterError, match=r"unknown backbone 'ResNet5O'.*'ResNet50'"):
        backbone_card("ResNet5O")


@pytest.mark.parametrize(
    ("name", "module"),
    [(SMALL, "mobilenet_v2"), ("VGG16", "vgg16"), ("DenseNet121", "densenet")],
)
def test_scaling_is_that_of_keras(keras, photos, name, module):
    """A network scales its input as the preprocess_input of its module does."""
    scaling = build_backbone(name, weights=None, input_size=(64, 64), layer="scaling")
    expected = getattr(keras.applications, module).preprocess_input(photos.astype(np.float32))
    np.testing.assert_allclose(scaling.predict_on_batch(photos), expected, atol=1e-5)


def test_network_is_that_of_keras(keras, photos, shared_data):
    """With the same weights a named network gives the map of keras.applications."""
    weights = shared_data / "weights" / "mobilenet_v2_035_224_imagenet_notop.weights.h5"
    bare = keras.applications.MobileNetV2((64, 64, 3), 0.35, include_top=False, weights=weights)
    scaled = keras.applications.mobilenet_v2.preprocess_input(photos.astype(np.float32))
    network = build_backbone(SMALL, weights=weights, input_size=(64, 64))
    expected = bare.predict_on_batch(scaled)
    assert expected.max() > 1
    np.testing.assert_allclose(network.predict_on_batch(photos), expected, atol=1e-4)


def test_random_weights_follow_the_seed():
    """Random weights depend on the seed alone, and leave Python's generator as it was."""
    state = random.getstate()
    build = {"weights": None, "input_size": (32, 32)}
    first, again, other = (
        build_backbone(SMALL, random_state=seed, **build).get_weights() for seed in (1, 1, 2)
    )
    assert random.getstate() == state
    assert all(map(np.array_equal, first, again))
    assert not np.array_equal(first[0], other[0])


def test_map_is_the_last_before_pooling(network):
    """Without a layer the last map is taken; a layer can be named, one of rows as well."""
    assert build_backbone(network).output_shape == (None, 5, 7, 4)
    assert build_backbone(network, layer="zero_to_one").output_shape == (None, 11, 15, 3)
    rows = build_backbone(network, layer="scores")
    assert pooled(rows, "avg").output_shape == (None, 3)


def test_network_inside_a_network(keras, network):
    """A map may come from a network that is a layer of another, as in transfer learning."""
    inside = build_backbone(network)
    layers = [keras.Input((11, 15, 3)), inside, keras.layers.GlobalMaxPooling2D()]
    images = np.arange(2 * 11 * 15 * 3).reshape(2, 11, 15, 3).astype(np.uint8)
    found = build_backbone(keras.Sequential(layers)).predict_on_batch(images)
    np.testing.assert_allclose(found, inside.predict_on_batch(images), atol=1e-6)


def test_other_size_keeps_the_weights(keras, network):
    """A network for another size computes the same from the same place."""
    larger = build_backbone(network, input_size=(21, 25))
    images = np.random.default_rng(0).integers(0, 256, (2, 21, 25, 3)).astype(np.uint8)
    expected = build_backbone(network).predict_on_batch(images[:, :11, :15])
    np.testing.assert_allclose(larger.predict_on_batch(images)[:, :5, :7], expected, atol=1e-6)


def test_files_and_factories(keras, network, tmp_path):
    """A .keras file and a factory give the network that is in them, with weights from a file."""
    path = tmp_path / "netz 网.keras"
    network.save(path)
    images = np.full((1, 11, 15, 3), 99, np.uint8)
    expected = build_backbone(network).predict_on_batch(images)
    for backbone in (path, str(path), lambda: network):
        np.testing.assert_array_equal(build_backbone(backbone).predict_on_batch(images), expected)
    other = keras.models.clone_model(network)
    assert not np.array_equal(build_backbone(other).predict_on_batch(images), expected)
    found = build_backbone(other, weights=path).predict_on_batch(images)
    np.testing.assert_array_equal(found, expected)


def _regions(maps, grid):
    """The regions of maps by adaptive windows, as PyTorch's AdaptiveAvgPool2d takes them."""
    _, height, width, _ = maps.shape
    for i in range(grid[0]):
        for j in range(grid[1]):
            top, bottom = np.floor(i * height / grid[0]), np.ceil((i + 1) * height / grid[0])
            left, right = np.floor(j * width / grid[1]), np.ceil((j + 1) * width / grid[1])
            yield maps[:, int(top) : int(bottom), int(left) : int(right)]


@pytest.mark.parametrize("grid", [(1, 1), (2, 2), (2, 3), (5, 7)])
@pytest.mark.parametrize("pooling", ["avg", "max", "gem"])
def test_pooling(network, pooling, grid):
    """Regions are pooled by their mean, maximum or generalised mean, row by row."""
    images = np.random.default_rng(0).integers(0, 256, (3, 11, 15, 3)).astype(np.uint8)
    backbone = build_backbone(network)
    maps = backbone.predict_on_batch(images).astype(float)
    summary = {
        "avg": lambda region: region.mean((1, 2)),
        "max": lambda region: region.max((1, 2)),
        "gem": lambda region: (np.maximum(region, 1e-6) ** 3).mean((1, 2)) ** (1 / 3),
    }
    expected = np.hstack([summary[pooling](region) for region in _regions(maps, grid)])
    found = pooled(backbone, pooling, grid).predict_on_batch(images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_flatten_keeps_the_map(network):
    """Pooling by "flatten" gives all values of the map."""
    images = np.full((1, 11, 15, 3), 50, np.uint8)
    backbone = build_backbone(network)
    found = pooled(backbone, "flatten").predict_on_batch(images)
    np.testing.assert_array_equal(found, backbone.predict_on_batch(images).reshape(1, -1))


def test_mirror_image(network):
    """The average with the mirror image is mirrored when the image is."""
    images = np.random.default_rng(0).integers(0, 256, (2, 11, 15, 3)).astype(np.uint8)
    plain = build_backbone(network)
    maps, mirrored = plain.predict_on_batch(images), plain.predict_on_batch(images[:, :, ::-1])
    both = with_mirror_image(plain).predict_on_batch(images)
    np.testing.assert_allclose(both, (maps + mirrored[:, :, ::-1]) / 2, atol=1e-6)
    assert np.abs(both - maps).max() > 1e-3


def test_mixed_precision(network):
    """In mixed precision a copy computes about the same in float16; the network stays as it is."""
    images = np.random.default_rng(0).integers(0, 256, (2, 11, 15, 3)).astype(np.uint8)
    plain = pooled(build_backbone(network), "avg")
    expected = plain.predict_on_batch(images)
    mixed = in_mixed_precision(plain)
    assert mixed.get_layer("convolution").compute_dtype == "float16"
    assert plain.get_layer("convolution").compute_dtype == "float32"
    np.testing.assert_allclose(mixed.predict_on_batch(images), expected, atol=0.01)


def test_bytes_give_the_network_back(network):
    """A network survives the way through bytes; damaged bytes are told in one sentence."""
    images = np.full((1, 11, 15, 3), 50, np.uint8)
    data = model_bytes(network)
    found = model_from_bytes(data).predict_on_batch(images)
    np.testing.assert_array_equal(found, network.predict_on_batch(images))
    with pytest.raises(ModelFileError, match="cannot rebuild"):
        model_from_bytes(data[:100])


def test_refused_networks(keras, network):
    """Each unusable network, layer or size is one sentence that says what to do."""
    flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    two = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(1, 1)])
    any_size = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)])
    refused = [
        (lambda: build_backbone(flat), "no layer with a map.*name the layer"),
        (lambda: build_backbone(two), "1 or 3"),
        (lambda: build_backbone(any_size), "give image_size"),
        (lambda: build_backbone(3), "expected the name of a network"),
        (lambda: build_backbone(network, layer="convolutions"), "did you mean 'convolution'"),
        (lambda: build_backbone(network, layer="scores", input_size=(2, 2)), "leave image_size"),
        (lambda: build_backbone("InceptionV3", weights=None, input_size=(64, 64)), "75x75"),
        (lambda: pooled(build_backbone(network), "mean"), "unknown pooling 'mean'"),
        (lambda: pooled(build_backbone(network), "avg", (6, 2)), "5x7 values only"),
    ]
    for build, message in refused:
        with pytest.raises(ParameterError, match=message):
            build()
    assert build_backbone(any_size, input_size=(9, 9)).output_shape == (None, 9, 9, 1)


def test_refused_weights(keras, network, tmp_path):
    """Missing, foreign, damaged and misnamed files of weights are told apart, by one sentence."""
    other = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "damaged.weights.h5").write_bytes(b"no weights")
    (tmp_path / "damaged.keras").write_bytes(b"no network")
    refused = [
        ("missing.weights.h5", "no such file"),
        ("other.weights.h5", "do not fit the network"),
        ("damaged.weights.h5", "do not fit the network"),
        ("weights.bin", "whose name ends in"),
    ]
    for name, message in refused:
        with pytest.raises(ModelFileError, match=message) as caught:
            build_backbone(network, weights=tmp_path / name)
        assert "\n" not in str(caught.value)
    for name in ("damaged.keras", "missing.keras"):
        with pytest.raises(ModelFileError, match=name):
            build_backbone(tmp_path / name)


def test_weights_that_cannot_be_downloaded(monkeypatch, tmp_path):
    """Without network access the sentence names the missing file, its folder and its address."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(ModelFileError) as caught:
        build_backbone("MobileNet-0.25", input_size=(160, 160))
    assert "mobilenet_2_5_160_tf_no_top.h5 in " in str(caught.value)
    assert "put it there from https://" in str(caught.value)
    assert "\n" not in str(caught.value)
