"""The search of `classicvis train --tune`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

INNER_FOLDS = 3


class Search(ClassifierMixin, BaseEstimator):
    """A grid search that computes the features once, not once per candidate.

    The same winner as `GridSearchCV` over the whole pipeline, where extractors do not learn from
    images; those that do (bags of visual words) learn once from all images of `fit`, without
    their labels. Scores of the search itself are not to be reported: cross-validate it.

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
        """Compute the features, search, and fit the winner on everything."""
        steps = list(self.pipeline.named_steps)
        cut = steps.index("features" if "features" in steps else "images") + 1
        front, back = clone(self.pipeline[:cut]), self.pipeline[cut:]
        rows = front.fit_transform(X, y)
        behind = Pipeline([("features", _Weighted(_blocks(front[-1]))), *back.steps])
        search = GridSearchCV(
            _quick(behind),
            self.grid,
            scoring=self._score,
            cv=StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=self.seed),
            refit=False,
            error_score="raise",
        ).fit(rows, y)
        self.best_params_ = search.best_params_
        winner = clone(behind).set_params(**self.best_params_).fit(rows, y)
        weights = winner["features"].transformer_weights
        if weights is not None:
            front["features"].set_params(transformer_weights=weights)
        self.best_estimator_ = Pipeline([*front.steps, *winner.steps[1:]])
        self.classes_ = winner.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels that the winner gives."""
        return np.asarray(self.best_estimator_.predict(X))

    def _score(self, model: Any, X: Any, y: Any) -> float:
        accuracy = float(model.score(X, y))
        if self.tick is not None:
            self.tick()
        return accuracy


def _blocks(features: Any) -> dict[str, int]:
    """Return the number of columns of each extractor of a fitted union; {} for a single one."""
    parts = getattr(features, "transformer_list", [])
    return {name: extractor.n_features_out_ for name, extractor in parts}


class _Weighted(TransformerMixin, BaseEstimator):
    """Rows of a union with weights that were not known when they were computed."""

    def __init__(
        self, blocks: dict[str, int], transformer_weights: dict[str, float] | None = None
    ) -> None:
        self.blocks = blocks
        self.transformer_weights = transformer_weights

    def fit(self, X: Any, y: Any = None) -> Self:
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        if self.transformer_weights is None:
            return X
        weights = np.array([self.transformer_weights.get(name, 1) for name in self.blocks], X.dtype)
        return np.asarray(X * np.repeat(weights, list(self.blocks.values())))

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _quick(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with an RBF machine that computes its kernel by BLAS, if it has one."""
    learner = pipeline["classifier"]
    if type(learner) is not SVC or learner.kernel != "rbf":
        return pipeline
    return clone(pipeline).set_params(classifier=_BlasSvc(**learner.get_params()))


class _BlasSvc(SVC):
    """`SVC` with the RBF kernel, ten times as fast on rows of a thousand numbers.

    libsvm computes kernel values one by one; here they come from one matrix product. It keeps all
    of its training rows, so that it is for trial fits and not for saving.
    """

    def fit(self, X: np.ndarray, y: Any, sample_weight: Any = None) -> Self:
        X = np.asarray(X, dtype=np.float64)
        automatic = {"scale": 1 / (X.shape[1] * X.var() or 1.0), "auto": 1 / X.shape[1]}
        gamma = automatic.get(self.gamma, self.gamma)
        kernel = partial(rbf_kernel, gamma=gamma)
        self.machine_ = SVC(**(self.get_params() | {"kernel": kernel, "gamma": "scale"}))
        self.machine_.fit(X, y, sample_weight)
        self.classes_ = self.machine_.classes_
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.machine_.predict(np.asarray(X, dtype=np.float64)))
