"""Accuracy over the number of images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from classicvis.comparison import learning_curve
from classicvis.comparison._learning_curve import nested_parts
from classicvis.exceptions import ParameterError
from tests.comparison.conftest import FailsInOneFold, small


def test_the_last_size_is_a_cross_validation(digits):
    """With all images the accuracies are those of the folds; with few they are lower."""
    X, y = digits
    model = small("hog", "knn")
    found = learning_curve({"a": model, "b": small()}, X, y, sizes=[20, 0.5, 1.0], cv=3)
    assert list(found.sizes) == [20, 100, 200]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = [clone(model).fit(X[i], y[i]).score(X[j], y[j]) for i, j in folds.split(X, y)]
    np.testing.assert_allclose(found.accuracies["a"][-1], expected)
    means = found.to_frame()["b"]
    assert means.iloc[0] < means.iloc[1] < means.iloc[2]


def test_parts_are_nested_and_stratified():
    """Each part holds the smaller ones; every class is there, in its proportion."""
    y = np.repeat([0, 1, 2], [60, 30, 10])
    small_part, large_part = nested_parts(y, [10, 50], seed=0)
    assert set(small_part) < set(large_part)
    np.testing.assert_allclose(np.bincount(y[large_part]), [30, 15, 5], atol=1)
    assert (np.bincount(y[small_part]) > 0).all()
    assert len(nested_parts(y, [2], seed=0)[0]) == 3


def test_a_model_that_fails_has_no_points(digits):
    """NaN and a reason; the plot shows the others."""
    found = learning_curve({"f": FailsInOneFold(), "线性": small()}, *digits, sizes=[0.2, 1], cv=2)
    assert np.isnan(found.accuracies["f"]).any()
    assert "no such image" in found.errors["f"]
    axes = found.plot().axes[0]
    assert len(axes.lines) == 2
    with pytest.raises(ParameterError, match="at most the 150 images"):
        learning_curve([small()], *digits, sizes=[151], cv=2)
    with pytest.raises(ParameterError, match="found the size 0"):
        learning_curve([small()], *digits, sizes=[0], cv=2)
