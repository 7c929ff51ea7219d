"""Grad-CAM: against class activation maps by hand, and on a square that decides the class."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC

from classicvis import ImagePreprocessor, explain
from classicvis.backbones.keras import load_keras
from classicvis.classifiers import LinearSvm
from classicvis.evaluation._grad_cam import grad_cam
from classicvis.exceptions import ParameterError

SIDE = 20


def tiny_network(n_classes: int, seed: int = 0, *, activation: str | None = None):
    """Return two convolutions, the mean over all places and a dense layer; and its weights."""
    keras = load_keras()
    layers = keras.layers
    images = keras.Input((SIDE, SIDE, 3))
    maps = layers.Rescaling(1 / 255)(images)
    maps = layers.Conv2D(5, 3, strides=2, activation="relu")(maps)
    maps = layers.Conv2D(6, 3, activation="relu", name="maps")(maps)
    rows = layers.GlobalAveragePooling2D()(maps)
    if n_classes:
        rows = layers.Dense(n_classes, activation=activation, name="scores")(rows)
    network = keras.Model(images, rows)
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.weights])
    return network


def activation_maps(network, images: np.ndarray) -> np.ndarray:
    keras = load_keras()
    inside = keras.Model(network.input, network.get_layer("maps").output)
    return inside.predict_on_batch(images)


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose network is given, as that of `CnnClassifier` is trained."""

    def __init__(self, network=None, classes=("a", "b", "c")):
        self.network = network
        self.classes = classes

    def fit(self, X, y=None):
        self.classes_ = np.array(self.classes)
        return self

    @property
    def model_(self):
        return self.network

    def predict_proba(self, X):
        return np.asarray(self.network.predict_on_batch(np.stack(list(X)).astype(np.float32)))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class GivenFeatures(TransformerMixin, BaseEstimator):
    """An extractor whose network is given, as that of `CnnEmbedding` is loaded."""

    def __init__(self, network=None):
        self.network = network

    def fit(self, X, y=None):
        self.n_ = 1
        return self

    @property
    def network_(self):
        return self.network

    def transform(self, X):
        return np.asarray(self.network.predict_on_batch(np.stack(list(X)).astype(np.float32)))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (20, SIDE, SIDE, 3), dtype=np.uint8)


def test_behind_mean_pooling_it_is_the_class_activation_map(images):
    """Grad-CAM is relu(sum of w_k A_k) / places, w and A from the network [Zhou et al. 2016]."""
    network = tiny_network(3)
    pixels = images.astype(np.float32)
    found = grad_cam(network, pixels, np.eye(3)[np.arange(20) % 3])  # more than one batch
    maps, _ = activation_maps(network, pixels), network
    kernel = load_keras().ops.convert_to_numpy(network.get_layer("scores").kernel)
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
    np.testing.assert_allclose(result.maps.max(axis=(1, 2)), 1)
    assert result.maps.min() >= 0
    # the centre of the image is the centre of the map, which is linear between places
    centre = raw[:, 3, 3] / [result_max(cam) for cam in raw]
    np.testing.assert_allclose(result.maps[:, 9:11, 9:11].mean(axis=(1, 2)), centre, atol=0.1)


def result_max(cam: np.ndarray) -> float:
    import cv2

    return float(cv2.resize(cam, (SIDE, SIDE)).max())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_head_is_a_layer(images, n_classes):
    """An embedding with scaler and linear machine is explained as the network that they make."""
    y = np.array(["a", "b", "c"])[np.arange(20) % n_classes]
    network = tiny_network(0)
    model = Pipeline(
        [
            ("images", ImagePreprocessor((SIDE, SIDE))),
            ("features", GivenFeatures(network)),
            ("scaler", StandardScaler()),
            ("classifier", LinearSvm()),
        ]
    ).fit(images, y)
    pixels = images[:4].astype(np.float32)
    maps = activation_maps(network, pixels)
    weights = model["classifier"].coef_ / model["scaler"].scale_
    first = -weights[0] if n_classes == 2 else weights[0]
    expected = np.maximum(maps @ first, 0)
    found = explain(model, images[:4], target="a")
    for cam, small in zip(found.maps, expected, strict=True):
        assert small.max() > 0
        row, col = np.unravel_index(small.argmax(), small.shape)
        peak = np.array(np.unravel_index(cam.argmax(), cam.shape))
        assert np.abs(peak - (np.array([row, col]) + 0.5) * SIDE / 7 + 0.5).max() < SIDE / 7


def test_pairs_of_classes_are_told(images):
    """Margins of pairs are no scores of classes."""
    model = Pipeline(
        [
            ("features", GivenFeatures(tiny_network(0))),
            ("scaler", Normalizer()),
            ("classifier", SVC(kernel="linear", decision_function_shape="ovo")),
        ]
    ).fit(images, np.arange(20) % 4)
    with pytest.raises(ParameterError, match="for each class"):
        explain(model, images[:1])


def test_both_methods_find_the_square():
    """A trained network looks at the square that decides, by its gradient and by what is hidden."""
    keras = load_keras()
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 120, (64, 32, 32, 3), dtype=np.uint8)
    places = rng.integers(0, 22, (64, 2))
    labels = np.arange(64) % 2
    for picture, (row, col), label in zip(pictures, places, labels, strict=True):
        picture[row : row + 10, col : col + 10] = (255, 40, 40) if label else (40, 40, 255)
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 5, strides=2, activation="relu"),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    network.fit(pictures.astype(np.float32), labels, epochs=12, batch_size=16, verbose=0)
    classifier = Given(network, ("blue", "red"))
    model = Pipeline([("images", ImagePreprocessor((32, 32))), ("classifier", classifier)])
    model.fit(pictures, None)
    assert (model.predict(pictures) == np.array(["blue", "red"])[labels]).mean() == 1
    for method in ("grad_cam", "occlusion"):
        result = explain(model, pictures[:8], method=method)
        for found, (row, col) in zip(result.maps, places, strict=False):
            top = np.unravel_index(found.argmax(), found.shape)
            assert np.abs(np.array(top) - (row + 4.5, col + 4.5)).max() <= 8
