"""The parts of a cross-validation: which images are held out, and what was said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv

from classicvis.evaluation._classify import Classification
from classicvis.evaluation._evaluate import evaluation_of
from classicvis.evaluation._evaluation import Evaluation
from classicvis.evaluation._labels import by_class, names_of_classes
from classicvis.exceptions import ParameterError

TargetNames = Sequence[str] | Mapping[Any, str] | None
Split = tuple[np.ndarray, np.ndarray]


class Fold(NamedTuple):
    """What a model said of the images that one fold held out.

    Attributes
    ----------
    number : int
        Which fold.
    test : ndarray of shape (n_test,), int64
        Positions of the images.
    found : Classification
        Aligned with `test`.
    seconds : float
        Wall time of the predictions.
    """

    number: int
    test: np.ndarray
    found: Classification
    seconds: float


def take(X: Any, indices: Sequence[int] | np.ndarray) -> Any:
    """Return some of the images, or of the rows of features."""
    if hasattr(X, "iloc"):
        return X.iloc[indices]
    return X[indices] if hasattr(X, "shape") else [X[i] for i in indices]


def fold_splits(
    cv: Any,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    target_names: TargetNames = None,
    random_state: Any = 0,
) -> list[Split]:
    """Return the parts of a cross-validation, each image in one test part.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        An integer is the number of stratified, shuffled folds.
    y : ndarray of shape (n_images,)
        Labels.
    groups : ndarray of shape (n_images,), default=None
        Images of a group stay in one fold.
    target_names : sequence of str or mapping, default=None
        For messages.
    random_state : int, RandomState or None, default=0
        Seed of the shuffle.

    Returns
    -------
    list of (ndarray, ndarray)
        Positions of training and test images.

    Raises
    ------
    ParameterError
        If a class has too few images or groups, there is one class only, or the test parts
        overlap or leave images out.
    """
    classes = np.unique(y)
    if len(classes) < 2:
        raise ParameterError(
            f"found {len(classes)} class in the labels, expected at least 2: add images of another"
        )
    if isinstance(cv, int | np.integer):
        if cv < 2:
            raise ParameterError(f"found cv={cv}, expected at least 2 folds")
        _check_rarest(int(cv), y, groups, target_names)
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(int(cv), shuffle=True, random_state=random_state)
    splits = [
        (np.asarray(train), np.asarray(test))
        for train, test in check_cv(cv, y, classifier=True).split(np.zeros(len(y)), y, groups)
    ]
    tested = np.bincount(np.concatenate([test for _, test in splits]), minlength=len(y))
    if not (tested == 1).all():
        raise ParameterError(
            f"the test parts of cv={cv!r} hold some images never or more than once, expected "
            "every image exactly once: use a splitter such as StratifiedKFold or GroupKFold"
        )
    return splits


def _check_rarest(
    n_folds: int, y: np.ndarray, groups: np.ndarray | None, target_names: TargetNames
) -> None:
    """Raise unless every class has an image, or a group, for each fold."""
    classes, codes = np.unique(y, return_inverse=True)
    if groups is None:
        counts, noun, plural = np.bincount(codes), "image", "images"
    else:
        group_codes = np.unique(groups, return_inverse=True)[1]
        pairs = np.unique(np.column_stack([codes, group_codes]), axis=0)
        counts, noun, plural = np.bincount(pairs[:, 0]), "group of images", "groups of images"
    rarest = int(counts.argmin())
    n = int(counts[rarest])
    if n >= n_folds:
        return
    name = names_of_classes(classes, target_names)[rarest]
    found = f"{n} {noun if n == 1 else plural}"
    fix = f"use cv={n} or add images" if n > 1 else "add images"
    raise ParameterError(
        f"found class {name!r} with {found}, expected at least {n_folds} for {n_folds} folds: {fix}"
    )


def evaluation_of_folds(
    folds: Sequence[Fold], X: Any, y: np.ndarray, target_names: TargetNames
) -> Evaluation:
    """Return the figures of all held-out images together."""
    return evaluation_of(
        _joined(folds, len(y)),
        X,
        y,
        target_names=target_names,
        predict_seconds=sum(fold.seconds for fold in folds),
        fold_accuracies=np.array(
            [fold_accuracy(fold, y) for fold in folds if not fold.found.unreadable.all()]
        ),
    )


def fold_accuracy(fold: Fold, y: np.ndarray) -> float:
    """Return the accuracy on the images of a fold that can be read."""
    readable = ~fold.found.unreadable
    return float(np.mean(fold.found.labels[readable] == y[fold.test][readable]))


def _joined(folds: Sequence[Fold], n_samples: int) -> Classification:
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
    folds: Sequence[Fold], field: str, classes: np.ndarray, n_samples: int, missing: float
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
