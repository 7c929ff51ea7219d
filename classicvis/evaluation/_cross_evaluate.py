"""Evaluation by cross-validation, from out-of-fold predictions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from classicvis.evaluation._classify import classify
from classicvis.evaluation._evaluation import Evaluation
from classicvis.evaluation._folds import Fold, evaluation_of_folds, fold_splits, take
from classicvis.evaluation._labels import as_groups, as_labels
from classicvis.images import as_images


def cross_evaluate(
    model: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    groups: Any = None,
    n_jobs: int | None = None,
    target_names: Sequence[str] | Mapping[Any, str] | None = None,
    random_state: int | np.random.RandomState | None = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Evaluation:
    """Evaluate a model by cross-validation.

    Every image is predicted once, by a clone that was trained without it. The figures are those
    of all these predictions together.

    Parameters
    ----------
    model : classifier
        A classifier, fitted or not; it is cloned and stays as it is.
    X : sequence of images
        Anything that the model accepts.
    y : array-like of shape (n_images,)
        The labels.
    cv : int, splitter or iterable of (train, test), default=5
        An integer is the number of stratified, shuffled folds. The test parts must hold every
        image exactly once.
    groups : array-like of shape (n_images,), default=None
        Images of one group, such as near-duplicates, stay in one fold.
    n_jobs : int, default=None
        How many folds are worked on at the same time; None means 1.
    target_names : sequence of str or mapping from label to str, default=None
        What reports call the classes, as in `evaluate`.
    random_state : int, RandomState or None, default=0
        Seed of the shuffle, where `cv` is an integer.
    progress : callable, default=None
        Called as ``progress(n_done, n_folds)`` in the calling thread after each fold.

    Returns
    -------
    Evaluation
        With ``fold_accuracies``; ``predict_seconds`` is the sum over the folds.

    Raises
    ------
    ParameterError
        If a class has fewer images (or groups) than there are folds, there is one class only, or
        the test parts overlap or leave images out.

    See Also
    --------
    evaluate : the figures of a fitted model on images that it has not seen.
    """
    X = as_images(X) if isinstance(X, str | os.PathLike) else X
    y = as_labels(y, len(X))
    groups = as_groups(groups, len(y))
    splits = fold_splits(cv, y, groups=groups, target_names=target_names, random_state=random_state)
    results = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
        delayed(_run)(clone(model), X, y, number, train, test)
        for number, (train, test) in enumerate(splits)
    )
    folds = []
    for fold in results:
        folds.append(fold)
        if progress is not None:
            progress(len(folds), len(splits))
    folds.sort(key=lambda fold: fold.number)
    return evaluation_of_folds(folds, X, y, target_names)


def _run(
    model: Any, X: Any, y: np.ndarray, number: int, train: np.ndarray, test: np.ndarray
) -> Fold:
    model.fit(take(X, train), y[train])
    start = perf_counter()
    found = classify(model, take(X, test))
    return Fold(number, test, found, perf_counter() - start)
