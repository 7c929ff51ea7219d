"""`cross_evaluate`: out-of-fold predictions and their figures."""

from __future__ import annotations

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.svm import SVC

from classicvis.evaluation import cross_evaluate
from classicvis.exceptions import ParameterError


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_same_as_scikit_learn(make_pixel_pipeline, digits, n_jobs):
    """Predictions and fold accuracies equal those of cross_val_predict and cross_val_score."""
    images, target = digits
    model = make_pixel_pipeline(SVC())
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    with parallel_config("threading"):  # processes take seconds to start
        result = cross_evaluate(model, images, target, cv=4, random_state=3, n_jobs=n_jobs)
    assert_array_equal(result.y_pred, cross_val_predict(model, images, target, cv=folds))
    assert_allclose(result.fold_accuracies, cross_val_score(model, images, target, cv=folds))
    assert result.n_samples == len(images)
    assert "over 4 folds" in result.summary()
    assert not hasattr(model["classifier"], "classes_")  # the model itself stays unfitted


def test_probabilities(make_pixel_pipeline, digits):
    """Probabilities are out of fold too."""
    images, target = digits
    model = make_pixel_pipeline(LogisticRegression())
    folds = StratifiedKFold(3)
    result = cross_evaluate(model, images, target, cv=folds)
    expected = cross_val_predict(model, images, target, cv=folds, method="predict_proba")
    assert_allclose(result.probabilities, expected)
    assert result.log_loss > 0


def test_class_that_a_fold_was_not_trained_on(make_pixel_pipeline, digits):
    """With sorted labels and plain folds, a class unseen in training has probability 0."""
    images, target = digits
    keep = np.flatnonzero(target < 3)
    keep = keep[np.argsort(target[keep], kind="stable")]
    model = make_pixel_pipeline(LogisticRegression())
    result = cross_evaluate(model, images[keep], target[keep], cv=KFold(3))
    last = result.y_true == 2
    assert result.probabilities[last, 2].min() == 0
    assert result.recall[2] < 0.5


def test_two_classes_without_probabilities(make_pixel_pipeline, digits):
    """Scores of two classes become two columns."""
    images, target = digits
    keep = target < 2
    result = cross_evaluate(make_pixel_pipeline(SVC()), images[keep], target[keep], cv=3)
    assert result.scores.shape == (keep.sum(), 2)
    assert_allclose(result.scores[:, 0], -result.scores[:, 1])


def test_lists_and_strings(make_pixel_pipeline, digits):
    """A list of images with string labels gives what arrays with codes give."""
    images, target = digits
    model = make_pixel_pipeline(SVC())
    names = np.array([f"digit {i}" for i in range(10)])
    strings = cross_evaluate(model, list(images), list(names[target]), cv=2)
    codes = cross_evaluate(model, images, target, cv=2, target_names=names)
    assert strings.summary().split("class ")[1] == codes.summary().split("class ")[1]


def test_progress(make_pixel_pipeline, digits):
    """The hook is called after each fold."""
    calls = []
    images, target = digits
    cross_evaluate(
        make_pixel_pipeline(SVC()), images, target, cv=3, progress=lambda *done: calls.append(done)
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("target", "cv", "message"),
    [
        ([0] * 5 + [1], 5, "found class '猫' with 1 image, expected at least 5 .*: add images"),
        ([0] * 5 + [1] * 3, 5, "class '猫' with 3 images, .*: use cv=3 or add images"),
        ([0] * 6, 3, "found 1 class"),
        ([0, 1] * 3, 1, "at least 2 folds"),
        ([0, 1] * 3, ShuffleSplit(2, random_state=0), "every image exactly once"),
    ],
)
def test_too_few_images_or_wrong_folds(make_pixel_pipeline, digits, target, cv, message):
    """Folds that cannot be made are refused before anything is trained."""
    images = digits[0][: len(target)]
    with pytest.raises(ParameterError, match=message):
        cross_evaluate(make_pixel_pipeline(SVC()), images, target, cv=cv, target_names=["犬", "猫"])
