"""Small models over arrays whose answers are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from classicvis.exceptions import ImageError
from classicvis.images import as_images


class Oracle(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities are its input."""

    def __init__(self, classes=(0, 1, 2)):
        self.classes = classes

    @property
    def classes_(self):
        return np.array(self.classes)

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return self.classes_[np.argmax(X, axis=1)]


def flatten(X):
    """Pixels as features; rows of unreadable images are NaN, as those of extractors are."""
    rows = np.full((len(X), 64), np.nan, dtype=np.float32)
    images = as_images(X)
    for i in range(len(images)):
        try:
            rows[i] = images[i].ravel()
        except ImageError:
            if images.on_error == "raise":
                raise
    return rows


def pixel_pipeline(classifier):
    steps = [("features", FunctionTransformer(flatten)), ("scaler", StandardScaler())]
    return Pipeline([*steps, ("classifier", classifier)])


@pytest.fixture(scope="session")
def digits():
    """Return 300 pictures of digits of 8x8 pixels, uint8, and their labels."""
    data = load_digits()
    return (data.images[:300] * 15).astype(np.uint8), data.target[:300]


@pytest.fixture(scope="session")
def svm(digits):
    """Return a pipeline without probabilities, trained on half of the digits."""
    images, target = digits
    return pixel_pipeline(SVC()).fit(images[:150], target[:150])


@pytest.fixture(scope="session")
def weak(digits):
    """Return a pipeline with probabilities that makes many mistakes."""
    images, target = digits
    return pixel_pipeline(LogisticRegression(C=1e-3)).fit(images[:60], target[:60])


@pytest.fixture
def oracle():
    return Oracle


@pytest.fixture
def make_pixel_pipeline():
    return pixel_pipeline
