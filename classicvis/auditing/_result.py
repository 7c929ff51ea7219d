"""What an audit found: tables, text and pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from classicvis.auditing._duplicates import DuplicatePair
from classicvis.auditing._label_errors import LabelError
from classicvis.auditing._quality import QualityIssue
from classicvis.evaluation._optional import require
from classicvis.images import ImageSequence, Unreadable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = ("kind", "image", "label", "value", "other_image", "other_label", "reason")


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """What is wrong with a data set. `audit` makes it.

    Attributes
    ----------
    names : tuple of str
        Path of each image, or "image 7".
    target : ndarray of shape (n,) or None
        The labels.
    classes : ndarray of shape (n_classes,)
        The sorted labels; empty without labels.
    target_names : tuple of str
        What people read for each entry of `classes`.
    subset : ndarray of shape (n,), str
        "train", "test", ... or "".
    quality : tuple of QualityIssue
        Unreadable, tiny, large, oddly shaped, blurred, dark, over-exposed and flat images.
    duplicates : tuple of DuplicatePair
        Pairs of pictures that are the same or nearly so.
    groups : ndarray of shape (n,), int64
        Images of one group are copies of one picture: for
        `sklearn.model_selection.StratifiedGroupKFold`.
    label_errors : tuple of LabelError or None
        Labels that are probably wrong, the surest first; None where labels were not judged.
    label_accuracy : float or None
        Share of the given labels that the judge agrees with, each without having seen it. The lower
        it is, the less its suspicions mean.
    label_note : str
        Which labels were not judged, and why; empty where all were.
    unreadable : tuple of Unreadable
        Images that could not be read, with the reasons.
    images : ImageSequence
        What was audited, for the pictures.
    """

    names: tuple[str, ...]
    target: np.ndarray | None
    classes: np.ndarray
    target_names: tuple[str, ...]
    subset: np.ndarray
    quality: tuple[QualityIssue, ...]
    duplicates: tuple[DuplicatePair, ...]
    groups: np.ndarray
    label_errors: tuple[LabelError, ...] | None
    label_accuracy: float | None
    label_note: str
    unreadable: tuple[Unreadable, ...]
    images: ImageSequence = field(repr=False)

    @property
    def n_images(self) -> int:
        """How many images were audited, unreadable ones included."""
        return len(self.names)

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of images of each class by name, unreadable ones included."""
        if self.target is None:
            return {}
        return {
            name: int((self.target == label).sum())
            for name, label in zip(self.target_names, self.classes, strict=True)
        }

    @property
    def imbalance(self) -> float | None:
        """How many times more images the largest class has than the smallest; None unlabelled."""
        counts = list(self.class_counts.values())
        return max(counts) / min(counts) if counts else None

    @property
    def across_classes(self) -> tuple[DuplicatePair, ...]:
        """Duplicates with different labels: one of the two is wrong."""
        target = self.target
        if target is None:
            return ()
        return tuple(pair for pair in self.duplicates if target[pair.first] != target[pair.second])

    @property
    def across_subsets(self) -> tuple[DuplicatePair, ...]:
        """Duplicates in different subsets: a model that saw one is tested on the other."""
        subset = self.subset
        return tuple(pair for pair in self.duplicates if subset[pair.first] != subset[pair.second])

    def label_of(self, i: int) -> str:
        """Return the name of the class of image `i`; empty without labels."""
        return "" if self.target is None else self.name_of_class(self.target[i])

    def name_of_class(self, label: Any) -> str:
        """Return what people read for a label."""
        return self.target_names[int(np.searchsorted(self.classes, label))]

    def rows(self) -> list[tuple[str, str, str, float, str, str, str]]:
        """Return one row per finding: see `to_frame`."""
        rows = [
            (issue.kind, self.names[issue.image], self.label_of(issue.image), issue.value, "", "",
             issue.reason)
            for issue in self.quality
        ]  # fmt: skip
        across, leaks = set(self.across_classes), set(self.across_subsets)
        for pair in self.duplicates:
            marks = ["other class"] * (pair in across) + ["other subset"] * (pair in leaks)
            rows.append(
                (
                    f"duplicate_{pair.kind}",
                    self.names[pair.first],
                    self.label_of(pair.first),
                    pair.similarity,
                    self.names[pair.second],
                    self.label_of(pair.second),
                    ", ".join(marks),
                )
            )
        rows += [
            (
                "label_error",
                self.names[entry.image],
                self.name_of_class(entry.given),
                entry.odds,
                "",
                self.name_of_class(entry.suggested),
                f"{entry.odds:.0f} times more probable",
            )
            for entry in self.label_errors or ()
        ]
        return rows

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per finding.

        Returns
        -------
        pandas.DataFrame
            Columns kind, image, label, value (the figure, the similarity or the odds), other_image,
            other_label (of the duplicate, or the suggested one) and reason.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = require("pandas", "Audit.to_frame")
        return pandas.DataFrame(self.rows(), columns=list(COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as built-in types, ready for `json.dumps`.

        Returns
        -------
        dict
            Counts, and the findings as dicts; figures that do not exist are None.
        """
        suspects = self.label_errors
        return {
            "n_images": self.n_images,
            "n_groups": len(np.unique(self.groups)),
            "class_counts": self.class_counts,
            "imbalance": self.imbalance,
            "counts": self.counts(),
            "label_accuracy": self.label_accuracy,
            "label_note": self.label_note,
            "labels_judged": suspects is not None,
            "findings": [
                dict(zip(COLUMNS, (v if v == v else None for v in row), strict=True))
                for row in self.rows()
            ],
        }

    def counts(self) -> dict[str, int]:
        """Return the number of findings by kind."""
        return dict(Counter(row[0] for row in self.rows()))

    def summary(self) -> str:
        """Return the findings as text that people read, the first few of each kind."""
        from classicvis.auditing._text import summary

        return summary(self)

    def plot_duplicates(self, n: int = 12) -> Figure:
        """Draw pairs of duplicates side by side, those of different labels first.

        Parameters
        ----------
        n : int, default=12
            How many pairs at most.

        Returns
        -------
        matplotlib.figure.Figure
            One row of two pictures per pair.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        from classicvis.auditing._plots import plot_duplicates

        return plot_duplicates(self, n)

    def plot_label_errors(self, n: int = 12) -> Figure:
        """Draw images whose labels are probably wrong, the surest first; as `plot_duplicates`."""
        from classicvis.auditing._plots import plot_label_errors

        return plot_label_errors(self, n)

    def plot_quality(self, n: int = 12) -> Figure:
        """Draw images with an issue of quality, in their order; as `plot_duplicates`."""
        from classicvis.auditing._plots import plot_quality

        return plot_quality(self, n)

    def __repr__(self) -> str:
        found = ", ".join(f"{n} {kind}" for kind, n in self.counts().items()) or "no findings"
        return f"<Audit of {self.n_images} images: {found}>"
