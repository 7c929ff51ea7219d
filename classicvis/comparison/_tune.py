"""The best parameters of several pipelines at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from joblib import parallel_config

from classicvis.comparison._comparison import Comparison
from classicvis.comparison._models import as_models
from classicvis.comparison._results import pair_tests, result_of_folds
from classicvis.comparison._search import Candidate, Trials, candidates, check_search
from classicvis.evaluation._folds import TargetNames, fold_splits
from classicvis.evaluation._labels import as_groups, as_labels
from classicvis.evaluation._optional import require
from classicvis.exceptions import ParameterError
from classicvis.images import as_images

if TYPE_CHECKING:
    import pandas as pd

CHOSEN = "The parameters were chosen on these very folds, which flatters every figure a little."


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search found. `tune` makes it.

    Attributes
    ----------
    candidates : tuple of Candidate
        The most accurate first; those that failed, or for which time ran out, last.
    best_estimator_ : estimator
        The best candidate, fitted on all images.
    best_params_ : dict of str to object
        Its parameters that were searched for.
    best_name : str
        Its model.
    """

    candidates: tuple[Candidate, ...]
    best_estimator_: Any
    best_params_: dict[str, Any]
    best_name: str
    _compare: Callable[[], Comparison]

    @cached_property
    def comparison(self) -> Comparison:
        """The best candidate of each model, on the folds of the search; made when asked for."""
        return self._compare()

    def to_frame(self) -> pd.DataFrame:
        """Return the candidates as a table, one row each."""
        pandas = require("pandas", "Tuning.to_frame")
        return pandas.DataFrame(
            [
                {
                    "model": candidate.name,
                    "accuracy": candidate.accuracy,
                    "spread": float(np.std(candidate.accuracies))
                    if len(candidate.accuracies)
                    else np.nan,
                    "n_images": candidate.n_images,
                    "params": candidate.params,
                    "error": candidate.error,
                }
                for candidate in self.candidates
            ]
        )


def tune(
    models: Any,
    X: Any,
    y: Any,
    *,
    grids: Mapping[str, Any] | None = None,
    search: Literal["grid", "random", "halving"] = "grid",
    n_iter: int = 20,
    time_budget: float | None = None,
    cv: Any = 3,
    groups: Any = None,
    target_names: TargetNames = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Callable[[int, int, str], object] | None = None,
) -> Tuning:
    """Search for the best parameters of several models at once.

    Parameters
    ----------
    models : sequence of str or estimators, or mapping from name to str or estimator
        As in `compare`.
    X : sequence of images
        Anything that the models accept.
    y : array-like of shape (n_images,)
        Labels.
    grids : mapping from name of a model to grid, default=None
        Values to try, by ``set_params`` names, as `ParameterGrid` takes them. A model that is not
        named has those of `param_grid`; one without any is a single candidate.
    search : {"grid", "random", "halving"}, default="grid"
        All candidates; `n_iter` of each model drawn at random; or successive halving: all on few
        images, the best third of them on three times as many, and so on.
    n_iter : int, default=20
        See `search`.
    time_budget : float, default=None
        Seconds after which no further fold is begun: what is known then decides. None: no end.
    cv : int, splitter or iterable of (train, test), default=3
        The folds, the same for all candidates.
    groups : array-like of shape (n_images,), default=None
        Images of one group stay in one fold.
    target_names : sequence of str or mapping, default=None
        What reports call the classes.
    n_jobs : int, default=None
        Threads; None means 1. The result is the same for any number, without a time budget.
    random_state : int, default=0
        Seed of the folds, of draws, and of steps that have none.
    progress : callable, default=None
        Called as ``progress(n_done, n_in_all, what)`` after each fold of a candidate.

    Returns
    -------
    Tuning
        The best model, fitted on all images; all candidates; a comparison.

    Raises
    ------
    ParameterError
        If a parameter does not fit, or no candidate could be finished.

    See Also
    --------
    compare : figures to report, of models that were not chosen on the same folds.

    Notes
    -----
    Rows of an extractor are computed once for all candidates that share it: a grid over C, or
    over the weights of a union, decodes no image twice. They are kept in memory meanwhile.

    References
    ----------
    K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
    optimization", AISTATS 2016.
    """
    check_search(search)
    X = as_images(X) if isinstance(X, str | os.PathLike) else X
    y = as_labels(y, len(X))
    named = as_models(models, random_state)
    unknown = [name for name in grids or {} if name not in named]
    if unknown:
        raise ParameterError(f"grids: found {unknown[0]!r}, expected one of {', '.join(named)}")
    splits = fold_splits(
        cv,
        y,
        groups=as_groups(groups, len(y)),
        target_names=target_names,
        random_state=random_state,
    )
    found = candidates(named, grids or {}, search, n_iter, random_state)
    end = None if time_budget is None else monotonic() + time_budget
    total, n_done = len(found) * len(splits), 0

    def tell(name: str) -> None:
        nonlocal n_done
        n_done += 1
        if progress is not None:
            progress(n_done, max(total, n_done), name)

    trials = Trials(named, X, y, splits, tell, lambda: end is not None and monotonic() > end)
    with parallel_config(backend="threading", n_jobs=n_jobs):
        ran = trials.halve(found, random_state) if search == "halving" else trials.run(found)
        full = max(candidate.n_images for candidate in ran)
        ran.sort(key=lambda c: (-c.n_images, -np.nan_to_num(c.accuracy, nan=-1.0)))
        chosen: dict[str, Candidate] = {}
        for candidate in ran:
            if candidate.error is None and candidate.n_images == full:
                chosen.setdefault(candidate.name, candidate)
        if not chosen:
            raise ParameterError(
                f"none of the {len(ran)} candidates could be finished: {ran[0].error}"
            )
        best = next(iter(chosen.values()))
        model = trials.refit(best)
    compare = partial(_comparison, trials, chosen, target_names, n_jobs)
    return Tuning(tuple(ran), model, best.params, best.name, compare)


def _comparison(
    trials: Trials,
    chosen: Mapping[str, Candidate],
    target_names: TargetNames,
    n_jobs: int | None,
) -> Comparison:
    with parallel_config(backend="threading", n_jobs=n_jobs):
        outcomes = trials.outcomes(chosen)
    results = [
        result_of_folds(name, [outcome], trials.X, trials.y, None, target_names)
        for name, outcome in outcomes.items()
    ]
    train, test = trials.splits[0]
    return Comparison(
        tuple(results),
        pair_tests(results, len(test) / len(train), rope=0.01),
        rope=0.01,
        n_folds=len(trials.splits),
        n_repeats=1,
        note=CHOSEN,
    )
