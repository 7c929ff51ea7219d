"""All questions about a data set, asked at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classicvis.auditing._duplicates import MIN_SIMILARITY, groups_of, pairs_of
from classicvis.auditing._label_errors import (
    LEAST_GROUPS,
    MIN_ODDS,
    LabelError,
    checkable,
    find_label_errors,
    out_of_fold,
)
from classicvis.auditing._quality import quality_issues
from classicvis.auditing._result import Audit
from classicvis.auditing._scan import Scan, scan
from classicvis.evaluation._labels import as_labels, names_of_classes
from classicvis.exceptions import ParameterError
from classicvis.images import ImageSequence, as_images, find_image_folder, is_hidden, show_progress


def audit(
    images: Any,
    y: Any = None,
    *,
    model: Any = None,
    target_names: Sequence[str] | Mapping[Any, str] | None = None,
    subset: Any = None,
    label_errors: bool = True,
    min_similarity: float = MIN_SIMILARITY,
    min_odds: float = MIN_ODDS,
    n_jobs: int | None = None,
    random_state: int | None = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Look for what is wrong with a data set before a model learns it.

    Parameters
    ----------
    images : folder, ImageFolder, sequence of paths, bytes or arrays, or ImageSequence
        A folder of one folder per class brings its labels, names and subsets along. Unreadable
        images are findings and stop nothing.
    y : array-like of shape (n,), default=None
        The labels; None takes those of the folder, if it has any.
    model : classifier, default=None
        Judges the labels by cross-validation; it needs ``predict_proba`` and takes images. None is
        HOG and colour histograms, 200 principal components of them, and a least-squares support
        vector machine.
    target_names : sequence of str or mapping from label to str, default=None
        What the classes are called, as in `evaluate`.
    subset : array-like of shape (n,), default=None
        Names such as "train" and "test"; None takes those of the folder, if it is divided.
    label_errors : bool, default=True
        Whether labels are judged, which takes most of the time.
    min_similarity : float, default=0.95
        See `near_duplicates`.
    min_odds : float, default=20
        See `find_label_errors`.
    n_jobs : int, default=None
        Threads that decode and extract; None means 1.
    random_state : int or None, default=0
        Seed of the folds.
    progress : callable, default=None
        Called as ``progress(n_done, n_images)`` while images are read, once for each pass.

    Returns
    -------
    Audit
        The same for every `n_jobs`; odds up to the rounding of linear algebra in threads.

    Raises
    ------
    ImageError
        If `images` holds no images.
    ParameterError
        If labels or subsets are not as many as images, or a parameter is out of its range.

    Notes
    -----
    Labels of classes with less than 10 pictures (duplicates count as one) are not judged, nor any
    where less than two classes remain; ``label_note`` says so.
    """
    if isinstance(images, str | os.PathLike) and y is None and _has_classes(Path(images)):
        images = find_image_folder(Path(images))
    if hasattr(images, "target_names"):  # an ImageFolder
        y = images.target if y is None else y
        target_names = images.target_names if target_names is None else target_names
        subset = images.subset if subset is None else subset
        images = images.images
    sequence = as_images(images, on_error="mark")
    n = len(sequence)
    labels = None if y is None else as_labels(y, n)
    parts = np.full(n, "") if subset is None else np.asarray(subset).astype(str)
    if parts.shape != (n,):
        raise ParameterError(f"found subsets of shape {parts.shape}, expected ({n},)")
    with show_progress(progress):
        found = scan(sequence, n_jobs)
        duplicates = pairs_of(sequence, found, min_similarity)
        groups = groups_of(duplicates, n)
        suspects: tuple[LabelError, ...] | None = None
        accuracy, note = None, "labels were not judged"
        if labels is not None and label_errors:
            suspects, accuracy, note = _judge(
                model, sequence, labels, groups, found, min_odds, n_jobs, random_state
            )
    classes = np.array([]) if labels is None or not n else np.unique(labels)
    names = names_of_classes(classes, target_names) if len(classes) else ()
    return Audit(
        names=tuple(found.names),
        target=labels,
        classes=classes,
        target_names=names,
        subset=parts,
        quality=tuple(quality_issues(found)),
        duplicates=tuple(duplicates),
        groups=groups,
        label_errors=suspects,
        label_accuracy=accuracy,
        label_note=note,
        unreadable=tuple(found.unreadable),
        images=sequence,
    )


def _has_classes(folder: Path) -> bool:
    """Return whether a folder holds folders, and not the images themselves."""
    return folder.is_dir() and any(
        path.is_dir() and not is_hidden(path) for path in folder.iterdir()
    )


def _judge(
    model: Any,
    images: ImageSequence,
    labels: np.ndarray,
    groups: np.ndarray,
    found: Scan,
    min_odds: float,
    n_jobs: int | None,
    random_state: int | None,
) -> tuple[tuple[LabelError, ...] | None, float | None, str]:
    """Return suspected labels, the accuracy of the model that suspects them, and a remark."""
    chosen = np.flatnonzero(found.readable)
    enough = checkable(labels[chosen], groups[chosen])
    left_out = len(np.unique(labels[chosen][~enough]))
    chosen = chosen[enough]
    n_classes = len(np.unique(labels[chosen]))
    few = f"classes with less than {LEAST_GROUPS} different pictures"
    if n_classes < 2:
        return (
            None,
            None,
            f"labels were not judged: found {n_classes} classes besides {few}, expected 2",
        )
    result = out_of_fold(
        model, images[chosen], labels[chosen], groups[chosen], n_jobs, random_state
    )
    assert result.probabilities is not None
    judged = chosen[result.indices]
    suspects = find_label_errors(
        labels[judged], result.probabilities, result.classes, min_odds=min_odds
    )
    note = f"not judged: {left_out} {few}" if left_out else ""
    return (
        tuple(entry._replace(image=int(judged[entry.image])) for entry in suspects),
        result.accuracy,
        note,
    )
