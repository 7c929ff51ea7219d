"""The result of a comparison: one table, tests, pictures, a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from classicvis.comparison._costs import Costs
from classicvis.comparison._results import ModelResult, PairTest, ranking
from classicvis.comparison._verdict import verdict
from classicvis.evaluation._optional import require
from classicvis.exceptions import ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from classicvis.evaluation import Evaluation


class Leakage(NamedTuple):
    """What near-duplicates in different folds would have added.

    Attributes
    ----------
    model : str
        Which model was run on both kinds of folds.
    n_images : int
        How many images have a near-duplicate.
    accuracy, naive_accuracy : float
        With duplicates kept in one fold, and without regard to them.
    """

    model: str
    n_images: int
    accuracy: float
    naive_accuracy: float


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What several models score and cost on the same images. `compare` makes it.

    Attributes
    ----------
    models : tuple of ModelResult
        In the order given; a model that failed has an ``error``.
    tests : tuple of PairTest
        All pairs of models that did not fail, the more accurate one first.
    rope : float
        Differences of accuracy up to this count as none in the Bayesian comparison.
    n_folds, n_repeats : int
        Of the cross-validation; no folds for models that were fitted before.
    groups : ndarray of shape (n_images,) or None
        Images of one group were kept in one fold; None: each image is one of its own.
    leakage : Leakage or None
        What duplicates would have added, where there are any.
    note : str or None
        What else to know about the figures.
    """

    models: tuple[ModelResult, ...]
    tests: tuple[PairTest, ...]
    rope: float
    n_folds: int
    n_repeats: int
    groups: np.ndarray | None = None
    leakage: Leakage | None = None
    note: str | None = None

    def __getitem__(self, name: str) -> ModelResult:
        """Return the result of a model by its name."""
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(repr(model.name) for model in self.models)
        raise ParameterError(f"found no model {name!r}, expected one of {known}")

    @property
    def best(self) -> ModelResult:
        """The model with the highest accuracy, of equals the one that answers faster.

        Raises
        ------
        ParameterError
            If no model could be evaluated.
        """
        ranked = ranking(self.models)
        if not ranked:
            raise ParameterError(f"no model could be evaluated: {self.models[0].error}")
        return ranked[0]

    @property
    def n_samples(self) -> int:
        """Number of images that the figures count; 0 where every model failed."""
        found = (model.evaluation for model in self.models if model.evaluation is not None)
        return next((evaluation.n_samples for evaluation in found), 0)

    @property
    def verdict(self) -> str:
        """Who is best, who cannot be told from it, who answers faster: one or two sentences."""
        return verdict(self.models, self.tests)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the figures of each model, as `to_frame` has them."""
        for model in self.models:
            result, costs = model.evaluation, model.costs
            row: dict[str, Any] = {"model": model.name, "accuracy": None, "macro_f1": None}
            row |= dict.fromkeys(["log_loss", *_bounds()])
            if result is not None:
                row["accuracy"] = result.accuracy
                row["macro_f1"] = result.macro_average.f1
                row["log_loss"] = result.log_loss
                for figure in ("accuracy", "macro_f1", "log_loss"):
                    interval = getattr(model, f"{figure}_interval")
                    if interval is not None:
                        row[f"{figure}_low"], row[f"{figure}_high"] = interval
            row |= dict.fromkeys(_COSTS) if costs is None else asdict(costs)
            yield row | {"error": model.error}

    def to_frame(self) -> pd.DataFrame:
        """Return the figures of the models as a table.

        Returns
        -------
        pandas.DataFrame
            One row per model, indexed by name. Columns: accuracy, macro_f1, log_loss, each with
            ``_low`` and ``_high`` of its 95 % interval; fit_seconds, fit_memory (bytes),
            model_bytes, load_seconds, latency_p50 and latency_p95 (seconds),
            images_per_second, predict_memory (bytes); error. NaN where something is not known.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = require("pandas", "Comparison.to_frame")
        frame = pandas.DataFrame(list(self.rows())).set_index("model")
        numbers = frame.columns.drop("error")
        return frame.astype(dict.fromkeys(numbers, float))

    def tests_to_frame(self) -> pd.DataFrame:
        """Return the paired tests as a table: one row per pair.

        Returns
        -------
        pandas.DataFrame
            Columns as the attributes of `PairTest`, with the posterior as ``better``,
            ``equivalent`` and ``worse``.
        """
        pandas = require("pandas", "Comparison.tests_to_frame")
        return pandas.DataFrame([_flat(test) for test in self.tests])

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as built-in types, ready for `json.dumps`."""
        return {
            "n_images": self.n_samples,
            "n_folds": self.n_folds,
            "n_repeats": self.n_repeats,
            "verdict": self.verdict,
            "models": [
                {**row, "fold_accuracies": model.fold_accuracies.tolist()}
                for row, model in zip(self.rows(), self.models, strict=True)
            ],
            "rope": self.rope,
            "tests": [_flat(test) for test in self.tests],
            "leakage": None if self.leakage is None else self.leakage._asdict(),
        }

    def summary(self) -> str:
        """Return the table, the tests and the verdict as text."""
        from classicvis.comparison._text import summary

        return summary(self)

    def disagreements(self, first: str, second: str) -> np.ndarray:
        """Return the images about which two models say different things.

        Parameters
        ----------
        first, second : str
            Names of models.

        Returns
        -------
        ndarray of shape (n,), int64
            Positions in the ``y_pred`` of their evaluations; those come first about which one of
            them is right.
        """
        a, b = self._evaluation(first), self._evaluation(second)
        differ = np.flatnonzero(a.y_pred != b.y_pred)
        one_is_right = a.correct[differ] | b.correct[differ]
        return differ[np.argsort(~one_is_right, kind="stable")]

    def plot_accuracy(self) -> Figure:
        """Draw the accuracies with their 95 % intervals, the best on top."""
        from classicvis.comparison._plots import plot_accuracy

        return plot_accuracy(self)

    def plot_pareto(self, cost: Literal["latency", "size", "fit_time"] = "latency") -> Figure:
        """Draw accuracy against a cost; a line joins the models that no other one beats in both.

        Parameters
        ----------
        cost : {"latency", "size", "fit_time"}, default="latency"
            Time for one image, bytes of the model file, or time to fit.
        """
        from classicvis.comparison._plots import plot_pareto

        return plot_pareto(self, cost)

    def plot_confusion_matrix(self, name: str) -> Figure:
        """Draw the confusion matrix of a model; see `Evaluation.plot_confusion_matrix`."""
        return self._evaluation(name).plot_confusion_matrix()

    def plot_disagreements(self, first: str, second: str, n: int = 12) -> Figure:
        """Draw images about which two models say different things, and what they say.

        Parameters
        ----------
        first, second : str
            Names of models.
        n : int, default=12
            How many images at most.
        """
        from classicvis.comparison._plots import plot_disagreements

        return plot_disagreements(self, first, second, n)

    def report(
        self, path: str | os.PathLike[str], *, title: str = "Which model should I ship?"
    ) -> Path:
        """Write one HTML file that needs nothing else: table, tests, pictures, mistakes.

        Parameters
        ----------
        path : str or Path
            The file, ``.html``. It appears complete or not at all; an older one is replaced only
            when the new one is complete.
        title : str
            Heading of the page.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ClassicVisError
            If it cannot be written.
        MissingDependencyError
            If matplotlib or Jinja2 is not installed.
        """
        from classicvis.comparison._page import write_page

        return write_page(self, Path(path), title)

    def _evaluation(self, name: str) -> Evaluation:
        model = self[name]
        if model.evaluation is None:
            raise ParameterError(f"the model {name!r} could not be evaluated: {model.error}")
        return model.evaluation

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.models)} models on {self.n_samples} images>"


_COSTS = [field.name for field in fields(Costs)]


def _bounds() -> list[str]:
    return [
        f"{name}_{end}" for name in ("accuracy", "macro_f1", "log_loss") for end in ("low", "high")
    ]


def _flat(test: PairTest) -> dict[str, Any]:
    row = asdict(test)
    posterior = row.pop("posterior")
    names = ("better", "equivalent", "worse")
    return row | dict(zip(names, posterior or (None,) * 3, strict=True))
