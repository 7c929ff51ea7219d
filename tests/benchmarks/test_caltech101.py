"""The protocol of the Caltech-101 script: which images are learnt from and which are scored."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.caltech101 import held_out, splits

TARGET = np.repeat([0, 1, 2], [20, 9, 7])


def test_splits_are_balanced_disjoint_and_different():
    """Each class gives so many images to learn from, up to so many others to score on."""
    parts = list(splits(TARGET, n_train=6, n_test=5, n_splits=3))
    for train, test in parts:
        np.testing.assert_array_equal(np.bincount(TARGET[train]), [6, 6, 6])
        np.testing.assert_array_equal(np.bincount(TARGET[test]), [5, 3, 1])
        assert not set(train) & set(test)
    assert len({tuple(train) for train, _ in parts}) == 3
    again = list(splits(TARGET, n_train=6, n_test=5, n_splits=3))
    np.testing.assert_array_equal(again[1][0], parts[1][0])


def test_validation_never_sees_the_test_images():
    """What is held out are images to learn from, a third of each class."""
    train, test = next(splits(TARGET, n_train=6, n_test=5, n_splits=1))
    learn, validate = held_out(train, TARGET)
    np.testing.assert_array_equal(np.bincount(TARGET[learn]), [4, 4, 4])
    assert set(learn) | set(validate) == set(train)
    assert not set(learn) & set(validate)
    assert not set(validate) & set(test)


def test_a_class_that_is_too_small_is_named():
    """Nothing is scored on no images."""
    with pytest.raises(SystemExit, match="class 2 has 7 images"):
        list(splits(TARGET, n_train=7, n_test=5, n_splits=1))
