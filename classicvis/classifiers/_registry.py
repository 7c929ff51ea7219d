"""Classifier names: plain scikit-learn estimators with defaults that suit image features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from classicvis.classifiers._linear_svm import LinearSvm
from classicvis.classifiers.cnn import CnnClassifier
from classicvis.exceptions import unknown_name


@dataclass(frozen=True)
class ClassifierEntry:
    """What a classifier name stands for.

    Attributes
    ----------
    build : callable
        Returns a new, unfitted estimator.
    search_space : dict of str to list
        Default values to search over, by parameter name.
    unit_rows : bool
        Whether rows of features are scaled to unit length first: learners that measure distances
        or angles need it, trees do not care.
    variance_kept : float or None
        Share of the variance that a principal component analysis keeps for a learner whose time
        grows too fast with the number of features; None needs none.
    """

    build: Callable[[], ClassifierMixin]
    search_space: dict[str, list[Any]]
    unit_rows: bool
    variance_kept: float | None = None


CLASSIFIERS = {
    "svm": ClassifierEntry(
        lambda: SVC(C=10.0, kernel="rbf", gamma="scale", class_weight="balanced", cache_size=500),
        {"C": [1.0, 10.0, 100.0], "gamma": [0.5, 1.0, 2.0, 4.0]},
        unit_rows=True,
    ),
    "linear_svm": ClassifierEntry(
        lambda: LinearSvm(C=10.0, class_weight="balanced"),
        {"C": [0.1, 1.0, 10.0, 100.0]},
        unit_rows=True,
    ),
    "random_forest": ClassifierEntry(
        # scikit-learn 1.9 fails on "balanced" where class names are strings of digits
        lambda: RandomForestClassifier(n_estimators=300, class_weight="balanced_subsample"),
        {"n_estimators": [300, 1000], "max_features": ["sqrt", 0.1], "min_samples_leaf": [1, 3]},
        unit_rows=False,
    ),
    "knn": ClassifierEntry(
        lambda: KNeighborsClassifier(n_neighbors=5, weights="distance"),
        {"n_neighbors": [1, 3, 5, 9, 15], "weights": ["uniform", "distance"]},
        unit_rows=True,
    ),
    "decision_tree": ClassifierEntry(
        lambda: DecisionTreeClassifier(class_weight="balanced"),
        {"max_depth": [None, 10, 20], "min_samples_leaf": [1, 3, 10]},
        unit_rows=False,
    ),
    "logistic_regression": ClassifierEntry(
        lambda: LogisticRegression(C=100.0, class_weight="balanced", max_iter=1000),
        {"C": list(np.logspace(0, 4, 5))},
        unit_rows=True,
    ),
    "gradient_boosting": ClassifierEntry(
        lambda: HistGradientBoostingClassifier(class_weight="balanced"),
        {"learning_rate": [0.03, 0.1, 0.3], "max_leaf_nodes": [15, 31, 63]},
        unit_rows=False,
        variance_kept=0.9,
    ),
    "cnn": ClassifierEntry(
        CnnClassifier,
        {"learning_rate": [3e-4, 1e-3, 3e-3], "epochs": [10, 30]},
        unit_rows=False,
    ),
}


def classifier_names() -> list[str]:
    """Return all registered names."""
    return sorted(CLASSIFIERS)


def classifier_entry(name: str) -> ClassifierEntry:
    """Return the entry of a name; an unknown one raises ParameterError with the nearest."""
    if name not in CLASSIFIERS:
        raise unknown_name("classifier", name, CLASSIFIERS)
    return CLASSIFIERS[name]


def entry_of(classifier: Any) -> ClassifierEntry | None:
    """Return the entry whose class a classifier has, None if there is none."""
    return next((e for e in CLASSIFIERS.values() if type(classifier) is type(e.build())), None)
