"""The assignment to words against scikit-learn and the plain definition."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage import data
from sklearn.metrics import pairwise_distances_argmin

from classicvis.functional import dense_sift
from classicvis.kernels.assignment import nearest_words


def assign(descriptors, words):
    return nearest_words(descriptors, words, 0.5 * (words**2).sum(axis=1))


@pytest.mark.parametrize("n_words", [1, 7, 300, 5000])
def test_words_are_scikit_learns(n_words):
    """Descriptors of a photo, in one block or several: the nearest words, as scikit-learn has."""
    descriptors = dense_sift(data.camera()[::2, ::2], 8, 4, root=True).descriptors
    words = np.random.default_rng(0).choice(descriptors, n_words) + np.float32(0.01)
    found = assign(descriptors, words)
    assert found.dtype == np.intp
    assert_array_equal(found, pairwise_distances_argmin(descriptors, words))


def test_layout_changes_nothing():
    """Strided and read-only input gives the words of a plain copy; no descriptors give none."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6)).astype(np.float32)[::2, ::-1]
    words = rng.normal(size=(5, 6)).astype(np.float32)
    expected = assign(x.copy(), words)
    frozen = x.copy()
    frozen.flags.writeable = False
    assert_array_equal(assign(x, words), expected)
    assert_array_equal(assign(frozen, words), expected)
    assert assign(x[:0], words).shape == (0,)


def test_ties_go_to_the_first_word():
    """Of equal words the first one counts."""
    words = np.array([[3, 0], [1, 1], [1, 1]], np.float32)
    assert assign(np.array([[1, 1]], np.float32), words).tolist() == [1]
