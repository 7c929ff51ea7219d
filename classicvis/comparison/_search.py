"""The candidates of a search, and which of them goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.pipeline import Pipeline

from classicvis.classifiers import entry_of
from classicvis.comparison._learning_curve import nested_parts
from classicvis.comparison._out_of_fold import Blocks, Outcome, fitted_on_all, out_of_fold
from classicvis.comparison._trial_svc import with_trial_svc
from classicvis.evaluation._folds import Split, fold_accuracy
from classicvis.exceptions import ParameterError
from classicvis.pipeline import param_grid

HALVING_FACTOR = 3


@dataclass(frozen=True)
class Candidate:
    """A model with parameters, and what it scored.

    Attributes
    ----------
    name : str
        Of its model.
    params : dict of str to object
        By ``set_params`` names.
    accuracies : ndarray of shape (n_folds,)
        On the folds; empty where it failed or time ran out.
    n_images : int
        How many images it learnt from, in the mean of the folds: fewer than there were where
        halving left it behind.
    error : str or None
        Why there are no accuracies.
    """

    name: str
    params: dict[str, Any]
    accuracies: np.ndarray
    n_images: int = 0
    error: str | None = None

    @property
    def accuracy(self) -> float:
        """Mean over the folds; NaN without them."""
        return float(self.accuracies.mean()) if len(self.accuracies) else float("nan")


def candidates(
    models: Mapping[str, Any],
    grids: Mapping[str, Any],
    search: str,
    n_iter: int,
    random_state: int,
) -> list[Candidate]:
    """Return all candidates, those of different models in turn."""
    by_model = []
    for name, model in models.items():
        grid = grids[name] if name in grids else default_grid(model)
        has_end = isinstance(grid, Sequence) or all(
            isinstance(values, Sequence | np.ndarray) for values in grid.values()
        )
        settings: Any = ParameterGrid(grid) if has_end else ()
        if search == "random" and not (has_end and len(settings) <= n_iter):
            settings = ParameterSampler(grid, n_iter, random_state=random_state)
        elif not has_end:
            raise ParameterError(
                f"found a distribution in the grid of {name!r}, expected lists of values for "
                f"search={search!r}: use search='random'"
            )
        by_model.append([Candidate(name, dict(params), np.empty(0)) for params in settings])
    longest = max(map(len, by_model))
    return [found[i] for i in range(longest) for found in by_model if i < len(found)]


def default_grid(model: Any) -> dict[str, list[Any]]:
    """Return the search space of `param_grid`; an empty one for a model that it does not know."""
    is_known = isinstance(model, Pipeline) and "classifier" in model.named_steps
    if not is_known or entry_of(model.named_steps["classifier"]) is None:
        return {}
    return param_grid(model)


@dataclass
class Trials:
    """Candidates on the same folds, rows kept from one call to the next."""

    models: Mapping[str, Any]
    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    tell: Callable[[str], None]
    is_late: Callable[[], bool]

    def __post_init__(self) -> None:
        self.blocks: Blocks = {}

    def run(
        self, found: Sequence[Candidate], splits: Sequence[Split] | None = None
    ) -> list[Candidate]:
        """Return the candidates with what they scored."""
        splits = self.splits if splits is None else splits
        trials: dict[str, Any] = {}
        for i, candidate in enumerate(found):
            model = clone(self.models[candidate.name]).set_params(**candidate.params)
            trials[str(i)] = with_trial_svc(model)
        outcomes = out_of_fold(
            trials,
            self.X,
            self.y,
            splits,
            lambda i: self.tell(found[int(i)].name),
            kept=self.blocks,
            is_late=self.is_late,
        )
        n_images = round(float(np.mean([len(train) for train, _ in splits])))
        return [
            _scored(candidate, outcomes[str(i)], self.y, n_images)
            for i, candidate in enumerate(found)
        ]

    def halve(self, found: Sequence[Candidate], random_state: int) -> list[Candidate]:
        """Run all candidates on few images, the best third on three times as many, and so on."""
        n_rungs = 1 + int(np.floor(np.log(max(len(found), 1)) / np.log(HALVING_FACTOR)))
        n_train = min(len(train) for train, _ in self.splits)
        done: list[Candidate] = []
        left = list(found)
        for rung in range(n_rungs):
            count = n_train // HALVING_FACTOR ** (n_rungs - 1 - rung)
            splits = self.splits
            if rung < n_rungs - 1:
                splits = [
                    (train[nested_parts(self.y[train], [count], random_state)[0]], test)
                    for train, test in self.splits
                ]
            ran = sorted(self.run(left, splits), key=lambda c: -np.nan_to_num(c.accuracy, nan=-1.0))
            n_kept = len(ran) if rung == n_rungs - 1 else -(-len(ran) // HALVING_FACTOR)
            left, dropped = ran[:n_kept], ran[n_kept:]
            done = dropped + done
        return left + done

    def refit(self, candidate: Candidate) -> Any:
        """Return the model of a candidate, fitted on all images."""
        model = clone(self.models[candidate.name]).set_params(**candidate.params)
        return fitted_on_all(model, self.X, self.y, self.blocks)

    def outcomes(self, chosen: Mapping[str, Candidate]) -> dict[str, Outcome]:
        """Return the folds of one candidate of each model, without shortcuts."""
        models = {
            name: clone(self.models[name]).set_params(**candidate.params)
            for name, candidate in chosen.items()
        }
        return out_of_fold(models, self.X, self.y, self.splits, kept=self.blocks)


def check_search(search: str) -> None:
    """Raise unless it is a kind of search."""
    if search not in ("grid", "random", "halving"):
        raise ParameterError(f"found search={search!r}, expected 'grid', 'random' or 'halving'")


def _scored(candidate: Candidate, outcome: Outcome, y: np.ndarray, n_images: int) -> Candidate:
    if outcome.error is not None:
        return replace(candidate, accuracies=np.empty(0), error=outcome.error)
    accuracies = np.array([fold_accuracy(fold, y) for fold in outcome.folds])
    return replace(candidate, accuracies=accuracies, n_images=n_images)
