"""Accuracy over the number of labelled images: where classical beats deep."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import parallel_config

from classicvis.comparison._models import as_models
from classicvis.comparison._out_of_fold import out_of_fold
from classicvis.evaluation._folds import Split, TargetNames, fold_accuracy, fold_splits
from classicvis.evaluation._labels import as_groups, as_labels
from classicvis.evaluation._optional import require
from classicvis.exceptions import ParameterError
from classicvis.images import as_images

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """What models score when they learn from few images and from many.

    Attributes
    ----------
    sizes : ndarray of shape (n_sizes,), int64
        Number of images to learn from.
    accuracies : dict of str to ndarray of shape (n_sizes, n_folds)
        By model; NaN where it failed.
    errors : dict of str to str
        Why models failed.
    """

    sizes: np.ndarray
    accuracies: Mapping[str, np.ndarray]
    errors: Mapping[str, str]

    def to_frame(self) -> pd.DataFrame:
        """Return the mean accuracies as a table: one row per size, one column per model."""
        pandas = require("pandas", "LearningCurve.to_frame")
        means = {name: values.mean(axis=1) for name, values in self.accuracies.items()}
        return pandas.DataFrame(means, index=pandas.Index(self.sizes, name="images"))

    def plot(self) -> Figure:
        """Draw mean accuracy over the number of images, with the spread of the folds."""
        from classicvis.comparison._plots import plot_learning_curve

        return plot_learning_curve(self)


def learning_curve(
    models: Any,
    X: Any,
    y: Any,
    *,
    sizes: Sequence[float] = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0),
    cv: Any = 5,
    groups: Any = None,
    target_names: TargetNames = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Callable[[int, int, str], object] | None = None,
) -> LearningCurve:
    """Score models that learn from parts of the images, all on the same folds.

    Parameters
    ----------
    models : sequence of str or estimators, or mapping from name to str or estimator
        As in `compare`.
    X : sequence of images
        Anything that the models accept.
    y : array-like of shape (n_images,)
        Labels.
    sizes : sequence of float or int, default=(0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
        Shares of the training part of a fold, or, from 2 on, numbers of images. Each smaller
        part lies within the larger ones and has the classes in the same proportions, and at
        least one image of each.
    cv : int, splitter or iterable of (train, test), default=5
        The folds; test parts are the same for all sizes.
    groups : array-like of shape (n_images,), default=None
        Images of one group stay in one fold.
    target_names : sequence of str or mapping, default=None
        For messages.
    n_jobs : int, default=None
        Threads; None means 1.
    random_state : int, default=0
        Seed of the folds, the parts and the models.
    progress : callable, default=None
        Called as ``progress(n_done, n_in_all, what)``.

    Returns
    -------
    LearningCurve
        Table and plot.

    Raises
    ------
    ParameterError
        If a size is not positive, or more than there are images to learn from.
    """
    X = as_images(X) if isinstance(X, str | os.PathLike) else X
    y = as_labels(y, len(X))
    named = as_models(models, random_state)
    splits = fold_splits(
        cv,
        y,
        groups=as_groups(groups, len(y)),
        target_names=target_names,
        random_state=random_state,
    )
    counts = sorted({_count(size, min(len(train) for train, _ in splits)) for size in sizes})
    parts: list[Split] = [
        (train[chosen], test)
        for number, (train, test) in enumerate(splits)
        for chosen in nested_parts(y[train], counts, random_state + number)
    ]
    total, n_done = len(named) * len(parts), 0

    def tell(name: str) -> None:
        nonlocal n_done
        n_done += 1
        if progress is not None:
            progress(n_done, total, name)

    with parallel_config(backend="threading", n_jobs=n_jobs):
        outcomes = out_of_fold(named, X, y, parts, tell)
    accuracies, errors = {}, {}
    for name, outcome in outcomes.items():
        values = np.full(len(parts), np.nan)
        for fold in outcome.folds:
            values[fold.number] = fold_accuracy(fold, y)
        accuracies[name] = values.reshape(len(splits), len(counts)).T
        if outcome.error is not None:
            errors[name] = outcome.error
    return LearningCurve(np.array(counts), accuracies, errors)


def _count(size: float, n: int) -> int:
    count = round(size * n) if size <= 1 else int(size)
    if not size > 0 or count > n:
        raise ParameterError(
            f"found the size {size}, expected a share up to 1, or at most the {n} images that a "
            "fold leaves to learn from"
        )
    return max(count, 2)


def nested_parts(y: np.ndarray, counts: Sequence[int], seed: int) -> list[np.ndarray]:
    """Return positions of the first `count` images in an order that keeps the proportions."""
    rng = np.random.default_rng(seed)
    codes = np.unique(y, return_inverse=True)[1]
    place = np.empty(len(y))
    for code in range(codes.max() + 1):
        members = rng.permutation(np.flatnonzero(codes == code))
        # the k-th of n comes at the share k / n of the way, the first of each class at once
        place[members] = np.arange(len(members)) / len(members)
    order = np.lexsort((rng.random(len(y)), place))
    n_classes = codes.max() + 1
    return [np.sort(order[: max(count, n_classes)]) for count in counts]
