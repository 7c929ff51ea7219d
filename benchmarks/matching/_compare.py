"""All photos, views and methods; then paired differences and verdicts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.matching._judge import Judgement, judge
from benchmarks.matching._methods import METHODS, OPENCV, SETTINGS, agreement
from benchmarks.matching._views import CASES, TRANSFORMATIONS, Gray, views

MARGIN = 0.005  # half a point: what "not below" must rule out
CONFIDENCE = 0.95
LEAST_FOUND = 0.95

Scores = dict[str, NDArray[np.float64]]  # method: (photos, cases, measures)


class Difference(NamedTuple):
    """Mean over photos of a difference to OpenCV, with its confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        if self.high < 0:
            return "BELOW"
        return "not below" if self.low >= -MARGIN else "undecided"


def measure(photos: dict[str, Gray]) -> Scores:
    """Judge every method on every view of every photo."""
    scores = {name: np.empty((len(photos), len(CASES), len(Judgement._fields))) for name in METHODS}
    for row, photo in enumerate(photos.values()):
        plain = {name: method(photo) for name, method in METHODS.items()}
        for column, (image, homography) in enumerate(views(photo, seed=row)):
            for name, method in METHODS.items():
                shapes = photo.shape, image.shape
                scores[name][row, column] = judge(plain[name], method(image), homography, shapes)
    return scores


def differences(scores: Scores, method: str, transformation: str | None = None) -> list[Difference]:
    """Return the differences to OpenCV of all measures, over one or all transformations.

    Photos are the sample: each gives the mean difference over its views; of numbers of matches,
    the ratio of totals less 1.
    """
    chosen = [transformation in (None, name) for name, _ in CASES]
    own, theirs = scores[method][:, chosen], scores[OPENCV][:, chosen]
    by_photo = np.nanmean(own - theirs, axis=1)
    count = Judgement._fields.index("correct_matches")
    by_photo[:, count] = own[:, :, count].sum(axis=1) / theirs[:, :, count].sum(axis=1) - 1
    return [paired_difference(values) for values in by_photo.T]


def paired_difference(values: NDArray[np.float64]) -> Difference:
    """Return the mean of paired differences with Student's confidence interval."""
    n = len(values)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    mean = np.mean(values)
    return Difference(float(mean), float(mean - half), float(mean + half))


def means(scores: Scores) -> dict[str, NDArray[np.float64]]:
    """Return the means over photos, of shape (cases, measures), of each method."""
    return {name: np.nanmean(values, axis=0) for name, values in scores.items()}


def agreements(photos: dict[str, Gray]) -> dict[str, dict[str, dict[str, float]]]:
    """Return counts and shares found by setting and photo."""
    return {
        ", ".join(f"{key}={value}" for key, value in setting.items()) or "defaults": {
            name: agreement(photo, **setting) for name, photo in photos.items()
        }
        for setting in SETTINGS
    }


def as_figures(scores: Scores, agreed: dict[str, Any], photos: dict[str, Gray]) -> dict[str, Any]:
    """Return everything as it goes into the results file."""
    average = means(scores)
    return {
        "photos": {name: list(photo.shape) for name, photo in photos.items()},
        "means": {
            transformation.name: {
                f"{strength:g}": {
                    name: _by_measure(average[name][CASES.index((transformation.name, strength))])
                    for name in METHODS
                }
                for strength in transformation.strengths
            }
            for transformation in TRANSFORMATIONS
        },
        "differences to OpenCV": {
            method: {
                title: {
                    field: _as_row(difference)
                    for field, difference in zip(
                        Judgement._fields, differences(scores, method, name), strict=True
                    )
                }
                for title, name in [("all", None), *((t.name, t.name) for t in TRANSFORMATIONS)]
            }
            for method in METHODS
            if method != OPENCV
        },
        "agreement": agreed,
    }


def _as_row(difference: Difference) -> dict[str, Any]:
    numbers = {name: round(value, 6) for name, value in difference._asdict().items()}
    return {**numbers, "verdict": difference.verdict}


def _by_measure(values: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(v), 5) for name, v in zip(Judgement._fields, values, strict=True)}
