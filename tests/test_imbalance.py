"""Rare classes: weights, samplers inside the folds, tuned thresholds."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from classicvis import (
    AugmentedClassifier,
    CnnClassifier,
    EnsembleClassifier,
    ImageSequence,
    MissingDependencyError,
    ParameterError,
    build_pipeline,
    classify,
    cross_evaluate,
    evaluate,
    load_model,
    read_manifest,
    save_model,
)
from classicvis.classifiers import CLASSIFIERS, ImageSampler
from classicvis.images import Warp

SAMPLERS = ("over", "under", "smote")


@pytest.fixture(scope="module")
def eights():
    """Digits as pictures of 16x16, "eight" or "other": one in ten is an eight."""
    images, target = load_digits(return_X_y=True)
    pixels = np.uint8(images[:400].reshape(-1, 8, 8) * 15.9).repeat(2, axis=1).repeat(2, axis=2)
    return pixels, np.where(target[:400] == 8, "eight", "other")


def pipeline(classifier="svm", **options):
    return build_pipeline("hog", classifier, image_size=(16, 16), random_state=0, **options)


@pytest.mark.parametrize("name", sorted(set(CLASSIFIERS) - {"knn"}))
def test_class_weight_can_be_set(name):
    """Every named learner but the neighbours, which have none, takes weights of classes."""
    features = None if name == "cnn" else "hog"
    weights = {"eight": 9.0, "other": 1.0}
    model = build_pipeline(features, name, classifier__class_weight=weights)
    assert clone(model).get_params()["classifier__class_weight"] == weights


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_classifier_sees_even_classes(eights, sampler):
    """In fit the classes are even; in predict every image has its row."""
    pixels, labels = eights
    model = pipeline("knn", sampler=sampler).fit(pixels, labels)
    assert list(model.named_steps)[-2:] == ["sampler", "classifier"]
    assert isinstance(model, Pipeline)
    n_rare = int((labels == "eight").sum())
    n_each = n_rare if sampler == "under" else len(labels) - n_rare
    assert np.bincount(model["classifier"]._y).tolist() == [n_each, n_each]
    assert model.predict(pixels[:7]).shape == (7,)
    assert model["classifier"].n_samples_fit_ == 2 * n_each


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_models_with_samplers_go_everywhere(eights, sampler, tmp_path):
    """Clone, classify, evaluate, cross-validation, search and files take them."""
    pixels, labels = eights
    model = pipeline(sampler=sampler).fit(pixels[:300], labels[:300])
    again = clone(model).fit(pixels[:300], labels[:300])
    expected = model.decision_function(pixels)
    np.testing.assert_array_equal(again.decision_function(pixels), expected)
    loaded = load_model(save_model(model, tmp_path / "m"))
    np.testing.assert_array_equal(loaded.decision_function(pixels), expected)
    assert "HogExtractor" in [e["class"] for e in read_manifest(tmp_path / "m")["extractors"]]
    np.testing.assert_allclose(classify(model, pixels).scores, expected, atol=1e-5)
    assert evaluate(model, pixels[300:], labels[300:]).balanced_accuracy > 0.7
    assert cross_evaluate(clone(model), pixels, labels, cv=2).confusion_matrix.sum() == 400
    grid = {"sampler": [None, model["sampler"]], "classifier__C": [1, 10]}
    search = GridSearchCV(clone(model), grid, cv=2, error_score="raise")
    assert search.fit(ImageSequence(pixels), labels).best_score_ > 0.9


def test_no_row_leaks_into_another_fold(eights):
    """Repeats are made of the images to learn from: labels by chance are not found again.

    The planted model, which repeats images before they are parted, finds them.
    """
    pixels, _ = eights
    labels = np.where(np.random.default_rng(0).random(400) < 0.15, "rare", "common")
    model = pipeline("knn", sampler="over", classifier__n_neighbors=1)
    assert cross_evaluate(model, pixels, labels, cv=4).balanced_accuracy < 0.6
    X, y = model["sampler"].fit_resample(pixels.reshape(400, -1), labels)
    leaking = cross_evaluate(pipeline("knn", classifier__n_neighbors=1), X.reshape(-1, 16, 16), y)
    assert leaking.balanced_accuracy > 0.85


def test_oversampling_equals_weights(eights):
    """Each rare image three times over is a weight of three."""
    from imblearn.over_sampling import RandomOverSampler

    pixels = eights[0][:80]
    labels = np.array(["common"] * 60 + ["rare"] * 20)
    learner = LogisticRegression(C=1.0, max_iter=5000, tol=1e-8)
    sampler = RandomOverSampler(random_state=0)
    model = pipeline(learner, sampler=sampler).fit(pixels, labels)
    drawn = np.bincount(model["sampler"].sample_indices_, minlength=80)
    rows = model[:3].transform(pixels)
    expected = clone(learner).fit(rows, labels, sample_weight=drawn)
    np.testing.assert_allclose(model["classifier"].coef_, expected.coef_, rtol=0, atol=1e-3)


@pytest.mark.parametrize("sampler", ["over", "under"])
def test_images_are_drawn_for_classifiers_of_images(eights, sampler):
    """Without features, images are repeated or left out, and none is decoded for it."""
    pixels, labels = eights
    members = [("hog", pipeline("knn"))]
    model = build_pipeline(None, EnsembleClassifier(members), sampler=sampler, random_state=0)
    assert isinstance(model["sampler"], ImageSampler)
    model.fit(ImageSequence(pixels), labels)
    nearest = model["classifier"].models_[0]["classifier"]
    assert len(set(np.bincount(nearest._y))) == 1
    assert classify(model, pixels).labels.shape == (400,)
    again = clone(model).fit(pixels, labels)
    np.testing.assert_array_equal(
        again["sampler"].sample_indices_, model["sampler"].sample_indices_
    )


@pytest.mark.parametrize(
    ("features", "sampler", "message"),
    [
        ("hog", "ovr", "unknown sampler 'ovr'.*did you mean 'over'"),
        ("hog", LogisticRegression(), "expected 'over', 'under', 'smote' or a sampler"),
        (None, "smote", "computes with features, and the classifier learns from images"),
    ],
)
def test_what_is_no_sampler(features, sampler, message):
    """An unknown name, another object, and neighbours of images are refused."""
    classifier = "svm" if features else CnnClassifier()
    with pytest.raises(ParameterError, match=message):
        build_pipeline(features, classifier, sampler=sampler)


def test_without_imbalanced_learn(monkeypatch):
    """The message says how to get it; pipelines without a sampler do not need it."""
    monkeypatch.setitem(sys.modules, "imblearn", None)
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    build_pipeline("hog")
    with pytest.raises(MissingDependencyError, match=r"classicvis\[imbalance\]"):
        build_pipeline("hog", sampler="over")


def test_copies_before_the_sampler(eights):
    """AugmentedClassifier makes its copies first; the sampler evens out what there is then."""
    pixels, labels = eights
    model = pipeline("knn", sampler="under")
    found = AugmentedClassifier(model, [Warp(rows=1)], support_only=False).fit(pixels, labels)
    n_rare = int((labels == "eight").sum())
    assert found.pipeline_["classifier"].n_samples_fit_ == 4 * n_rare


# -- thresholds --------------------------------------------------------------------------------


@pytest.mark.parametrize("classifier", ["svm", "random_forest"])
def test_a_tuned_threshold(eights, classifier, tmp_path):
    """Scikit-learn's tuned threshold goes around a pipeline, and through everything of ours."""
    pixels, labels = eights
    images = ImageSequence(pixels)
    plain = pipeline(classifier, classifier__class_weight=None)
    if classifier == "random_forest":
        plain.set_params(classifier__n_estimators=20)
    model = TunedThresholdClassifierCV(plain, scoring="balanced_accuracy", cv=3)
    model.fit(images[:300], labels[:300])
    found = classify(model, images[300:])
    np.testing.assert_array_equal(found.labels, model.predict(images[300:]))
    loaded = load_model(save_model(model, tmp_path / "m"))
    assert loaded.best_threshold_ == model.best_threshold_
    np.testing.assert_array_equal(loaded.predict(pixels[300:]), found.labels)
    manifest = read_manifest(tmp_path / "m")
    assert manifest["classes"] == ["eight", "other"]
    assert manifest["input"]["image_size"] == [16, 16]
    assert "HogExtractor" in [extractor["class"] for extractor in manifest["extractors"]]
    assert evaluate(model, pixels[300:], labels[300:]).accuracy == np.mean(
        found.labels == labels[300:]
    )
    assert cross_evaluate(model, images, labels, cv=2).balanced_accuracy > 0.7


def test_a_threshold_moves_labels_and_not_scores(eights, tmp_path):
    """Labels follow the threshold, confidences stay those of the pipeline; NaN where unreadable."""
    pixels, labels = eights
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    images = ImageSequence([*pixels[300:], broken], on_error="mark")
    forest = pipeline("random_forest", classifier__n_estimators=20)
    model = TunedThresholdClassifierCV(forest, cv=3, scoring="recall_macro")
    model.fit(pixels[:300], labels[:300])
    model.best_threshold_ = 0.0  # everything is the second class
    with pytest.warns(UserWarning, match="broken"):
        found = classify(model, images)
    assert set(found.labels[:-1]) == {model.classes_[1]}
    assert found.labels[-1] is None
    np.testing.assert_array_equal(
        found.probabilities[:-1], model.estimator_.predict_proba(pixels[300:])
    )
