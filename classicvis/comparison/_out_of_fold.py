"""Out-of-fold predictions of many models on the same folds, features computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib import hash as digest_of
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from classicvis.comparison._fronts import Front, Part
from classicvis.evaluation import classify
from classicvis.evaluation._folds import Fold, Split, take
from classicvis.exceptions import one_line
from classicvis.features import without_missing_rows

Tell = Callable[[str], None]
Blocks = dict[str, Any]


@dataclass
class Outcome:
    """What came of one model: its folds, or why it failed."""

    folds: list[Fold] = field(default_factory=list)
    error: str | None = None

    def keep(self, result: Fold | str) -> bool:
        """Keep the result of a fold, or why it failed; return whether it did not."""
        if isinstance(result, Fold):
            self.folds.append(result)
            return True
        self.error = self.error or result
        return False


def out_of_fold(
    models: Mapping[str, Any],
    X: Any,
    y: np.ndarray,
    splits: Sequence[Split],
    tell: Tell = lambda name: None,
    *,
    kept: Blocks | None = None,
    is_late: Callable[[], bool] = lambda: False,
) -> dict[str, Outcome]:
    """Fit every model on every training part and classify the images that were held out.

    Parameters
    ----------
    models : mapping from name to estimator
        Not fitted; they are cloned.
    X : images
        What the models take.
    y : ndarray of shape (n_images,)
        Labels.
    splits : sequence of (ndarray, ndarray)
        Positions of training and test images.
    tell : callable, default=nothing
        Called with the name of a model after each of its folds.
    kept : dict, default=None
        Where rows are kept for the next call with the same images; None keeps none.
    is_late : callable, default=never
        Asked before each fold; if so, the models that are left fail with "out of time".

    Returns
    -------
    dict of str to Outcome
        A model that fails in a fold has the reason and no more folds; the others go on.

    Notes
    -----
    Threads are those of `joblib.parallel_config`. Rows that do not depend on the training part
    are computed once, for all folds and all models that share the extractor; others once per
    fold. Linear algebra has one thread, so that results are the same for any number of jobs.
    """
    outcomes = {name: Outcome() for name in models}
    fronts = {name: Front(model) for name, model in models.items()}
    run = _Run(X, y, splits, fronts, outcomes, tell, is_late, {} if kept is None else kept)
    with _one_blas_thread():
        run.stateless([name for name, front in fronts.items() if not front.learns])
        run.learning([name for name, f in fronts.items() if f.learns and f.parts], kept is not None)
        for name, front in fronts.items():
            if not front.parts:
                run.whole(name)
    for outcome in outcomes.values():
        outcome.folds.sort(key=lambda fold: fold.number)
    return outcomes


@dataclass
class _Run:
    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    fronts: Mapping[str, Front]
    outcomes: Mapping[str, Outcome]
    tell: Tell
    is_late: Callable[[], bool]
    blocks: Blocks

    def __post_init__(self) -> None:
        self.digests = [f"{digest_of(train)} {digest_of(test)}" for train, test in self.splits]

    def stateless(self, names: Sequence[str]) -> None:
        """Run models whose rows are the same in all folds: every fold of every model at once."""
        for part in _parts(self.fronts[name] for name in names):
            self._all_rows(part)
        tasks = [(name, number) for number in range(len(self.splits)) for name in self._left(names)]
        self._at_once(tasks)

    def learning(self, names: Sequence[str], keep: bool) -> None:
        """Run models with an extractor that learns, fold after fold."""
        parts = _parts(self.fronts[name] for name in names)
        for part in parts:
            if not part.learns:
                self._all_rows(part)
        for number in range(len(self.splits)):
            for part in _parts(self.fronts[name] for name in self._left(names)):
                if part.learns:
                    self._fold_rows(part, number)
            self._at_once([(name, number) for name in self._left(names)])
            if not keep:
                for part in parts:
                    self.blocks.pop(self._fold_key(part, number), None)

    def whole(self, name: str) -> None:
        """Run a model that takes the images, fold after fold: it has the threads, or the GPU."""
        for number, (train, test) in enumerate(self.splits):
            result = self._fit(
                number,
                self.fronts[name].rest,
                partial(take, self.X, train),
                partial(take, self.X, test),
            )
            if not self.outcomes[name].keep(result):
                return
            self.tell(name)

    def _at_once(self, tasks: Sequence[tuple[str, int]]) -> None:
        jobs = (delayed(self._fold)(name, number) for name, number in tasks)
        results = Parallel(prefer="threads", return_as="generator")(jobs)
        for (name, _), result in zip(tasks, results, strict=True):
            if self.outcomes[name].keep(result):
                self.tell(name)

    def _fold(self, name: str, number: int) -> Fold | str:
        front = self.fronts[name]

        def rows(side: int) -> Any:
            return front.join([self._block(part, number, side) for part in front.parts])

        return self._fit(number, front.rest, lambda: _complete(rows(0)), lambda: rows(1))

    def _fit(
        self,
        number: int,
        model: Any,
        train_rows: Callable[[], Any],
        test_rows: Callable[[], Any],
    ) -> Fold | str:
        """Fit a clone and classify; an error becomes a sentence."""
        if self.is_late():
            return "out of time"
        train, test = self.splits[number]
        try:
            fitted = clone(model).fit(train_rows(), self.y[train])
            rows = test_rows()
            start = perf_counter()
            return Fold(number, test, classify(fitted, rows), perf_counter() - start)
        except Exception as error:
            return _reason(error, number)

    def _block(self, part: Part, number: int, side: int) -> Any:
        if part.learns:  # a copy, as below: scalers work on rows where they lie
            return copy(self.blocks[self._fold_key(part, number)][side])
        return take(self.blocks[part.key], self.splits[number][side])

    def _all_rows(self, part: Part) -> None:
        def compute() -> np.ndarray:
            steps = clone(part.steps).fit(self.X, self.y)
            self.blocks[_steps_key(part)] = steps
            return np.asarray(steps.transform(self.X))

        self._computed(part, part.key, compute, None)

    def _fold_rows(self, part: Part, number: int) -> None:
        train, test = self.splits[number]

        def compute() -> tuple[np.ndarray, np.ndarray]:
            steps = clone(part.steps)
            rows = steps.fit_transform(take(self.X, train), self.y[train])
            return rows, steps.transform(take(self.X, test))

        self._computed(part, self._fold_key(part, number), compute, number)

    def _computed(
        self, part: Part, key: str, compute: Callable[[], Any], number: int | None
    ) -> None:
        """Keep rows; if they cannot be computed, the models that need them have failed."""
        if key in self.blocks:
            return
        try:
            if self.is_late():
                raise TimeoutError("out of time")
            self.blocks[key] = compute()
        except Exception as error:
            for name, front in self.fronts.items():
                if any(part.key == other.key for other in front.parts):
                    self.outcomes[name].keep(_reason(error, number))

    def _fold_key(self, part: Part, number: int) -> str:
        return f"{part.key} {self.digests[number]}"

    def _left(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.outcomes[name].error is None]


def fitted_on_all(model: Any, X: Any, y: np.ndarray, kept: Blocks) -> Any:
    """Return a model fitted on all images, with the rows that `out_of_fold` has kept."""
    front = Front(model)
    if front.learns or not all(part.key in kept for part in front.parts):
        return clone(model).fit(X, y)
    rows = front.join([copy(kept[part.key]) for part in front.parts])
    rest = clone(front.rest).fit(_complete(rows), y)
    return front.assembled([kept[_steps_key(part)] for part in front.parts], rest)


def _parts(fronts: Iterable[Front]) -> list[Part]:
    """Return the different parts of some fronts."""
    return list({part.key: part for front in fronts for part in front.parts}.values())


def _complete(rows: Any) -> Any:
    """Return rows to learn from; ImageError if images could not be read."""
    return without_missing_rows(rows) if isinstance(rows, np.ndarray) else rows


def _steps_key(part: Part) -> str:
    return f"{part.key} steps"


def _reason(error: Exception, number: int | None) -> str:
    if isinstance(error, TimeoutError):
        return "out of time"
    place = "" if number is None else f"fold {number + 1}: "
    return f"{place}{one_line(error)}"


_lock = threading.Lock()
_limits: list[Any] = []  # of all runs under way, the first of which set it


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Give linear algebra one thread while any run in any thread is under way."""
    with _lock:
        limit = threadpool_limits(1, user_api="blas") if not _limits else _limits[0]
        _limits.append(limit)
    try:
        yield
    finally:
        with _lock:
            _limits.pop()
            if not _limits:
                limit.restore_original_limits()
