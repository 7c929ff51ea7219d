"""AugmentedClassifier and AveragedViewsClassifier: what they see, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from classicvis import (
    AugmentedClassifier,
    AveragedViewsClassifier,
    EnsembleClassifier,
    ImageError,
    ImageSequence,
    ParameterError,
    build_pipeline,
    classify,
    cross_evaluate,
    load_model,
    read_manifest,
    save_model,
)
from classicvis.backbones._augmentation import PRESETS, Augmentation
from classicvis.classifiers import CLASSIFIERS
from classicvis.classifiers._random_change import RandomChange
from classicvis.images import RelativeCrop, Warp

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
        (build_pipeline(None, "cnn"), "its own parameter augment"),
    ],
)
def test_what_cannot_be_augmented(digits, model, message):
    """A classifier without support vectors and one without images get a sentence."""
    with pytest.raises(ParameterError, match=message):
        AugmentedClassifier(model, SHIFTS, support_only=True).fit(digits[0][:50], digits[1][:50])


# -- random changes ----------------------------------------------------------------------------


def test_a_random_change_depends_on_seed_image_and_copy_only(digits):
    """Slices, order and other images do not matter; the seed, the number and the copy do."""
    images = ImageSequence(digits[0][:20])
    change = RandomChange(PRESETS["mild"], seed=3, copy=1)
    all_changed = list(images.map(change))
    shuffled = np.random.default_rng(0).permutation(20)
    for i, image in zip(shuffled, images[shuffled].map(change), strict=True):
        np.testing.assert_array_equal(image, all_changed[i])
    np.testing.assert_array_equal(images.map(change)[5:][2], all_changed[7])
    same = ImageSequence(np.repeat(digits[0][:1], 20, axis=0))
    assert len({image.tobytes() for image in same.map(change)}) == 20
    for other in (RandomChange(PRESETS["mild"], 4, 1), RandomChange(PRESETS["mild"], 3, 2)):
        assert (images.map(other)[0] != all_changed[0]).any()


def test_a_random_change_keeps_shape_and_colour(flower):
    """Grey stays grey, RGB keeps its shape, and all of "photo" stays near the photo."""
    change = RandomChange(PRESETS["photo"], 0, 0)
    assert change(flower, 0).shape == flower.shape
    grey = flower[:, :, 1]
    assert change(grey, 0).shape == grey.shape
    assert abs(change(flower, 0).mean() - flower.mean()) < 0.3 * flower.mean()


@pytest.mark.parametrize("name", sorted(set(CLASSIFIERS) - {"cnn"}))
def test_random_copies_for_every_classifier(digits, name):
    """Each named classifier learns from copies, alike for every n_jobs, and classifies."""
    images, labels = digits[0][:80], digits[1][:80]
    features = build_pipeline("hog", name, image_size=(16, 16), random_state=0)
    if name == "random_forest":
        features.set_params(classifier__n_estimators=10)
    if name == "gradient_boosting":
        features.set_params(classifier__max_iter=5)
    model = AugmentedClassifier(features, augment="mild", n_copies=2)
    found = classify(model.fit(images, labels), images)
    assert (found.labels == labels).mean() > 0.9
    features.set_params(features__n_jobs=3)
    again = classify(clone(model).set_params(pipeline=features).fit(images, labels), images)
    np.testing.assert_array_equal(again.labels, found.labels)
    values = found.probabilities if found.scores is None else found.scores
    others = again.probabilities if again.scores is None else again.scores
    np.testing.assert_array_equal(values, others)


def test_what_random_copies_teach(digits):
    """A classifier that learnt from turned copies knows turned images better."""
    images, labels = digits
    turned = [Warp(angle=18 if i % 2 else -18)(image) for i, image in enumerate(images[600:1200])]
    linear = pipeline("linear_svm").fit(images[:600], labels[:600])
    model = AugmentedClassifier(pipeline("linear_svm"), augment={"rotation": 25}, n_copies=4)
    model.fit(images[:600], labels[:600])
    assert model.pipeline_["classifier"].coef_.shape == linear["classifier"].coef_.shape
    assert model.score(turned, labels[600:1200]) > linear.score(turned, labels[600:1200]) + 0.02


def test_copies_stay_in_their_fold(digits):
    """Labels by chance are not found again in another fold, since copies are made inside fit.

    The planted way, copies before the folds are parted, finds them.
    """
    images = digits[0][:150]
    labels = np.random.default_rng(0).integers(0, 2, 150)
    nearest = pipeline(KNeighborsClassifier(1))
    slight = {"shift": 0.05}
    model = AugmentedClassifier(nearest, augment=slight, n_copies=3)
    assert cross_evaluate(model, ImageSequence(images), labels, cv=3).accuracy < 0.65
    changes = [RandomChange(Augmentation(**slight), 0, copy) for copy in range(3)]
    copies = [np.stack(list(ImageSequence(images).map(change))) for change in changes]
    everything = np.concatenate([images, *copies])
    planted = cross_evaluate(nearest, everything, np.tile(labels, 4), cv=3)
    assert planted.accuracy > 0.85


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": "wild"}, "unknown augment 'wild'"),
        ({"augment": {"turn": 3}}, "unknown augment key 'turn'"),
        ({"augment": "mild", "n_copies": 0}, "n_copies=0: expected at least 1"),
        ({"augment": "mild", "n_copies": 1.5}, "n_copies=1.5: expected a positive whole"),
        ({"augment": "photo", "pipeline": build_pipeline("hog", color="lab")}, "leave 'color' out"),
    ],
)
def test_wrong_random_changes(digits, options, message):
    """Names are those of the networks' parameter, and colours must be RGB or grey."""
    model = AugmentedClassifier(**{"pipeline": pipeline(), **options})
    with pytest.raises(ParameterError, match=message):
        model.fit(digits[0][:50], digits[1][:50])


