"""Small models on small pictures, compared once for all tests."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits

from classicvis import build_pipeline
from classicvis.comparison import compare


class Guess(ClassifierMixin, BaseEstimator):
    """Says of every image the first class that it has learnt."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class FailsInOneFold(Guess):
    """Raises where the first image is not among those to learn from."""

    def fit(self, X, y):
        if not any(np.array_equal(image, FIRST) for image in X):
            raise ValueError("no  such\nimage")
        return super().fit(X, y)


DIGITS = load_digits()
FIRST = (DIGITS.images[0] * 15).astype(np.uint8)


@pytest.fixture(scope="session")
def digits():
    """Return 300 pictures of digits of 8x8 pixels, uint8, and their labels as strings."""
    return (DIGITS.images[:300] * 15).astype(np.uint8), DIGITS.target[:300].astype(str)


def small(features="hog", classifier="linear_svm", **options):
    """Return a pipeline for such pictures."""
    return build_pipeline(features, classifier, image_size=(16, 16), **options)


@pytest.fixture(scope="session")
def models():
    """Return three pipelines, two of which share the extractor, one that guesses."""
    return {
        "HOG, 线性": small(features__pixels_per_cell=(4, 4)),
        "HOG, neighbours": small("hog", "knn", features__pixels_per_cell=(4, 4)),
        "pixels": small("patches", "linear_svm", features__n_words=16, features__patch_size=4),
        "guess": Guess(),
    }


@pytest.fixture(scope="session")
def comparison(models, digits):
    """Return their comparison, without costs."""
    return compare(models, *digits, costs=False, groups=None, n_repeats=2)
