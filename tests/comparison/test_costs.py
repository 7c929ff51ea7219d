"""Costs come from processes of their own that fit, save, load and answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classicvis.comparison import compare
from classicvis.comparison._costs import measure_costs
from classicvis.comparison._plots import pareto
from classicvis.comparison._results import ranking
from tests.comparison.conftest import small

pytestmark = pytest.mark.slow  # each model costs two processes


@pytest.fixture(scope="module")
def measured(photo_folder):
    """Return two models on real JPEGs with what they cost."""
    from classicvis import load_image_folder

    data = load_image_folder(photo_folder)
    forest = small("color_histogram", "random_forest", classifier__n_estimators=200)
    return data, compare(
        {"HOG": small("hog", "linear_svm"), "森林": forest}, data.images, data.labels, cv=2
    )


def test_figures_are_plausible(measured):
    """Every figure is there; 200 trees are slower and larger than one matrix."""
    _, found = measured
    small_costs, large_costs = (model.costs for model in found.models)
    for costs in (small_costs, large_costs):
        assert 0 < costs.latency_p50 <= costs.latency_p95
        assert costs.fit_seconds > 0
        assert costs.images_per_second > 1
        assert 5e7 < costs.predict_memory < 4e9
    assert large_costs.latency_p50 > small_costs.latency_p50
    assert large_costs.model_bytes > 2 * small_costs.model_bytes
    assert found.to_frame()["model_bytes"].notna().all()


def test_fitted_models_come_back(measured):
    """What was measured can be used: it was fitted on all images, with the seed of the folds."""
    data, found = measured
    model = found["HOG"].fitted
    assert model.score(data.images, data.labels) > 0.9
    expected = small("hog", "linear_svm").fit(data.images, data.labels)
    np.testing.assert_allclose(
        model.decision_function(data.images), expected.decision_function(data.images), atol=1e-6
    )


def test_speed_is_part_of_the_verdict(measured):
    """The sentence says who answers faster, or how many points that costs."""
    _, found = measured
    assert "answer" in found.verdict


def test_of_equals_the_faster_comes_first(measured):
    """Two models with the same accuracy are ranked by the time for one image."""
    _, found = measured
    slow, fast = (
        replace(found["HOG"], name=name, costs=replace(found["HOG"].costs, latency_p50=seconds))
        for name, seconds in [("slow", 0.2), ("fast", 0.1)]
    )
    assert [model.name for model in ranking([slow, fast])] == ["fast", "slow"]
    assert [model.name for model in ranking([fast, slow])] == ["fast", "slow"]


def test_what_cannot_be_pickled_has_no_costs(digits):
    """The reason is told; the accuracy stays."""
    X, y = digits
    model = small("hog", "knn")
    model.set_params(images__preprocess=[lambda image: image])
    found = compare([model], X, y, cv=2, groups=None)
    assert found.models[0].accuracy > 0.8
    assert found.models[0].costs is None
    assert "cannot be pickled" in found.models[0].error


def test_an_error_of_the_other_process_is_told(digits):
    """A class that only this program knows cannot be loaded elsewhere."""
    X, y = digits
    costs, fitted, error = measure_costs(small("hog", "knn", images__color="rbg"), X, y, None)
    assert costs is None
    assert fitted is None
    assert error.startswith("ParameterError: ")


@pytest.mark.parametrize("cost", ["latency", "size", "fit_time"])
def test_pareto_plot(measured, cost):
    """A mark and a name per model; the line joins those that no other one beats."""
    _, found = measured
    axes = found.plot_pareto(cost).axes[0]
    assert {text.get_text() for text in axes.texts} == {"HOG", "森林"}
    assert len(axes.lines) == 3


def test_pareto_front():
    """Cheaper and as good, or better, beats; equal points do not beat each other."""
    assert pareto([(1, 80), (2, 90), (3, 85), (4, 95)]) == {0, 1, 3}
    assert pareto([(1, 80), (1, 80), (2, 80)]) == {0, 1}
