"""Searches over several pipelines: the winner of scikit-learn's, features computed once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from classicvis import ImageSequence
from classicvis.comparison import tune
from classicvis.comparison._trial_svc import TrialSvc
from classicvis.exceptions import ParameterError
from tests.comparison.conftest import FailsInOneFold, small

GRID = {"classifier__C": [0.001, 0.1, 10.0]}


def test_grid_equals_a_grid_search_of_scikit_learn(digits):
    """Weights of a union included: scores, winner, and what the winner says."""
    X, y = digits
    pipeline = small(["hog", "color_histogram"], "svm", random_state=0)
    grid = GRID | {"features__transformer_weights": [{"hog": 0.01}, {"color_histogram": 0.25}]}
    found = tune({"a": pipeline}, X, y, grids={"a": grid})
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = GridSearchCV(pipeline, grid, cv=folds).fit(X, y)
    scores = {str(c.params): c.accuracy for c in found.candidates}
    for params, score in zip(
        expected.cv_results_["params"], expected.cv_results_["mean_test_score"], strict=True
    ):
        assert scores[str(params)] == pytest.approx(score, abs=0.004)  # a kernel by BLAS: one image
    assert len(set(scores.values())) > 3
    assert found.best_params_ == expected.best_params_
    np.testing.assert_allclose(
        found.best_estimator_.decision_function(X), expected.decision_function(X), atol=1e-5
    )


def test_several_pipelines_at_once(digits):
    """Candidates of both, the best of each compared, the note that they were chosen here."""
    X, y = digits
    found = tune(
        {"margins": small("hog", "linear_svm"), "neighbours": small("hog", "knn")},
        X,
        y,
        grids={"margins": GRID},
    )
    assert len(found.candidates) == 3 + 10
    assert found.best_name == found.candidates[0].name
    assert [model.name for model in found.comparison.models] == ["margins", "neighbours"]
    assert "chosen on these very folds" in found.comparison.summary()
    best = found.comparison[found.best_name]
    assert best.fold_accuracies.mean() == pytest.approx(found.candidates[0].accuracy)
    frame = found.to_frame()
    assert list(frame["accuracy"]) == sorted(frame["accuracy"], reverse=True)


def test_features_are_computed_once(digits):
    """A grid over C and another learner on the same extractor read every image once."""
    X, y = digits
    reads = []

    def count(image):
        reads.append(1)
        return image

    models = {"a": small("hog", "linear_svm"), "b": small("hog", "knn")}
    found = tune(models, ImageSequence(X[:100]).map(count), y[:100], grids={"a": GRID})
    assert len(found.candidates) == 13
    assert len(reads) == 100 + 1  # and the extractor looks at the size of the first


def test_random_search_draws_from_the_grid(digits):
    """As many as asked for, the same for the same seed; distributions are drawn from."""
    from scipy.stats import loguniform

    X, y = digits
    grid = {"classifier__C": loguniform(0.01, 100)}
    runs = [
        tune([small()], X, y, grids={"hog + linear_svm": grid}, search="random", n_iter=4)
        for _ in range(2)
    ]
    params = [[candidate.params for candidate in run.candidates] for run in runs]
    assert params[0] == params[1]
    assert len(params[0]) == 4
    with pytest.raises(ParameterError, match="search='random'"):
        tune([small()], X, y, grids={"hog + linear_svm": grid})


def test_halving_leaves_the_worst_behind(digits):
    """Nine candidates on a ninth of the images, three on a third, one on all."""
    X, y = digits
    grid = {"classifier__C": list(np.logspace(-6, 2, 9))}
    found = tune([small()], X, y, grids={"hog + linear_svm": grid}, search="halving")
    sizes = [candidate.n_images for candidate in found.candidates]
    assert sizes == [200, 66, 66, *[22] * 6]
    assert found.best_params_["classifier__C"] > 1e-3


def test_time_budget_ends_the_search(digits):
    """What was finished decides; the rest says why it has no figures."""
    X, y = digits
    calls = []

    def wait(done, total, what):
        calls.append(done)

    found = tune([small("hog", "decision_tree")], X, y, time_budget=600, progress=wait)
    assert calls == list(range(1, 28))
    with pytest.raises(ParameterError, match="out of time"):
        tune([small()], X, y, time_budget=0)
    assert all(candidate.error is None for candidate in found.candidates)


def test_candidates_that_fail_come_last(digits):
    """A model that cannot be fitted does not end the search."""
    found = tune({"fails": FailsInOneFold(), "hog": small()}, *digits, grids={"hog": GRID})
    assert found.best_name == "hog"
    assert found.candidates[-1].name == "fails"
    assert "no such image" in found.candidates[-1].error


def test_a_sampler_stays_in_its_folds(digits):
    """A pipeline with a sampler is searched and put together like any other."""
    X, y = digits
    model = small("hog", "knn", sampler="over", random_state=0)
    found = tune({"over": model}, X, y, grids={"over": {"classifier__n_neighbors": [1, 3]}})
    assert found.best_estimator_.score(X, y) > 0.9
    assert "sampler" in found.best_estimator_.named_steps


def test_bad_options(digits):
    """One sentence each."""
    with pytest.raises(ParameterError, match="'halving'"):
        tune([small()], *digits, search="bayes")
    with pytest.raises(ParameterError, match="grids: found 'b'"):
        tune({"a": small()}, *digits, grids={"b": GRID})


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.7])
def test_trial_machine_equals_svc(texture_tiles, gamma):
    """The machine of trial fits predicts what scikit-learn's SVC predicts."""
    tiles, labels = texture_tiles
    rows = (tiles[:, ::8, ::8].reshape(len(tiles), -1) / 255).astype(np.float32)
    options = {"C": 3.0, "gamma": gamma, "class_weight": "balanced"}
    expected = SVC(**options).fit(rows[::2], labels[::2])
    assert len(set(expected.predict(rows[1::2]))) == 3
    found = TrialSvc(**options).fit(rows[::2], labels[::2])
    np.testing.assert_array_equal(found.predict(rows[1::2]), expected.predict(rows[1::2]))
    np.testing.assert_allclose(
        found.decision_function(rows[1::2]), expected.decision_function(rows[1::2]), atol=1e-4
    )
