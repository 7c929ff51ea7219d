"""`classify`: one pass over the pixels, rows aligned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from classicvis.evaluation import classify
from classicvis.images import ImageSequence


class Counter:
    """Flattens pictures and counts how many it has seen."""

    def __init__(self):
        self.seen = 0

    def __call__(self, X):
        self.seen += len(X)
        return np.stack([image.ravel() for image in X]).astype(np.float32)

    def __deepcopy__(self, memo):  # clones share the count
        return self


def test_same_answers_as_predict(weak, digits):
    """Labels and probabilities are those of predict and predict_proba."""
    images, _ = digits
    found = classify(weak, images)
    assert_array_equal(found.labels.astype(int), weak.predict(images))
    assert_allclose(found.probabilities, weak.predict_proba(images))
    assert_array_equal(found.classes, weak.classes_)
    assert found.scores is None
    assert not found.unreadable.any()
    assert type(found.labels[0]) is int  # a built-in type, as JSON wants it


@pytest.mark.parametrize("step", ["features", "something"])
def test_features_are_computed_once(digits, step):
    """Labels and scores together cost one pass over the images."""
    images, target = digits
    counter = Counter()
    model = Pipeline([(step, FunctionTransformer(counter)), ("classifier", SVC())])
    model.fit(images, target)
    counter.seen = 0
    found = classify(model, images[:50])
    assert counter.seen == 50
    assert_allclose(found.scores, model.decision_function(images[:50]))


def test_unreadable_rows_stay_in_place(weak, digits):
    """An unreadable image has label None and NaN probabilities; the others are as without it."""
    images, _ = digits
    sources = [images[0], b"", images[1], b"no image", images[2]]
    found = classify(weak, ImageSequence(sources, on_error="mark"))
    assert_array_equal(found.unreadable, [False, True, False, True, False])
    assert found.labels[1] is None
    assert found.labels[3] is None
    assert np.isnan(found.probabilities[[1, 3]]).all()
    assert_allclose(found.probabilities[[0, 2, 4]], weak.predict_proba(images[:3]))


def test_all_unreadable(weak, svm):
    """Nothing readable gives nothing but None and NaN, and no error."""
    images = ImageSequence([b"", b""], on_error="mark")
    found = classify(weak, images)
    assert found.labels.tolist() == [None, None]
    assert found.probabilities.shape == (2, 10)
    assert np.isnan(found.probabilities).all()
    assert classify(svm, images).probabilities is None


def test_search_and_bare_classifier(digits, make_pixel_pipeline):
    """A fitted search is classified with its best pipeline, a bare classifier as it is."""
    images, target = digits
    search = GridSearchCV(make_pixel_pipeline(SVC()), {"classifier__C": [0.1, 10]}, cv=2)
    search.fit(images, target)
    expected = search.predict(images)
    assert_array_equal(classify(search, images).labels.astype(int), expected)
    rows = images.reshape(len(images), -1)
    bare = SVC().fit(rows, target)
    assert_array_equal(classify(bare, rows).labels.astype(int), bare.predict(rows))


def test_frames_of_features(digits):
    """Features that are a DataFrame work, unreadable images included."""
    images, target = digits

    def frame(X):
        rows = [np.full(64, np.nan) if image is None else image.ravel() for image in X]
        return pd.DataFrame(rows, columns=[f"pixel{i}" for i in range(64)])

    model = Pipeline([("features", FunctionTransformer(frame)), ("classifier", SVC())])
    model.fit(images, target)
    found = classify(model, [images[0], None, images[1]])
    assert found.labels.tolist() == [target[0], None, target[1]]


def test_images_as_features_are_not_decoded():
    """Where the classifier takes images, they reach it as they are, and lazily."""
    images = ImageSequence([b"no image", b"no image"], on_error="mark")

    class Constant(ClassifierMixin, BaseEstimator):
        classes_ = np.array(["a"])

        def fit(self, X, y):
            return self

        def predict(self, X):
            assert isinstance(X, ImageSequence)
            return np.array(["a"] * len(X))

        def __sklearn_is_fitted__(self):
            return True

    model = Pipeline([("images", FunctionTransformer()), ("classifier", Constant())])
    assert classify(model, images).labels.tolist() == ["a", "a"]
