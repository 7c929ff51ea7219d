"""The search of `classicvis train --tune`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from classicvis.comparison import tune

INNER_FOLDS = 3


class Search(ClassifierMixin, BaseEstimator):
    """A grid search as an estimator, so that it can be cross-validated.

    Scores of the search itself are not to be reported: its parameters were chosen on them.

    Parameters
    ----------
    pipeline : Pipeline
        From `build_pipeline`, not fitted.
    grid : dict of str to list
        From `param_grid`: parameters of the classifier, and weights of the extractors.
    seed : int, default=0
        Shuffles the inner folds.
    tick : callable, default=None
        Called after each of `n_fits` trial fits.

    Attributes
    ----------
    best_estimator_ : Pipeline
        The pipeline with the best parameters, fitted on everything.
    best_params_ : dict of str to object
        Its parameters that were searched for.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        grid: dict[str, list[Any]],
        seed: int = 0,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.grid = grid
        self.seed = seed
        self.tick = tick

    @property
    def n_fits(self) -> int:
        """How many trial fits one `fit` makes."""
        return INNER_FOLDS * len(ParameterGrid(self.grid))

    def fit(self, X: Any, y: Any) -> Self:
        """Search, and fit the winner on everything."""
        found = tune(
            {"model": self.pipeline},
            X,
            y,
            grids={"model": self.grid},
            cv=INNER_FOLDS,
            random_state=self.seed,
            progress=None if self.tick is None else self._tell,
        )
        self.best_params_ = found.best_params_
        self.best_estimator_ = found.best_estimator_
        self.classes_ = found.best_estimator_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels that the winner gives."""
        return np.asarray(self.best_estimator_.predict(X))

    def _tell(self, n_done: int, n_in_all: int, what: str) -> None:
        if self.tick is not None:
            self.tick()
