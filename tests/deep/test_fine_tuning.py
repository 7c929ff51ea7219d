"""Backbones with a new head."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from classicvis import CnnClassifier, load_image_folder
from classicvis.backbones._fine_tuning import _blocks, _release
from classicvis.backbones._networks import build_backbone, drawn_from, leaf_layers
from classicvis.exceptions import ModelFileError

QUICK = {"epochs": 3, "learning_rate": 1e-2, "batch_size": 16, "dropout": 0.0, "random_state": 0}
MOBILENET = "weights/mobilenet_v2_035_224_imagenet_notop.weights.h5"


@pytest.fixture
def backbone(keras):
    """Two blocks of convolution and batch normalisation with statistics of its own."""
    with drawn_from(0):
        layers = keras.layers
        images = keras.Input((16, 16, 3))
        x = layers.Rescaling(1 / 255)(images)
        for name in ("first", "second"):
            x = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"{name}_conv")(x)
            x = layers.BatchNormalization(name=f"{name}_norm")(x)
            x = layers.MaxPooling2D(2)(x)
        model = keras.Model(images, x)
    for name in ("first_norm", "second_norm"):
        gamma, beta, mean, variance = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([gamma, beta + 0.1, mean + 0.2, variance])
    return model


@pytest.fixture(scope="module")
def tiles(texture_tiles) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = texture_tiles
    return np.stack([pixels] * 3, axis=-1), labels


def changed_layers(model, backbone) -> set[str]:
    names = [layer.name for layer in backbone.layers if layer.weights]
    return {
        name
        for name in names
        if any(
            not np.array_equal(a, b)
            for a, b in zip(
                model.get_layer(name).get_weights(),
                backbone.get_layer(name).get_weights(),
                strict=True,
            )
        )
    }


@pytest.mark.parametrize(
    ("extent", "expected"),
    [
        ("head", set()),
        (1, {"second_conv"}),
        ("all", {"first_conv", "second_conv"}),
    ],
)
def test_only_what_is_asked_for_is_trained(backbone, tiles, extent, expected):
    """Blocks change as far as asked for, batch normalisation and the caller's model never."""
    before = [np.array(weights) for weights in backbone.get_weights()]
    model = CnnClassifier(backbone, fine_tune=extent, **QUICK).fit(*tiles)
    assert changed_layers(model.model_, backbone) == expected
    assert all(map(np.array_equal, backbone.get_weights(), before))
    stages = 1 if extent == "head" else 2
    assert len(model.history_["loss"]) == stages * QUICK["epochs"]
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_stages_have_their_own_learning_rates(backbone, tiles):
    """The head learns at learning_rate, all of it at fine_tune_learning_rate."""
    params = {**QUICK, "schedule": "constant", "fine_tune_learning_rate": 3e-4}
    model = CnnClassifier(backbone, **params).fit(*tiles)
    np.testing.assert_allclose(model.history_["learning_rate"], [1e-2] * 3 + [3e-4] * 3, rtol=1e-5)


def test_a_later_stage_does_not_lose_what_the_head_had(backbone, tiles):
    """The network has the best weights of both stages."""
    params = {**QUICK, "fine_tune_learning_rate": 5.0, "validation_fraction": 0.25}
    model = CnnClassifier(backbone, **params).fit(*tiles)
    losses = model.history_["val_loss"]
    assert np.argmin(losses) < 3 < len(losses)
    assert changed_layers(model.model_, backbone) == set()


def test_a_file_is_a_backbone(backbone, tiles, tmp_path):
    """A .keras file gives what the model that was saved there gives."""
    backbone.save(tmp_path / "backbone.keras")
    params = {**QUICK, "epochs": 1, "fine_tune": "head"}
    for path in (tmp_path / "backbone.keras", str(tmp_path / "backbone.keras")):
        found = CnnClassifier(path, **params).fit(*tiles).predict_proba(tiles[0][:3])
        expected = CnnClassifier(backbone, **params).fit(*tiles).predict_proba(tiles[0][:3])
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_model_as_parameter_is_pickled(backbone, tiles):
    """An estimator whose parameter is a live model comes back with an equal one."""
    model = pickle.loads(pickle.dumps(CnnClassifier(backbone, **QUICK)))
    assert all(map(np.array_equal, model.network.get_weights(), backbone.get_weights()))


def test_a_function_builds_a_network_from_scratch(keras, tiles):
    """A function of shape and number of classes returns the whole network."""

    def build(shape, n_classes):
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input(shape),
                layers.Rescaling(1 / 255),
                layers.Conv2D(4, 5, strides=4, activation="relu"),
                layers.GlobalMaxPooling2D(),
                layers.Dense(n_classes, activation="softmax"),
            ]
        )

    model = CnnClassifier(build, image_size=(32, 32), **QUICK).fit(*tiles)
    assert model.image_shape_ == (32, 32, 3)
    assert len(model.history_["loss"]) == QUICK["epochs"]


def test_blocks_end_where_paths_meet():
    """ResNet50's last block is the last of its residual blocks."""
    network = build_backbone("ResNet50", weights=None, input_size=(32, 32))
    blocks = list(_blocks(list(leaf_layers(network))))
    assert len(blocks) == 1 + 16
    with_weights = {layer.name for layer in blocks[-1] if layer.weights}
    assert {name.rpartition("_")[0] for name in with_weights} == {
        f"conv5_block3_{i}" for i in (1, 2, 3)
    }
    _release(network, 1)
    trained = {layer.name for layer in network.layers if layer.trainable_weights}
    assert trained == {f"conv5_block3_{i}_conv" for i in (1, 2, 3)}


def test_models_inside_a_model_are_released_too(keras, backbone):
    """Batch normalisation stays as it is at any depth."""
    outer = keras.Sequential([keras.Input((16, 16, 3)), backbone, keras.layers.Conv2D(2, 1)])
    _release(outer, "all")
    assert not backbone.get_layer("first_norm").trainable_weights
    assert backbone.get_layer("first_conv").trainable_weights
    _release(outer, 1)
    assert not backbone.get_layer("second_conv").trainable_weights
    assert outer.layers[-1].trainable_weights


@pytest.mark.slow
def test_mobilenet_learns_hands(shared_data, tmp_path):
    """A published backbone with weights from a file tells hand signs apart after two epochs."""
    import zipfile

    with zipfile.ZipFile(shared_data / "sign-language-digits.zip") as archive:
        names = [n for n in archive.namelist() if n.upper().endswith(".JPG")]
        chosen = [name for name in names if Path(name).parent.name in "01"]
        archive.extractall(tmp_path, chosen[::8])
    data = load_image_folder(tmp_path)
    model = CnnClassifier(
        "MobileNetV2-0.35", weights=shared_data / MOBILENET, image_size=(96, 96), epochs=2,
        fine_tune=1, batch_size=8, random_state=0,
    )  # fmt: skip
    model.fit(data.images, data.labels)
    assert model.score(data.images, data.labels) > 0.9


def test_weights_that_do_not_fit(shared_data, tiles):
    """Weights of another network are refused in a sentence."""
    model = CnnClassifier("MobileNetV2-0.5", weights=shared_data / MOBILENET, image_size=(96, 96))
    with pytest.raises(ModelFileError, match="weights do not fit the network"):
        model.fit(*tiles)
