"""AugmentedClassifier: what it learns from, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from classicvis import AugmentedClassifier, ParameterError, build_pipeline, load_model, save_model
from classicvis.images import Warp

SHIFTS = (Warp(rows=1), Warp(rows=-1), Warp(cols=1), Warp(cols=-1))


@pytest.fixture(scope="module")
def digits():
    """The 8x8 digits as uint8 images of 16x16 pixels, and their labels as words."""
    images, target = load_digits(return_X_y=True)
    pixels = np.uint8(images.reshape(-1, 8, 8) * 15.9).repeat(2, axis=1).repeat(2, axis=2)
    return pixels, np.array([f"digit {i}" for i in range(10)])[target]


def pipeline(classifier="svm"):
    return build_pipeline("hog", classifier, image_size=(16, 16))


def test_copies_help_with_shifted_images(digits):
    """Trained on few digits, it tells shifted ones better than the pipeline alone does."""
    images, labels = digits
    shifted = [Warp(rows=1, cols=-1)(image) for image in images[300:]]
    plain = pipeline().fit(images[:300], labels[:300])
    augmented = AugmentedClassifier(pipeline(), SHIFTS).fit(images[:300], labels[:300])
    assert augmented.score(shifted, labels[300:]) > plain.score(shifted, labels[300:]) + 0.02
    np.testing.assert_array_equal(augmented.classes_, np.unique(labels))


def test_virtual_support_vectors(digits):
    """Only support vectors of a first fit are copied; the second fit sees them and their copies."""
    images, labels = digits[0][:200], digits[1][:200]
    first = pipeline().fit(images, labels)
    chosen = np.sort(first["classifier"].support_)
    assert 0 < len(chosen) < len(images)
    front = first[:-1]
    rows = [front.transform(images[chosen])]
    rows += [front.transform([change(i) for i in images[chosen]]) for change in SHIFTS]
    expected = clone(first["classifier"]).fit(np.concatenate(rows), np.tile(labels[chosen], 5))
    found = AugmentedClassifier(pipeline(), SHIFTS).fit(images, labels)
    np.testing.assert_allclose(
        found.decision_function(images), expected.decision_function(front.transform(images)),
        rtol=0, atol=1e-9,
    )  # fmt: skip


def test_copies_of_all_images(digits):
    """With support_only=False every image counts again after each change, for any classifier."""
    images, labels = digits[0][:50], digits[1][:50]
    nearest = KNeighborsClassifier(1)
    found = AugmentedClassifier(pipeline(nearest), [Warp(mirror=True)], support_only=False)
    found.fit(images, labels)
    assert found.pipeline_["classifier"].n_samples_fit_ == 100
    np.testing.assert_array_equal(found.predict(images[:, :, ::-1]), labels)


def test_the_fitted_pipeline_can_be_saved(digits, tmp_path):
    """`pipeline_` is a plain pipeline, predicts alike and survives saving; the given one stays."""
    images, labels = digits[0][:100], digits[1][:100]
    given = pipeline()
    found = AugmentedClassifier(given, SHIFTS[:1]).fit(images, labels)
    loaded = load_model(save_model(found.pipeline_, tmp_path / "digits.cvis"))
    np.testing.assert_array_equal(loaded.predict(images), found.predict(images))
    assert not hasattr(given["classifier"], "support_")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (pipeline("knn"), "KNeighborsClassifier has no support vectors"),
        (KNeighborsClassifier(), "a step 'images'"),
    ],
)
def test_what_cannot_be_augmented(digits, model, message):
    """A classifier without support vectors and one without images get a sentence."""
    with pytest.raises(ParameterError, match=message):
        AugmentedClassifier(model, SHIFTS).fit(digits[0][:50], digits[1][:50])
