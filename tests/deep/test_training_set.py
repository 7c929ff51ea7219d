"""What a network learns from: pixels, a part kept aside, weights."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils import compute_sample_weight

from classicvis.classifiers import _training_set
from classicvis.classifiers._training_set import decoded, encode, loss_weights, split
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import ImageSequence, as_images, load_image_folder
from classicvis.images._preprocess import Resize


def test_images_are_decoded_to_one_array(photo_folder):
    """Files become what resizing them one by one gives, in order, with any number of threads."""
    images = load_image_folder(photo_folder).images[::9]
    found = decoded(images, (24, 30, 3), n_jobs=2)
    expected = np.stack([Resize((24, 30))(image) for image in images])
    np.testing.assert_array_equal(found, expected)
    grey = decoded(images, (24, 30, 1), n_jobs=None)
    assert grey.shape == (len(images), 24, 30, 1)


def test_arrays_that_are_ready_are_not_copied():
    """An array of the right shape is used where it lies."""
    pixels = np.zeros((5, 12, 10), np.uint8)
    assert np.shares_memory(decoded(as_images(pixels), (12, 10, 1), None), pixels)
    assert not np.shares_memory(decoded(as_images(pixels), (12, 10, 3), None), pixels)


def test_many_pixels_wait_in_a_file(monkeypatch, texture_tiles):
    """Above a limit the array is mapped from a file, with the same content."""
    images = as_images(texture_tiles[0])
    expected = decoded(images, (16, 16, 3), None)
    monkeypatch.setattr(_training_set, "_MAX_IN_MEMORY", 1000)
    found = decoded(images, (16, 16, 3), None)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, expected)


def test_unreadable_images_cannot_be_learnt_from():
    """Whatever the error policy, a missing image is an error: its label cannot be left out."""
    images = ImageSequence([np.zeros((9, 9, 3), np.uint8), b"no image"], on_error="mark")
    with (
        pytest.warns(UserWarning, match="1 of 2 images"),
        pytest.raises(ImageError, match="1 of 2 images cannot be read, expected all"),
    ):
        decoded(images, (9, 9, 3), None)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5])
def test_a_split_is_stratified(fraction):
    """Every class gives its share, to the nearest image."""
    codes = np.repeat([0, 1, 2, 3], [50, 31, 8, 120])
    learn, aside = split(codes, fraction, np.random.RandomState(0))
    np.testing.assert_array_equal(np.sort(np.r_[learn, aside]), np.arange(len(codes)))
    assert np.abs(np.bincount(codes[aside], minlength=4) - fraction * np.bincount(codes)).max() <= 1
    assert abs(len(aside) - fraction * len(codes)) <= 1


def test_a_split_leaves_something_of_every_class_to_learn_from():
    """Classes of one and two images never lose all of them, and may be absent from the rest."""
    codes = np.array([0, 1, 1, 2, 3, 3, 4])
    for seed in range(20):
        learn, aside = split(codes, 0.5, np.random.RandomState(seed))
        assert set(codes[learn]) == {0, 1, 2, 3, 4}
        assert set(codes[aside]) <= {1, 3}
        assert len(aside)


def test_a_split_is_drawn_anew():
    """Other seeds keep other images aside."""
    codes = np.repeat([0, 1], 40)
    drawn = {tuple(split(codes, 0.2, np.random.RandomState(seed))[1]) for seed in range(5)}
    assert len(drawn) == 5


def test_weights_are_products():
    """Weights of samples are multiplied by those of their classes, as scikit-learn has them."""
    classes, codes = np.array(["a", "b"]), np.array([0, 0, 0, 1])
    assert loss_weights(codes, classes, None, None) is None
    balanced = compute_sample_weight("balanced", classes[codes])
    np.testing.assert_allclose(loss_weights(codes, classes, "balanced", None), balanced)
    found = loss_weights(codes, classes, {"a": 2.0, "b": 1.0}, [1, 2, 3, 4])
    np.testing.assert_allclose(found, [2, 4, 6, 4])
    with pytest.raises(ParameterError, match="sample_weight: found negative values"):
        loss_weights(codes, classes, None, [1, 2, np.nan, 4])


def test_labels_are_numbered():
    """Labels become their numbers among the classes; others are named."""
    classes = np.array(["a", "b", "d"])
    np.testing.assert_array_equal(encode(["d", "a"], classes), [2, 0])
    with pytest.raises(ParameterError, match="found the label 'c', expected one of the 3"):
        encode(["a", "c"], classes)
