"""The search of `classicvis train --tune`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold
from sklearn.pipeline import Pipeline

from classicvis.exceptions import ParameterError
from classicvis.pipeline import param_grid

INNER_FOLDS = 3


class Search:
    """A grid search over the parameters of a classifier, placed behind the features.

    The grid does not reach the features, so they are computed once and not for each candidate.

    Parameters
    ----------
    pipeline : Pipeline
        From `build_pipeline`, not fitted.
    fixed : collection of str
        Parameters that are not searched over.
    seed : int
        Shuffles the inner folds.
    """

    def __init__(self, pipeline: Pipeline, fixed: Collection[str], seed: int) -> None:
        self.pipeline = pipeline
        self.seed = seed
        self.grid = {name: v for name, v in param_grid(pipeline).items() if name not in fixed}
        if not self.grid:
            raise ParameterError(
                f"--set fixes {', '.join(sorted(fixed))}, expected something left for --tune to "
                "search over; leave one of the two out"
            )
        self.n_fits = INNER_FOLDS * len(ParameterGrid(self.grid))

    def estimator(self, tick: Callable[[], None] | None = None) -> Pipeline:
        """Return the pipeline to fit; `tick` is called after each of `n_fits` trial fits."""
        cut = list(self.pipeline.named_steps).index("features") + 1

        def score(model: Any, X: Any, y: Any) -> float:
            accuracy = float(model.score(X, y))
            if tick:
                tick()
            return accuracy

        search = GridSearchCV(
            self.pipeline[cut:],
            self.grid,
            scoring=score,
            cv=StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=self.seed),
            error_score="raise",
        )
        return Pipeline([*self.pipeline.steps[:cut], ("search", search)])


def unwrapped(model: Pipeline) -> tuple[Pipeline, dict[str, Any]]:
    """Return the fitted pipeline with the winner in place of its search, and its parameters.

    A pipeline without a search comes back as it is, with no parameters.
    """
    search = model.named_steps.get("search")
    if search is None:
        return model, {}
    return Pipeline([*model.steps[:-1], *search.best_estimator_.steps]), search.best_params_
