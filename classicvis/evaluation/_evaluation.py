"""The result of an evaluation: figures, tables, pictures and a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classicvis.evaluation._optional import require
from classicvis.exceptions import ImageError
from classicvis.images import ImageSequence, Unreadable, as_images

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Average(NamedTuple):
    """Precision, recall and F1 averaged over the classes."""

    precision: float
    recall: float
    f1: float


class Confusion(NamedTuple):
    """How often images of one class were taken for another."""

    true: str
    predicted: str
    n_images: int


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model scores on labelled images. `evaluate` and `cross_evaluate` make it.

    Attributes
    ----------
    accuracy : float
        Fraction of the images whose predicted class is the true one.
    balanced_accuracy : float
        Mean recall of the classes that occur in `y_true`.
    log_loss : float or None
        Mean of -log(probability of the true class), in nats; None without probabilities. A class
        that the model has never seen has probability 0, clipped to the machine epsilon.
    precision, recall, f1 : ndarray of shape (n_classes,), float64
        Per class; 0 where a class was never predicted or does not occur.
    support : ndarray of shape (n_classes,), int64
        Number of images of each class.
    macro_average, weighted_average : Average
        Over the classes that occur in `y_true` or `y_pred`, each with the weight 1 or with the
        number of its images.
    confusion_matrix : ndarray of shape (n_classes, n_classes), int64
        Rows are true classes, columns predicted ones.
    classes : ndarray of shape (n_classes,)
        Sorted union of the labels that the model knows, those of `y_true` and those of `y_pred`.
    target_names : tuple of str
        What people read for each entry of `classes`.
    y_true, y_pred : ndarray of shape (n_samples,)
        Labels of the images that could be read.
    probabilities : ndarray of shape (n_samples, n_classes) or None
        Columns as in `classes`; 0 for a class that the model does not know.
    scores : ndarray of shape (n_samples, n_classes) or None
        Decision values of a model without probabilities, columns as in `classes`, NaN for a class
        that the model does not know. With two classes they are ``-d / 2`` and ``d / 2``, where
        ``d`` is the value of ``decision_function``.
    confidences : ndarray of shape (n_samples,), float64
        Probability of the predicted class; without probabilities, how far its decision value lies
        above that of the next class; NaN for a model that has neither.
    indices : ndarray of shape (n_samples,), int64
        Position of each image in what was evaluated, where unreadable images have one too.
    names : tuple of str
        Path of each image, or "image 7".
    skipped : tuple of Unreadable
        Path and reason of each image that could not be read: no figure counts it.
    predict_seconds : float
        Wall time from pixels to labels, of all images together.
    fold_accuracies : ndarray of shape (n_folds,) or None
        Accuracy on each fold of a cross-validation.
    images : object
        What was evaluated, for `plot_mistakes`.
    """

    accuracy: float
    balanced_accuracy: float
    log_loss: float | None
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    macro_average: Average
    weighted_average: Average
    confusion_matrix: np.ndarray
    classes: np.ndarray
    target_names: tuple[str, ...]
    y_true: np.ndarray
    y_pred: np.ndarray
    probabilities: np.ndarray | None
    scores: np.ndarray | None
    confidences: np.ndarray
    indices: np.ndarray
    names: tuple[str, ...]
    skipped: tuple[Unreadable, ...]
    predict_seconds: float
    fold_accuracies: np.ndarray | None = None
    images: Any = field(default=None, repr=False)

    @property
    def n_samples(self) -> int:
        """Number of images that the figures count."""
        return len(self.y_true)

    @property
    def correct(self) -> np.ndarray:
        """Whether each prediction is right: bool, shape (n_samples,)."""
        return np.asarray(self.y_true == self.y_pred)

    @property
    def occurring(self) -> np.ndarray:
        """Positions in `classes` of those that are in `y_true` or `y_pred`."""
        return np.flatnonzero(self.support + self.confusion_matrix.sum(axis=0))

    @property
    def mistakes(self) -> np.ndarray:
        """Positions in `y_pred` of the wrong predictions, the most confident first."""
        wrong = np.flatnonzero(~self.correct)
        return wrong[np.argsort(-self.confidences[wrong], kind="stable")]

    @property
    def confidence_is_probability(self) -> bool:
        """Whether `confidences` are probabilities."""
        return self.probabilities is not None

    def name_of(self, labels: np.ndarray) -> list[str]:
        """Return the readable names of labels.

        Parameters
        ----------
        labels : ndarray of shape (n,)
            Entries of `classes`, such as `y_true`.

        Returns
        -------
        list of str
            The entries of `target_names` for them.
        """
        return [self.target_names[i] for i in np.searchsorted(self.classes, labels)]

    def confusions(self, n: int | None = 10) -> list[Confusion]:
        """Return the most frequent confusions.

        Parameters
        ----------
        n : int or None, default=10
            How many at most; None for all.

        Returns
        -------
        list of Confusion
            Named tuples (true, predicted, n_images), the most frequent first.
        """
        counts = self.confusion_matrix.copy()
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[: np.count_nonzero(counts)][:n]
        rows, cols = np.unravel_index(order, counts.shape)
        return [
            Confusion(self.target_names[i], self.target_names[j], int(counts[i, j]))
            for i, j in zip(rows, cols, strict=True)
        ]

    def rows(self) -> Iterator[tuple[str, float, float, float, int]]:
        """Yield (name, precision, recall, f1, support) of each class that occurs, then averages."""
        for i in self.occurring:
            figures = float(self.precision[i]), float(self.recall[i]), float(self.f1[i])
            yield self.target_names[i], *figures, int(self.support[i])
        yield "macro average", *self.macro_average, self.n_samples
        yield "weighted average", *self.weighted_average, self.n_samples

    def summary(self) -> str:
        """Return the figures as text that people read.

        Returns
        -------
        str
            The accuracies, one line per class that occurs, the most frequent confusions and the
            images that could not be read.
        """
        from classicvis.evaluation._text import summary

        return summary(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the figures per class as a table.

        Returns
        -------
        pandas.DataFrame of shape (n_classes + 2, 4)
            Columns precision, recall, f1, support; one row per entry of `target_names`, then
            "macro average" and "weighted average".

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = require("pandas", "Evaluation.to_frame")
        averages = [self.macro_average, self.weighted_average]
        return pandas.DataFrame(
            {
                name: np.append(getattr(self, name), [getattr(row, name) for row in averages])
                for name in Average._fields
            }
            | {"support": np.append(self.support, [self.n_samples, self.n_samples])},
            index=[*self.target_names, "macro average", "weighted average"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as built-in types, ready for `json.dumps`.

        Returns
        -------
        dict
            The attributes of this object as numbers, strings, lists and dicts, without the
            predictions of single images.
        """
        folds = self.fold_accuracies
        return {
            "n_samples": self.n_samples,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "log_loss": self.log_loss,
            "macro_average": self.macro_average._asdict(),
            "weighted_average": self.weighted_average._asdict(),
            "fold_accuracies": None if folds is None else folds.tolist(),
            "predict_seconds": self.predict_seconds,
            "classes": [
                {
                    "label": label,
                    "name": name,
                    "precision": float(self.precision[i]),
                    "recall": float(self.recall[i]),
                    "f1": float(self.f1[i]),
                    "support": int(self.support[i]),
                }
                for i, (label, name) in enumerate(
                    zip(self.classes.tolist(), self.target_names, strict=True)
                )
            ],
            "confusion_matrix": self.confusion_matrix.tolist(),
            "skipped": [entry._asdict() for entry in self.skipped],
        }

    def plot_confusion_matrix(self, ax: Axes | None = None) -> Figure:
        """Draw the confusion matrix: shades are fractions of the true class, numbers are images.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure of a fitting size.

        Returns
        -------
        matplotlib.figure.Figure
            The figure of `ax`; its ``savefig`` writes a file.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.

        Notes
        -----
        From 31 classes on there are no numbers in the cells. Nothing goes through pyplot, so
        that this works in threads and without a display.
        """
        from classicvis.evaluation._plots import plot_confusion_matrix

        return plot_confusion_matrix(self, ax)

    def plot_mistakes(self, images: Any = None, n: int = 12) -> Figure:
        """Draw the most confident mistakes: picture, true class, predicted class, confidence.

        Parameters
        ----------
        images : sequence of images, default=None
            The evaluated images in the same order, where other pictures than those that the model
            got are to be shown; None shows those that were evaluated.
        n : int, default=12
            How many at most.

        Returns
        -------
        matplotlib.figure.Figure
            One picture per mistake, the most confident first. Where there is no picture (features
            were evaluated, or a file has gone) the place is left grey.

        Raises
        ------
        ImageError
            If `images` are no images, or not as many as were evaluated.
        MissingDependencyError
            If matplotlib is not installed.
        """
        from classicvis.evaluation._plots import plot_mistakes

        return plot_mistakes(self, self._pictures() if images is None else as_images(images), n)

    def save_report(
        self, folder: str | os.PathLike[str], *, title: str = "Evaluation", n_mistakes: int = 24
    ) -> Path:
        """Write a folder that a person opens in a browser and a program reads.

        Parameters
        ----------
        folder : str or Path
            Where to write. It appears complete or not at all. An older report there is replaced;
            a folder that holds anything else is left alone.
        title : str, default="Evaluation"
            Heading of the page.
        n_mistakes : int, default=24
            How many mistakes are shown with their pictures.

        Returns
        -------
        Path
            The folder. It holds ``index.html`` (all in one file), ``summary.txt``,
            ``metrics.json``, ``predictions.csv``, ``confusion_matrix.png`` and ``mistakes.png``.

        Raises
        ------
        ClassicVisError
            If the folder cannot be written, or holds what is no report of ours.
        MissingDependencyError
            If matplotlib or Jinja2 is not installed.

        Notes
        -----
        ``predictions.csv`` has one row per image, unreadable ones included. It is UTF-8 with a
        byte order mark: without one, Excel takes it for the local 8-bit encoding and shows
        Chinese names as garbage. Python reads it with ``encoding="utf-8-sig"``, pandas as it is.
        """
        from classicvis.evaluation._report import save_report

        return save_report(self, Path(folder), title, n_mistakes)

    def _pictures(self) -> ImageSequence | None:
        return images_of(self.images)

    def __repr__(self) -> str:
        return (
            f"<Evaluation of {self.n_samples} images in {len(self.classes)} classes: "
            f"accuracy {self.accuracy:.4f}>"
        )


def images_of(X: Any) -> ImageSequence | None:
    """Return `X` as an ImageSequence, or None where it holds features and no images."""
    try:
        images = as_images(X)
    except ImageError:
        return None
    return images if len(images) == len(X) else None
