"""Evaluation by cross-validation, from out-of-fold predictions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, check_cv

from classicvis.evaluation._classify import Classification, classify
from classicvis.evaluation._evaluate import evaluation_of
from classicvis.evaluation._evaluation import Evaluation
from classicvis.evaluation._labels import as_labels, by_class, names_of_classes
from classicvis.exceptions import ParameterError
from classicvis.images import as_images


class _Fold(NamedTuple):
    number: int
    test: np.ndarray
    found: Classification
    seconds: float


def cross_evaluate(
    model: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
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
        If a class has fewer images than there are folds, there is one class only, or the test
        parts overlap or leave images out.

    See Also
    --------
    evaluate : the figures of a fitted model on images that it has not seen.
    """
    X = as_images(X) if isinstance(X, str | os.PathLike) else X
    y = as_labels(y, len(X))
    splits = _splits(cv, y, target_names, random_state)
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
    return evaluation_of(
        _joined(folds, len(y)),
        X,
        y,
        target_names=target_names,
        predict_seconds=sum(fold.seconds for fold in folds),
        fold_accuracies=np.array(
            [_accuracy(fold, y) for fold in folds if not fold.found.unreadable.all()]
        ),
    )


def _run(
    model: Any, X: Any, y: np.ndarray, number: int, train: np.ndarray, test: np.ndarray
) -> _Fold:
    model.fit(_take(X, train), y[train])
    start = perf_counter()
    found = classify(model, _take(X, test))
    return _Fold(number, test, found, perf_counter() - start)


def _take(X: Any, indices: np.ndarray) -> Any:
    if hasattr(X, "iloc"):
        return X.iloc[indices]
    return X[indices] if hasattr(X, "shape") else [X[i] for i in indices]


def _splits(
    cv: Any,
    y: np.ndarray,
    target_names: Sequence[str] | Mapping[Any, str] | None,
    random_state: Any,
) -> list[tuple[np.ndarray, np.ndarray]]:
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise ParameterError(
            f"found {len(classes)} class in the labels, expected at least 2: add images of another"
        )
    if isinstance(cv, int | np.integer):
        if cv < 2:
            raise ParameterError(f"found cv={cv}, expected at least 2 folds")
        rarest = int(counts.argmin())
        if counts[rarest] < cv:
            name = names_of_classes(classes, target_names)[rarest]
            n_images = f"{counts[rarest]} image" + ("s" if counts[rarest] > 1 else "")
            fix = f"use cv={counts[rarest]} or add images" if counts[rarest] > 1 else "add images"
            raise ParameterError(
                f"found class {name!r} with {n_images}, expected at least {cv} for {cv} folds: "
                f"{fix}"
            )
        cv = StratifiedKFold(int(cv), shuffle=True, random_state=random_state)
    splits = [
        (np.asarray(train), np.asarray(test))
        for train, test in check_cv(cv, y, classifier=True).split(np.zeros(len(y)), y)
    ]
    tested = np.bincount(np.concatenate([test for _, test in splits]), minlength=len(y))
    if not (tested == 1).all():
        raise ParameterError(
            f"the test parts of cv={cv!r} hold some images never or more than once, expected "
            "every image exactly once: use a splitter such as StratifiedKFold or GroupKFold"
        )
    return splits


def _joined(folds: list[_Fold], n_samples: int) -> Classification:
    """Put the folds together; a class that a fold was not trained on has probability 0 there."""
    classes = np.unique(np.concatenate([fold.found.classes for fold in folds]))
    labels = np.full(n_samples, None, dtype=object)
    unreadable = np.zeros(n_samples, dtype=bool)
    for fold in folds:
        labels[fold.test] = fold.found.labels
        unreadable[fold.test] = fold.found.unreadable
    return Classification(
        labels,
        probabilities=_stacked(folds, "probabilities", classes, n_samples, missing=0.0),
        scores=_stacked(folds, "scores", classes, n_samples, missing=np.nan),
        unreadable=unreadable,
        classes=classes,
    )


def _stacked(
    folds: list[_Fold], field: str, classes: np.ndarray, n_samples: int, missing: float
) -> np.ndarray | None:
    parts = []
    for fold in folds:
        values = getattr(fold.found, field)
        spread = None if values is None else by_class(values, fold.found.classes, classes, missing)
        if spread is not None:
            parts.append((fold.test, spread))
    if not parts:
        return None
    # in the dtype of the model: log_loss takes from it how exactly rows sum to one
    stacked = np.full((n_samples, len(classes)), np.nan, parts[0][1].dtype)
    for test, spread in parts:
        stacked[test] = spread
    return stacked


def _accuracy(fold: _Fold, y: np.ndarray) -> float:
    readable = ~fold.found.unreadable
    return float(np.mean(fold.found.labels[readable] == y[fold.test][readable]))
