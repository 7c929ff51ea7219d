"""Networks inside what goes around any classifier: ensembles, samplers, averaged views."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import FixedThresholdClassifier

from classicvis import (
    AveragedViewsClassifier,
    CnnClassifier,
    EnsembleClassifier,
    ImageSequence,
    build_pipeline,
    classify,
    load_model,
    save_model,
)

N = 160
SIZE = {"image_size": (16, 16)}


def network(**options):
    quick = {"epochs": 3, "width": 8, "batch_size": 16, "random_state": 0}
    return CnnClassifier("simple", **{**quick, **options})


@pytest.mark.slow
def test_classical_and_deep_models_together(digits, tmp_path):
    """A network joins a machine, alike for every n_jobs, and all of it is saved."""
    X, y = digits
    models = [
        ("hog", build_pipeline("hog", "svm", **SIZE)),
        ("cnn", build_pipeline(None, network(), **SIZE)),
    ]
    model = EnsembleClassifier(models, method="weighted", cv=2).fit(X[:N], y[:N])
    chances = model.predict_proba(X[N:400])
    assert model.score(X[N:400], y[N:400]) > 0.8
    assert np.isnan(model.temperatures_).tolist() == [False, True]
    again = clone(model).set_params(n_jobs=2).fit(X[:N], y[:N])
    np.testing.assert_allclose(again.predict_proba(X[N:400]), chances, atol=1e-6)
    loaded = load_model(save_model(model, tmp_path / "m"))
    np.testing.assert_allclose(loaded.predict_proba(X[N:400]), chances, atol=1e-6)


def test_views_of_a_network(digits):
    """A network is asked about each view, as any other classifier is."""
    X, y = digits[0][:100], digits[1][:100]
    model = build_pipeline(None, network(epochs=1), **SIZE).fit(X, y)
    found = AveragedViewsClassifier(model, "flip").predict_proba(X)
    expected = model.predict_proba(X) + model.predict_proba(X[:, :, ::-1])
    np.testing.assert_allclose(found, expected / 2, atol=1e-6)


def test_a_threshold_around_a_network(digits, tmp_path):
    """An image that the network cannot read has no label, where a threshold would give it one."""
    X = digits[0][:60]
    y = np.where(digits[1][:60] < "d5", "low", "high")
    model = FixedThresholdClassifier(build_pipeline(None, network(epochs=1), **SIZE), threshold=0.4)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    images = ImageSequence([*X[:3], broken], on_error="mark")
    with pytest.warns(UserWarning, match="broken"):
        found = classify(model.fit(X, y), images)
    assert found.unreadable.tolist() == [False, False, False, True]
    assert found.labels[3] is None
    assert set(found.labels[:3]) <= {"low", "high"}


def test_a_network_with_a_sampler(digits):
    """CnnClassifier learns from images that are repeated until classes are even."""
    X = digits[0][:100]
    y = np.where(digits[1][:100] == "d8", "eight", "other")
    model = build_pipeline(None, network(epochs=1), sampler="over", random_state=0, **SIZE)
    model.fit(X, y)
    drawn = y[model["sampler"].sample_indices_]
    assert (drawn == "eight").sum() == (drawn == "other").sum() == (y == "other").sum()
    assert classify(model, X[:5]).probabilities.shape == (5, 2)
