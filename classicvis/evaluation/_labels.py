"""Labels of any kind as sorted classes, and the names that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classicvis.exceptions import ParameterError


def as_labels(y: Any, n_samples: int | None = None) -> np.ndarray:
    """Return labels as a vector of strings or numbers, of the expected length."""
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ParameterError(
            f"found labels of shape {labels.shape}, expected one label per image: "
            "pass a list or a vector"
        )
    if n_samples is not None and len(labels) != n_samples:
        raise ParameterError(
            f"found {len(labels)} labels for {n_samples} images, expected one label per image"
        )
    if labels.dtype == object and len({isinstance(label, str) for label in labels}) == 1:
        labels = np.array(labels.tolist())
    is_nan = labels.dtype.kind == "f" and np.isnan(labels).any()
    if labels.dtype.kind not in "Ubiuf" or is_nan:
        raise ParameterError(
            "found labels that are missing or of mixed types, expected only strings or only "
            "numbers: drop the images that have no label"
        )
    return labels


def as_groups(groups: Any, n_samples: int) -> np.ndarray | None:
    """Return the group of each image as an integer, or None where each is one of its own."""
    if groups is None:
        return None
    found = np.asarray(groups)
    if found.shape != (n_samples,):
        raise ParameterError(
            f"found groups of shape {found.shape} for {n_samples} images, expected one per image"
        )
    names, codes = np.unique(found, return_inverse=True)
    return codes if len(names) < n_samples else None


def union_of_labels(known: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Return the sorted union of the labels that a model knows and those that occur."""
    for labels in others:
        if (labels.dtype.kind == "U") != (known.dtype.kind == "U"):
            raise ParameterError(
                f"found labels such as {labels[0].item()!r}, expected labels such as "
                f"{known[0].item()!r}, which the model was trained on: pass labels of the same kind"
            )
    return np.unique(np.concatenate([known, *others]))


def by_class(
    values: np.ndarray, known: np.ndarray, classes: np.ndarray, missing: float
) -> np.ndarray | None:
    """Return probabilities or decision values with one column for each of `classes`.

    `known` are the classes of the model that gave the values, a subset of `classes`. One-vs-one
    decision values belong to pairs and cannot be spread so: None.
    """
    if values.ndim == 1:  # two classes, one decision value
        values = np.column_stack([-values / 2, values / 2])
    if values.shape[1] != len(known):
        return None
    spread = np.full((len(values), len(classes)), missing, dtype=values.dtype)
    spread[:, np.searchsorted(classes, known)] = values
    return spread


def names_of_classes(
    classes: np.ndarray, target_names: Sequence[str] | Mapping[Any, str] | None
) -> tuple[str, ...]:
    """Return a name for each class.

    A mapping gives names by label. A sequence gives them by integer label, as the loaders of
    image folders do; where the labels are not such positions, in the sorted order of the classes.
    """
    labels = classes.tolist()
    if target_names is None:
        return tuple(map(str, labels))
    if isinstance(target_names, Mapping):
        return tuple(str(target_names.get(label, label)) for label in labels)
    n_names = len(target_names)
    if classes.dtype.kind in "biu" and labels[0] >= 0 and labels[-1] < n_names:
        return tuple(str(target_names[label]) for label in labels)
    if n_names == len(labels):
        return tuple(map(str, target_names))
    raise ParameterError(
        f"found {n_names} target_names for {len(labels)} classes ({_shortened(labels)}), "
        "expected one for each: pass a dict from label to name"
    )


def _shortened(labels: list[Any], n: int = 5) -> str:
    return ", ".join(map(repr, labels[:n])) + (", ..." if len(labels) > n else "")
