"""Networks and steps that the tests of networks share."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from classicvis.backbones.keras import load_keras

SIDE = 20


def tiny_network(n_classes: int, *, activation: str | None = None, n_channels: int = 3):
    """Return two convolutions, the mean over all places and a dense layer where classes are."""
    keras = load_keras()
    layers = keras.layers
    images = keras.Input((SIDE, SIDE, n_channels))
    maps = layers.Rescaling(1 / 255)(images)
    maps = layers.Conv2D(5, 3, strides=2, activation="leaky_relu")(maps)
    maps = layers.Conv2D(6, 3, activation="leaky_relu", name="maps")(maps)
    rows = layers.GlobalAveragePooling2D()(maps)
    if n_classes:
        rows = layers.Dense(n_classes, activation=activation, name="scores")(rows)
    network = keras.Model(images, rows)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.weights])
    return network


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


def tiny_backbone():
    """Return a network that ends in a map; a factory for `CnnEmbedding`."""
    network = tiny_network(0)
    return load_keras().Model(network.input, network.get_layer("maps").output)
