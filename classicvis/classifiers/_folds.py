"""What classifiers say about images that they have not learnt from: out-of-fold outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, check_cv

from classicvis.classifiers._outputs import output_of
from classicvis.exceptions import ParameterError

Split = tuple[np.ndarray, np.ndarray]


def inner_splits(cv: Any, y: np.ndarray, groups: Any, random_state: Any) -> list[Split]:
    """Return the parts to learn from and to ask about; each image is asked about once.

    Parameters
    ----------
    cv : int, splitter or iterable of (learn, ask)
        An integer is the number of stratified, shuffled folds.
    y : ndarray of shape (n_images,)
        Labels.
    groups : array-like of shape (n_images,) or None
        For splitters that keep groups together.
    random_state : int, RandomState or None
        Seed of the shuffle, where `cv` is an integer.

    Raises
    ------
    ParameterError
        If a class has fewer images than there are folds, or an image is asked about never or more
        than once.
    """
    if isinstance(cv, int | np.integer):
        classes, counts = np.unique(y, return_counts=True)
        if cv < 2 or counts.min() < cv:
            raise ParameterError(
                f"found cv={cv} and {counts.min()} images of class {classes[counts.argmin()]!r}, "
                "expected 2 folds or more and as many images of each class; change cv, add "
                "images, or take a method that needs no folds."
            )
        cv = StratifiedKFold(int(cv), shuffle=True, random_state=random_state)
    splits = list(check_cv(cv, y, classifier=True).split(np.zeros(len(y)), y, groups))
    asked = np.bincount(np.concatenate([ask for _, ask in splits]), minlength=len(y))
    if not (asked == 1).all():
        raise ParameterError(
            f"cv={cv!r} asks about some images never or more than once, expected each once; use a "
            "splitter such as StratifiedKFold or StratifiedGroupKFold."
        )
    return splits


def fit_all(models: Iterable[Any], X: Any, y: np.ndarray, n_jobs: int | None) -> list[Any]:
    """Return fitted clones, several at a time in threads; networks wait for one another."""
    return _in_threads(n_jobs, [(_fitted, (model, X, y)) for model in models])


def out_of_fold(
    models: Sequence[tuple[Any, str]],
    X: Any,
    y: np.ndarray,
    classes: np.ndarray,
    splits: list[Split],
    n_jobs: int | None,
) -> list[np.ndarray]:
    """Return what clones of classifiers say about each image, which they have not learnt from.

    Parameters
    ----------
    models : sequence of (classifier, method)
        Unfitted, and what they are asked.
    X, y : images or rows, and labels
        All of them, indexed by arrays.
    classes : ndarray of shape (n_classes,)
        All labels, sorted. What a fold has no image of is as improbable as can be.
    splits : list of (learn, ask)
        From `inner_splits`.
    n_jobs : int or None
        Threads.

    Returns
    -------
    list of ndarray of shape (n_images, n_classes), or (n_images,) for margins of two classes
        One array for each model.
    """
    tasks = [
        (_asked, (model, method, X, y, classes, *split))
        for model, method in models
        for split in splits
    ]
    answers = _in_threads(n_jobs, tasks)
    n = len(splits)
    return [_joined(answers[i : i + n], splits, len(y)) for i in range(0, len(answers), n)]


def _in_threads(n_jobs: int | None, tasks: list[Any]) -> list[Any]:
    # Threads share pixels and settings, so that numbers are the same for any n_jobs.
    run = Parallel(n_jobs=n_jobs, backend="threading")
    return list(run(delayed(function)(*arguments) for function, arguments in tasks))


def _fitted(model: Any, X: Any, y: np.ndarray) -> Any:
    return clone(model).fit(X, y)


def _asked(
    model: Any,
    method: str,
    X: Any,
    y: np.ndarray,
    classes: np.ndarray,
    learn: np.ndarray,
    ask: np.ndarray,
) -> np.ndarray:
    fitted = _fitted(model, X[learn], y[learn])
    found = output_of(fitted, X[ask], method)
    if len(fitted.classes_) == len(classes):
        return found
    if found.ndim == 1:
        raise ParameterError(
            f"a fold of cv has images of {len(fitted.classes_)} of {len(classes)} classes, too few "
            "for margins; use fewer folds or other groups."
        )
    missing = 0.0 if method != "decision_function" else found.min(axis=1, keepdims=True)
    all_classes = np.broadcast_to(missing, (len(found), len(classes))).astype(found.dtype)
    all_classes[:, np.searchsorted(classes, fitted.classes_)] = found
    return all_classes


def _joined(parts: list[np.ndarray], splits: list[Split], n: int) -> np.ndarray:
    joined = np.empty((n, *parts[0].shape[1:]), np.result_type(*parts))
    for part, (_, ask) in zip(parts, splits, strict=True):
        joined[ask] = part
    return joined
