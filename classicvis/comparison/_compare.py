"""Which model should I ship? All of them on the same folds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from joblib import parallel_config

from classicvis.auditing import groups_of, near_duplicates
from classicvis.comparison._comparison import Comparison, Leakage
from classicvis.comparison._costs import measure_costs
from classicvis.comparison._models import as_models, fitted_models
from classicvis.comparison._out_of_fold import out_of_fold
from classicvis.comparison._results import ModelResult, pair_tests, result_of_folds, scored
from classicvis.evaluation import evaluate
from classicvis.evaluation._evaluation import images_of
from classicvis.evaluation._folds import (
    Split,
    TargetNames,
    evaluation_of_folds,
    fold_splits,
)
from classicvis.evaluation._labels import as_groups, as_labels
from classicvis.exceptions import ParameterError, one_line
from classicvis.images import as_images

Progress = Callable[[int, int, str], object]


def compare(
    models: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    n_repeats: int = 1,
    groups: Any = "duplicates",
    costs: bool = True,
    rope: float = 0.01,
    target_names: Sequence[str] | Mapping[Any, str] | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare models on the same images.

    Parameters
    ----------
    models : sequence of str or estimators, or mapping from name to str or estimator
        A string such as ``"hog + svm"`` names extractors and, last, a classifier; see
        `build_pipeline`. An estimator is a pipeline, a search, or any classifier of images.
    X : sequence of images
        Anything that the models accept.
    y : array-like of shape (n_images,)
        The labels.
    cv : int, splitter, iterable of (train, test), or "prefit", default=5
        An integer is the number of stratified, shuffled folds. "prefit": the models are fitted
        already and all images are for testing.
    n_repeats : int, default=1
        How often the folds are drawn anew, where `cv` is an integer. Pictures and McNemar's test
        are about the first time, the tests over folds about all.
    groups : "duplicates", array-like of shape (n_images,) or None, default="duplicates"
        Images of one group stay in one fold. "duplicates" looks for near-duplicates and keeps
        them together, where `cv` is an integer; None does not.
    costs : bool, default=True
        Fit every model on all images in a process of its own, and let it answer in another: time,
        memory, size. The fitted models are in ``models[i].fitted``.
    rope : float, default=0.01
        Differences of accuracy up to this count as none in the Bayesian comparison.
    target_names : sequence of str or mapping from label to str, default=None
        What reports call the classes, as in `evaluate`.
    n_jobs : int, default=None
        Threads; None means 1. The predictions are the same for any number.
    random_state : int, default=0
        Seed of the folds, and of every step that draws random numbers and has no seed.
    progress : callable, default=None
        Called as ``progress(n_done, n_in_all, what)``.

    Returns
    -------
    Comparison
        Figures with confidence intervals, paired tests, a verdict in words, pictures, a report.

    Raises
    ------
    ParameterError
        If there is no model, or labels, groups or `cv` do not fit. A model that fails is no
        error: its row tells why.

    See Also
    --------
    cross_evaluate : one model in detail.
    tune : the best parameters of several pipelines.
    """
    X = as_images(X) if isinstance(X, str | os.PathLike) else X
    y = as_labels(y, len(X))
    if n_repeats < 1:
        raise ParameterError(f"found n_repeats={n_repeats}, expected at least 1")
    if isinstance(cv, str):
        if cv != "prefit":
            raise ParameterError(f"found cv={cv!r}, expected a number of folds or 'prefit'")
        return _on_test_images(models, X, y, rope, target_names)
    if n_repeats > 1 and not isinstance(cv, int | np.integer):
        raise ParameterError("n_repeats needs a number of folds in cv: pass an integer")
    named = as_models(models, random_state)
    with parallel_config(backend="threading", n_jobs=n_jobs):
        is_automatic = isinstance(groups, str) and isinstance(cv, int | np.integer)
        found = _groups(groups, X, y) if is_automatic or not isinstance(groups, str) else None
        draws = [
            partial(fold_splits, cv, y, target_names=target_names, random_state=random_state + i)
            for i in range(n_repeats)
        ]
        repeats = [draw(groups=found) for draw in draws]
        steps = _Steps(progress, len(named) * (n_repeats * len(repeats[0]) + costs))
        rounds = [out_of_fold(named, X, y, splits, steps.done) for splits in repeats]
        results = []
        for name, model in named.items():
            result = result_of_folds(name, [r[name] for r in rounds], X, y, found, target_names)
            if costs and result.error is None:
                steps.say(f"what {name} costs")
                result = _with_costs(result, model, X, y, n_jobs)
                steps.done(name)
            results.append(result)
        leakage = None
        if is_automatic and found is not None:
            steps.say("what a split without regard to duplicates would have said")
            leakage = _leakage(named, results, X, y, found, draws[0]())
    train, test = repeats[0][0]
    return Comparison(
        models=tuple(results),
        tests=pair_tests(results, len(test) / len(train), rope),
        rope=rope,
        n_folds=len(repeats[0]),
        n_repeats=n_repeats,
        groups=found,
        leakage=leakage,
    )


class _Steps:
    """The progress of a comparison."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress = progress
        self.total = total
        self.n_done = 0

    def say(self, what: str) -> None:
        if self.progress is not None:
            self.progress(self.n_done, self.total, what)

    def done(self, what: str) -> None:
        self.n_done += 1
        self.say(what)


def _groups(groups: Any, X: Any, y: np.ndarray) -> np.ndarray | None:
    """Return the group of each image; None where each is one of its own."""
    if isinstance(groups, str):
        if groups != "duplicates":
            raise ParameterError(f"found groups={groups!r}, expected 'duplicates', labels or None")
        images = images_of(X)
        if images is None:  # features: nobody can see whether two are the same photo
            return None
        groups = groups_of(near_duplicates(images), len(images))
    return as_groups(groups, len(y))


def _with_costs(
    result: ModelResult, model: Any, X: Any, y: np.ndarray, n_jobs: int | None
) -> ModelResult:
    figures, fitted, error = measure_costs(model, X, y, n_jobs)
    return replace(
        result,
        costs=figures,
        fitted=fitted,
        error=error and f"costs could not be measured: {error}",
    )


def _leakage(
    models: Mapping[str, Any],
    results: Sequence[ModelResult],
    X: Any,
    y: np.ndarray,
    groups: np.ndarray,
    naive: Sequence[Split],
) -> Leakage | None:
    """Run the model that is quickest to fit once more, on folds that tear duplicates apart."""
    done = [result for result in results if result.evaluation is not None]
    if not done:
        return None
    chosen = min(done, key=lambda r: np.inf if r.costs is None else r.costs.fit_seconds)
    outcome = out_of_fold({chosen.name: models[chosen.name]}, X, y, naive)[chosen.name]
    if outcome.error is not None:
        return None
    n_in_groups = int(np.sum(np.bincount(groups)[groups] > 1))
    accuracy = evaluation_of_folds(outcome.folds, X, y, None).accuracy
    return Leakage(chosen.name, n_in_groups, chosen.accuracy, accuracy)


def _on_test_images(
    models: Any, X: Any, y: np.ndarray, rope: float, target_names: TargetNames
) -> Comparison:
    """Compare fitted models on images that none of them has seen."""
    results = []
    for name, model in fitted_models(models).items():
        try:
            evaluation = evaluate(model, X, y, target_names=target_names)
        except Exception as error:
            results.append(ModelResult(name, error=one_line(error)))
        else:
            results.append(scored(name, evaluation, np.empty(0), None, fitted=model))
    return Comparison(tuple(results), pair_tests(results, 0.0, rope), rope, n_folds=0, n_repeats=1)
