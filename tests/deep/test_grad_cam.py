"""Grad-CAM: against class activation maps by hand, and on a square that decides the class."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC

from classicvis import ImagePreprocessor, build_pipeline, explain
from classicvis.backbones.keras import load_keras
from classicvis.classifiers import LinearSvm
from classicvis.evaluation._grad_cam import grad_cam
from classicvis.exceptions import ParameterError
from tests.deep.helpers import SIDE, Given, GivenFeatures, tiny_network


def activation_maps(network, images: np.ndarray) -> np.ndarray:
    keras = load_keras()
    inside = keras.Model(network.input, network.get_layer("maps").output)
    return inside.predict_on_batch(images)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (20, SIDE, SIDE, 3), dtype=np.uint8)


def test_behind_mean_pooling_it_is_the_class_activation_map(images):
    """Grad-CAM is relu(sum of w_k A_k) / places, w and A from the network [Zhou et al. 2016]."""
    network = tiny_network(3)
    pixels = images.astype(np.float32)
    found = grad_cam(network, pixels, np.eye(3)[np.arange(20) % 3])  # more than one batch
    maps = activation_maps(network, pixels)
    kernel = np.array(network.get_layer("scores").kernel.numpy())
    expected = np.stack([maps[i] @ kernel[:, i % 3] for i in range(20)])
    expected = np.maximum(expected, 0) / (maps.shape[1] * maps.shape[2])
    assert expected.max() > 0
    assert found.shape == (20, 7, 7)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_two_by_two_by_hand():
    """A map of 2x2 places and two channels, with the arithmetic written out."""
    keras = load_keras()
    inputs = keras.Input((2, 2, 2))
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")(inputs)
    outputs = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(maps))
    network = keras.Model(inputs, outputs)
    network.get_layer("maps").set_weights([np.eye(2).reshape(1, 1, 2, 2)])
    gradient = np.array([[[4.0, 1.0], [0.0, -1.0]], [[2.0, -3.0], [2.0, -5.0]]])  # of each value
    network.layers[-1].set_weights([gradient.reshape(8, 1)])
    image = np.array([[[[1.0, 0.0], [0.0, 3.0]], [[2.0, 1.0], [0.5, 0.5]]]], np.float32)
    # the means of the gradient are 2 for the first channel and -2 for the second
    expected = [[[2.0, 0.0], [2.0, 0.0]]]
    np.testing.assert_allclose(grad_cam(network, image, np.ones((1, 1))), expected, atol=1e-6)


@pytest.mark.parametrize("ending", ["softmax inside", "softmax after", "network inside"])
def test_scores_are_those_before_softmax(images, ending):
    """However a network ends, the maps of `explain` come from the scores and not their softmax."""
    keras = load_keras()
    scores = tiny_network(3)
    network = tiny_network(3, activation="softmax" if ending == "softmax inside" else None)
    if ending != "softmax inside":
        outputs = keras.layers.Softmax()(network.output)
        network = keras.Model(network.input, outputs)
    if ending == "network inside":
        network = keras.Sequential([keras.Input((SIDE, SIDE, 3)), network])
    model = Pipeline([("images", ImagePreprocessor((SIDE, SIDE))), ("classifier", Given(network))])
    model.fit(images, None)
    if ending == "network inside":
        with pytest.raises(ParameterError, match="use method='occlusion'"):
            explain(model, images[:2])
        return
    result = explain(model, images[:2], target="b")
    assert result.method == "grad_cam"
    raw = grad_cam(scores, images[:2].astype(np.float32), np.eye(3)[[1, 1]])
    assert result.maps.shape == (2, SIDE, SIDE)
    assert result.maps.dtype == np.float32
    assert raw.max() > 0
    np.testing.assert_allclose(result.maps, [enlarged(cam) for cam in raw], atol=1e-5)


def enlarged(cam: np.ndarray) -> np.ndarray:
    """Return a map at the size of the images, with 1 where it is largest."""
    large = cv2.resize(cam, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return large / (large.max() or 1)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_head_is_a_layer(images, n_classes, norm):
    """Scaler and linear machine weigh the maps; the length of a row only scales them."""
    y = np.array(["a", "b", "c"])[np.arange(20) % n_classes]
    network = tiny_network(0)
    model = Pipeline(
        [
            ("images", ImagePreprocessor((SIDE, SIDE))),
            ("features", GivenFeatures(network)),
            ("scaler", StandardScaler()),
            ("norm", Normalizer() if norm else "passthrough"),
            ("classifier", LinearSvm()),
        ]
    ).fit(images, y)
    pixels = images[:8].astype(np.float32)
    maps = activation_maps(network, pixels)
    weights = model["classifier"].coef_ / model["scaler"].scale_
    of_a = -weights[0] if n_classes == 2 else weights[0]
    of_b = weights[0] if n_classes == 2 else weights[1]
    expected = np.maximum(maps @ np.stack([of_a, of_b] * 4)[:, None, :, None], 0)[..., 0]
    assert (expected.max(axis=(1, 2)) > 0).any()
    found = explain(model, images[:8], target=["a", "b"] * 4)
    np.testing.assert_allclose(found.maps, [enlarged(cam) for cam in expected], atol=1e-4)


def test_pairs_of_classes_are_told(images):
    """Margins of pairs are no scores of classes."""
    model = Pipeline(
        [
            ("features", GivenFeatures(tiny_network(0))),
            ("scaler", Normalizer()),
            ("classifier", SVC(kernel="linear", decision_function_shape="ovo")),
        ]
    ).fit(images, np.arange(20) % 3)
    with pytest.raises(ParameterError, match="pairs of classes"):
        explain(model, images[:1])


def test_an_embedding_before_a_machine_that_is_not_linear(images):
    """There "auto" hides parts of the image, and "grad_cam" says why it cannot."""
    model = Pipeline([("features", GivenFeatures(tiny_network(0))), ("classifier", SVC())])
    model.fit(images, np.arange(20) % 2)
    assert explain(model, images[:1], stride=2).method == "occlusion"
    with pytest.raises(ParameterError, match="found the classifier SVC"):
        explain(model, images[:1], method="grad_cam")


def test_both_methods_find_the_square():
    """A network that tells red from blue looks at the square, by its gradient and by hiding it."""
    keras = load_keras()
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 120, (4, 32, 32, 3), dtype=np.uint8)
    places = rng.integers(0, 22, (4, 2))
    colours = [(255, 40, 40), (40, 40, 255)] * 2
    for picture, (row, col), colour in zip(pictures, places, colours, strict=True):
        picture[row : row + 10, col : col + 10] = colour
    inputs = keras.Input((32, 32, 3))
    tell = keras.layers.Conv2D(2, 3, use_bias=False, activation="relu", name="tell")
    rows = keras.layers.GlobalAveragePooling2D()(tell(keras.layers.Rescaling(1 / 255)(inputs)))
    network = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(rows))
    redder = np.tile(np.array([1.0, 0.0, -1.0])[:, None], (3, 3, 1, 1))
    tell.set_weights([np.concatenate([-redder, redder], axis=3)])
    network.layers[-1].set_weights([np.eye(2), np.zeros(2)])
    model = build_pipeline(None, Given(network, ("blue", "red")), image_size=(32, 32))
    model.fit(pictures, None)
    for method in ("grad_cam", "occlusion"):
        result = explain(model, pictures, method=method)
        assert result.method == method
        assert result.labels.tolist() == ["red", "blue", "red", "blue"]
        np.testing.assert_allclose(result.scores, model.predict_proba(pictures).max(axis=1))
        for found, (row, col) in zip(result.maps, places, strict=True):
            top = np.unravel_index(found.argmax(), found.shape)
            assert np.abs(np.array(top) - (row + 4.5, col + 4.5)).max() <= 5
            outside = found.copy()
            outside[max(row - 4, 0) : row + 14, max(col - 4, 0) : col + 14] = 0
            assert np.abs(outside).max() < found.max() / 2
