"""Evaluation of a fitted model on labelled images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from sklearn import metrics

from classicvis.evaluation._classify import Classification, classify
from classicvis.evaluation._evaluation import Average, Evaluation, images_of
from classicvis.evaluation._labels import (
    as_labels,
    by_class,
    names_of_classes,
    union_of_labels,
)
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import Unreadable, as_images


def evaluate(
    model: Any,
    X: Any,
    y: Any,
    *,
    target_names: Sequence[str] | Mapping[Any, str] | None = None,
) -> Evaluation:
    """Evaluate a fitted model on labelled images.

    Parameters
    ----------
    model : classifier
        A fitted classifier, usually the pipeline of `build_pipeline`.
    X : sequence of images
        Anything that the model accepts. Unreadable images of an `ImageSequence` with
        ``on_error="mark"`` are left out of all figures and listed in ``skipped``.
    y : array-like of shape (n_images,)
        The true labels, of the kind that the model was trained on. They may lack classes that the
        model knows and hold others.
    target_names : sequence of str or mapping from label to str, default=None
        What reports call the classes. A sequence is indexed by integer labels, as the
        ``target_names`` of an image folder is; otherwise it has one name per class in sorted
        order. None uses the labels.

    Returns
    -------
    Evaluation
        Figures, tables, plots and a report.

    Raises
    ------
    ParameterError
        If `y` or `target_names` do not fit.
    ImageError
        If an image cannot be read, or none can.

    See Also
    --------
    cross_evaluate : the same figures by cross-validation, when there are no images to spare.

    Notes
    -----
    All figures are those of `sklearn.metrics`. Every image is decoded once.

    Examples
    --------
    >>> result = evaluate(model, test.images, test.target)  # doctest: +SKIP
    >>> print(result.summary())  # doctest: +SKIP
    """
    X = as_images(X) if isinstance(X, str | os.PathLike) else X
    y = as_labels(y, len(X))
    if not len(y):
        raise ParameterError("found no image, expected at least one: check what is evaluated")
    start = perf_counter()
    found = classify(model, X)
    seconds = perf_counter() - start
    return evaluation_of(found, X, y, target_names=target_names, predict_seconds=seconds)


def evaluation_of(
    found: Classification,
    X: Any,
    y: np.ndarray,
    *,
    target_names: Sequence[str] | Mapping[Any, str] | None,
    predict_seconds: float,
    fold_accuracies: np.ndarray | None = None,
) -> Evaluation:
    """Compute the figures of a classification whose true labels are `y`."""
    indices = np.flatnonzero(~found.unreadable)
    skipped = _skipped(X, np.flatnonzero(found.unreadable))
    if not len(indices):
        raise ImageError(
            f"none of the {len(y)} images can be read, expected at least one: {skipped[0].reason}"
        )
    y_true, y_pred = y[indices], as_labels(found.labels[indices])
    known = as_labels(found.classes)
    classes = union_of_labels(known, y, y_pred)
    true, pred = np.searchsorted(classes, y_true), np.searchsorted(classes, y_pred)
    codes = np.arange(len(classes))
    probabilities = scores = None
    if found.probabilities is not None:
        probabilities = by_class(found.probabilities[indices], known, classes, missing=0.0)
    elif found.scores is not None:
        scores = by_class(found.scores[indices], known, classes, missing=np.nan)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        true, pred, labels=codes, zero_division=0
    )
    return Evaluation(
        accuracy=float(metrics.accuracy_score(true, pred)),
        balanced_accuracy=_balanced_accuracy(true, pred),
        log_loss=_log_loss(true, probabilities),
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        macro_average=_average(true, pred, "macro"),
        weighted_average=_average(true, pred, "weighted"),
        confusion_matrix=metrics.confusion_matrix(true, pred, labels=codes),
        classes=classes,
        target_names=names_of_classes(classes, target_names),
        y_true=y_true,
        y_pred=y_pred,
        probabilities=probabilities,
        scores=scores,
        confidences=_confidences(pred, probabilities, scores),
        indices=indices,
        names=tuple(_names(X, indices)),
        skipped=skipped,
        predict_seconds=predict_seconds,
        fold_accuracies=fold_accuracies,
        images=X,
    )


def _balanced_accuracy(true: np.ndarray, pred: np.ndarray) -> float:
    """`balanced_accuracy_score` without its warning about classes that are only predicted."""
    occurring = np.unique(true)
    return float(
        metrics.recall_score(true, pred, labels=occurring, average="macro", zero_division=0)
    )


def _average(true: np.ndarray, pred: np.ndarray, average: str) -> Average:
    figures = metrics.precision_recall_fscore_support(true, pred, average=average, zero_division=0)
    return Average(*map(float, figures[:3]))


def _log_loss(true: np.ndarray, probabilities: np.ndarray | None) -> float | None:
    if probabilities is None:
        return None
    n_classes = probabilities.shape[1]
    if n_classes == 1:  # log_loss wants two classes; with one there is nothing to be unsure of
        return 0.0
    return float(metrics.log_loss(true, probabilities, labels=np.arange(n_classes)))


def _confidences(
    pred: np.ndarray, probabilities: np.ndarray | None, scores: np.ndarray | None
) -> np.ndarray:
    rows = np.arange(len(pred))
    if probabilities is not None:
        return probabilities[rows, pred].astype(np.float64)
    if scores is None:
        return np.full(len(pred), np.nan)
    others = scores.astype(np.float64)
    own = others[rows, pred]
    others[rows, pred] = np.nan
    return np.asarray(own - np.nanmax(others, axis=1))


def _names(X: Any, indices: np.ndarray) -> list[str]:
    images = images_of(X)
    return [f"image {i}" if images is None else images.name(int(i)) for i in indices]


def _skipped(X: Any, indices: np.ndarray) -> tuple[Unreadable, ...]:
    names = _names(X, indices)
    return tuple(
        Unreadable(name, _reason(X, int(i))) for name, i in zip(names, indices, strict=True)
    )


def _reason(X: Any, i: int) -> str:
    """Read the image once more for the reason; features do not carry it."""
    images = images_of(X)
    if images is None:
        return f"image {i}: all its features are NaN"
    try:
        images[i]
    except ImageError as error:
        return str(error)
    return f"{images.name(i)}: all its features are NaN"