# -- views -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["svm", "logistic_regression"])
@pytest.mark.parametrize("views", ["flip", "crops"])
def test_views_are_averaged(digits, name, views, tmp_path):
    """Probabilities, or margins, are means over the image and its views; the model saves."""
    images, labels = digits[0][:100], digits[1][:100]
    plain = pipeline(name).fit(images, labels)
    model = AveragedViewsClassifier(pipeline(name), views).fit(images, labels)
    method = "decision_function" if name == "svm" else "predict_proba"
    shown = [images]
    if views == "flip":
        shown.append(images[:, :, ::-1])
    else:
        shown += [[i[a : a + 14, b : b + 14] for i in images]
                  for a, b in ((0, 0), (0, 2), (1, 1), (2, 0), (2, 2))]  # fmt: skip
    expected = np.mean([getattr(plain, method)(view) for view in shown], axis=0)
    np.testing.assert_allclose(getattr(model, method)(images), expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.predict(images), plain.classes_[expected.argmax(axis=1)])
    found = classify(model, images)
    np.testing.assert_array_equal(found.labels, model.predict(images))
    loaded = load_model(save_model(model, tmp_path / "m"))
    np.testing.assert_array_equal(loaded.predict(images), found.labels)
    assert read_manifest(tmp_path / "m")["extractors"][0]["class"] == "HogExtractor"
    assert hasattr(model, "predict_proba") == (name != "svm")


def test_views_of_what_is_fitted_already(digits, tmp_path):
    """A fitted pipeline predicts at once, also after copies and inside an ensemble."""
    images, labels = digits[0][:100], digits[1][:100]
    fitted = AugmentedClassifier(pipeline(), SHIFTS).fit(images, labels)
    model = AveragedViewsClassifier(fitted, [Warp(angle=3)])
    assert model.score(images, labels) > 0.9
    save_model(model, tmp_path / "m")
    assert "HogExtractor" in [e["class"] for e in read_manifest(tmp_path / "m")["extractors"]]
    with pytest.raises(ParameterError, match="not fitted"):
        save_model(clone(model), tmp_path / "m")
    members = [("views", clone(model)), ("plain", pipeline("linear_svm"))]
    both = EnsembleClassifier(members, cv=3).fit(images, labels)
    assert both.score(images, labels) > 0.9


def test_views_of_two_classes_and_of_unreadable_images(digits, tmp_path):
    """Margins of two classes are one number; an unreadable image has NaN and no label."""
    images = digits[0][:60]
    labels = np.where(np.arange(60) % 2, "odd", "even")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    asked = ImageSequence([*images[:5], broken], on_error="mark")
    model = AveragedViewsClassifier(pipeline()).fit(images, labels)
    with pytest.warns(UserWarning, match="broken"):
        found = classify(model, asked)
    assert found.scores.shape == (6,)
    assert np.isnan(found.scores[5])
    assert found.labels[5] is None
    assert set(found.labels[:5]) <= {"odd", "even"}
    with pytest.warns(UserWarning, match="broken"), pytest.raises(ImageError, match="1 of 6"):
        model.predict(asked)


@pytest.mark.parametrize(
    ("views", "message"),
    [("turn", "unknown views 'turn'"), (Warp(angle=3), "a sequence of steps"), ([3], "a sequence")],
)
def test_wrong_views(digits, views, message):
    """An unknown name, one step alone and what is no step are refused."""
    with pytest.raises(ParameterError, match=message):
        AveragedViewsClassifier(pipeline(), views).fit(digits[0][:50], digits[1][:50])


def test_relative_crops(flower):
    """Shares of the image, whatever its size; all of it at size 1; numbers beyond are refused."""
    crop = RelativeCrop(0, 1, 0.5)(flower)
    np.testing.assert_array_equal(crop, flower[:214, 320:])
    np.testing.assert_array_equal(RelativeCrop(size=1)(flower), flower)
    assert RelativeCrop(size=0.1)(flower[:1, :1]).shape == (1, 1, 3)
    for wrong in ({"row": -0.1}, {"col": 1.1}, {"size": 0}):
        with pytest.raises(ParameterError, match="RelativeCrop got"):
            RelativeCrop(**wrong)
