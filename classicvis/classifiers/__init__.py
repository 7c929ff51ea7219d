"""Names of classifiers: scikit-learn estimators and their default search spaces."""

from classicvis.classifiers._registry import (
    CLASSIFIERS,
    ClassifierEntry,
    classifier_entry,
    classifier_names,
    entry_of,
)

__all__ = [
    "CLASSIFIERS",
    "ClassifierEntry",
    "classifier_entry",
    "classifier_names",
    "entry_of",
]
