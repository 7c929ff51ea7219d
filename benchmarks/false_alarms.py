"""How often the tests find a difference between two equal models.

``python -m benchmarks.false_alarms [--runs 1000] [--json FILE]``. Two models are equal because
each sees features of its own that are drawn in the same way: which of them is better is chance.
A test at the 5 % level should say "different" in 5 % of the runs.

- fixed: two trained models (ridge, 2 features, 2,000 images to learn from) on 300 new images. What
  McNemar's test is about.
- folds: ridge classifiers on 200 images, 50 features, 5 folds drawn 10 times; McNemar's test gets
  the first five, the tests over folds all. What tests over folds are about: it is chance which
  training set suits which model.
- unstable, stable: the same with single nearest neighbours, which change much with the training
  set, and with 2 features, where it hardly matters: how far the tests can be off.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks._timing import write_json
from classicvis.evaluation._statistics import (
    bayesian_comparison,
    corrected_resampled_ttest,
    mcnemar,
)

Learner = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
LEVEL = 0.05


def ridge(X: np.ndarray, y: np.ndarray, X_new: np.ndarray) -> np.ndarray:
    gram = X.T @ X + X.shape[1] * np.eye(X.shape[1])
    return np.asarray(X_new @ np.linalg.solve(gram, X.T @ y) > 0)


def neighbour(X: np.ndarray, y: np.ndarray, X_new: np.ndarray) -> np.ndarray:
    distances = (X_new**2).sum(axis=1)[:, None] - 2 * X_new @ X.T + (X**2).sum(axis=1)
    return np.asarray(y[distances.argmin(axis=1)] > 0)


def draw(rng: np.random.Generator, y: np.ndarray, n_features: int, distance: float) -> np.ndarray:
    noise = rng.normal(size=(len(y), n_features))
    return np.asarray(noise + distance / np.sqrt(n_features) * y[:, None])


def fixed(rng: np.random.Generator) -> dict[str, float]:
    y, y_new = np.where(np.arange(2000) % 2, 1.0, -1.0), np.where(np.arange(300) % 2, 1.0, -1.0)
    right = []
    for _ in range(2):
        X, X_new = draw(rng, y, 2, 1.0), draw(rng, y_new, 2, 1.0)
        right.append(ridge(X, y, X_new) == (y_new > 0))
    return {
        "McNemar (mid-p)": mcnemar(*right),
        "McNemar (exact)": mcnemar(*right, method="exact"),
    }


def folds(
    rng: np.random.Generator,
    learner: Learner = ridge,
    n_images: int = 200,
    n_features: int = 50,
    distance: float = 1.5,
    n_folds: int = 5,
    n_repeats: int = 10,
) -> dict[str, float]:
    y = np.where(np.arange(n_images) % 2, 1.0, -1.0)
    data = [draw(rng, y, n_features, distance) for _ in range(2)]
    differences, first = [], np.zeros((2, n_images), dtype=bool)
    for repeat in range(n_repeats):
        order = rng.permutation(n_images)
        for test in np.array_split(order, n_folds):
            train = np.setdiff1d(order, test)
            right = [learner(X[train], y[train], X[test]) == (y[test] > 0) for X in data]
            differences.append(np.mean(right[0]) - np.mean(right[1]))
            if repeat == 0:
                first[:, test] = right
    all_of_them, share = np.array(differences), 1 / (n_folds - 1)
    posterior = bayesian_comparison(all_of_them, share, rope=0.0)
    return {
        "McNemar (mid-p)": mcnemar(*first),
        "corrected resampled t-test": corrected_resampled_ttest(all_of_them, share),
        "Bayesian, 97.5 % sure of one": 2 * min(posterior.better, posterior.worse),
        "t-test without correction": corrected_resampled_ttest(all_of_them, 0.0),
    }


def unstable(rng: np.random.Generator) -> dict[str, float]:
    return folds(rng, neighbour, n_features=5)


def stable(rng: np.random.Generator) -> dict[str, float]:
    return folds(rng, n_features=2)


def alarms(kind: Callable[[np.random.Generator], dict[str, float]], runs: int) -> dict[str, float]:
    """Return the share of runs in which each test finds a difference."""

    def each() -> Iterator[dict[str, float]]:
        for run in range(runs):
            yield kind(np.random.default_rng([run, 6]))

    found = list(each())
    return {name: float(np.mean([p[name] < LEVEL for p in found])) for name in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--json", help="write figures and environment here")
    args = parser.parse_args()
    figures = {}
    for kind in (fixed, folds, unstable, stable):
        figures[kind.__name__] = alarms(kind, args.runs)
        for name, share in figures[kind.__name__].items():
            print(f"{share:6.1%}  {kind.__name__}: {name}", flush=True)
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
