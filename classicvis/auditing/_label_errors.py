"""Labels that are probably wrong, from what a model says of images it was trained without."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classicvis.auditing._judge import LeastSquaresJudge, judge_features
from classicvis.evaluation import Evaluation, cross_evaluate
from classicvis.evaluation._labels import as_labels
from classicvis.exceptions import ParameterError
from classicvis.images import ImageSequence

N_FOLDS = 5
LEAST_GROUPS = 2 * N_FOLDS  # of a class: with fewer, folds have too little of it

# Chosen on labels planted in the digits of scikit-learn, Caltech-101 and CIFAR-10: below it, a weak
# model takes its own mistakes for those of the labels.
MIN_ODDS = 20.0


class LabelError(NamedTuple):
    """A label that is probably wrong.

    Attributes
    ----------
    image : int
        Number of the image.
    given, suggested : object
        Its label, and the one that the model finds most probable.
    odds : float
        How many times more probable the suggested label is, by the model.
    """

    image: int
    given: Any
    suggested: Any
    odds: float


def find_label_errors(
    y: Any, probabilities: Any, classes: Any = None, *, min_odds: float = MIN_ODDS
) -> list[LabelError]:
    """Find labels that are probably wrong by confident learning [1]_.

    The threshold of a class is the mean probability that images of this label have for it. An image
    is confidently of a class if its probability reaches the threshold, of the most probable one if
    several do. The share of images of a label that are confidently of others says how many of its
    labels are wrong; suspected are as many, those least probable of their label ("prune by class"),
    unless the model finds the label most probable after all.

    Parameters
    ----------
    y : array-like of shape (n,)
        The labels.
    probabilities : array-like of shape (n, n_classes)
        What a model says that was trained without the image, such as `cross_evaluate` gives.
    classes : array-like of shape (n_classes,), default=None
        The labels that the columns stand for; None: the sorted labels of `y`.
    min_odds : float, default=20
        The suggested label must be so many times more probable than the given one. 1 is the rule
        of the paper, good with a model that is nearly always right; with a weak model most of what
        it finds are the mistakes of the model.

    Returns
    -------
    list of LabelError
        The highest odds first.

    Raises
    ------
    ParameterError
        If the shapes do not fit, a label is not among the classes, or odds are below 1.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang, I. Chuang, "Confident learning: estimating uncertainty in
           dataset labels", JAIR 70, 2021, DOI 10.1613/jair.1.12125. Confident joint: section 3.1;
           prune by class: section 3.2. `min_odds` is not in the paper.
    """
    labels = as_labels(y)
    known = np.unique(labels) if classes is None else as_labels(classes)
    table = np.asarray(probabilities, dtype=np.float64)
    if table.shape != (len(labels), len(known)) or not np.isfinite(table).all():
        raise ParameterError(
            f"found probabilities of shape {table.shape}, expected finite ones of shape "
            f"({len(labels)}, {len(known)}): one row per label, one column per class"
        )
    if not np.isin(labels, known).all():
        raise ParameterError("found labels that are not in classes, expected all of them there")
    if not min_odds >= 1:
        raise ParameterError(f"found min_odds={min_odds!r}, expected at least 1")
    column = {label: k for k, label in enumerate(known.tolist())}
    given = np.array([column[label] for label in labels.tolist()], dtype=np.int64)
    top = table.argmax(axis=1)
    rows = np.arange(len(given))
    odds = table[rows, top] / np.maximum(table[rows, given], 1e-12)
    suspected = _pruned_by_class(given, table) & (top != given) & (odds >= min_odds)
    order = sorted(np.flatnonzero(suspected).tolist(), key=lambda i: (-odds[i], i))
    names = known.tolist()
    return [LabelError(i, names[given[i]], names[top[i]], float(odds[i])) for i in order]


def _pruned_by_class(given: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return, for each class, the images that are least of it, as many as labels are wrong."""
    n_classes = table.shape[1]
    thresholds = np.full(n_classes, np.inf)
    for k in np.unique(given):
        thresholds[k] = table[given == k, k].mean()
    reached = np.where(table >= thresholds, table, -1.0)
    is_confident = reached.max(axis=1) >= 0
    confident = reached.argmax(axis=1)
    pruned = np.zeros(len(given), dtype=bool)
    for k in np.unique(given):
        members = np.flatnonzero(given == k)
        others = confident[members[is_confident[members]]] != k
        n_wrong = round(float(others.mean()) * len(members)) if len(others) else 0
        pruned[members[np.argsort(table[members, k], kind="stable")[:n_wrong]]] = True
    return pruned


def checkable(y: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return which images are of classes with enough groups for all folds."""
    n_groups = {label: len(np.unique(groups[y == label])) for label in np.unique(y).tolist()}
    return np.array([n_groups[label] >= LEAST_GROUPS for label in y.tolist()], dtype=bool)


def out_of_fold(
    model: Any,
    images: ImageSequence,
    y: np.ndarray,
    groups: np.ndarray,
    n_jobs: int | None,
    random_state: int | None,
) -> Evaluation:
    """Cross-evaluate a model on readable images, with duplicates of one picture in one fold.

    `model` None is `LeastSquaresJudge` on features that are computed once.
    """
    data: Any = images
    if model is None:
        data = judge_features(images, y, n_jobs, random_state)
        model = LeastSquaresJudge(random_state=random_state)
    result = cross_evaluate(model, data, y, cv=N_FOLDS, groups=groups, random_state=random_state)
    if result.probabilities is None:
        raise ParameterError(
            f"found a {type(model).__name__} without predict_proba, expected one with it: wrap its "
            "classifier in sklearn.calibration.CalibratedClassifierCV"
        )
    return result
