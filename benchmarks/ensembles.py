"""Ensembles of classical and deep models, beside their members.

``python -m benchmarks.ensembles [--rows NAME ...] [--data FOLDER] [--validate] [--json FILE]``:
an `EnsembleClassifier` with weights from out-of-fold predictions on the data and the splits of
`benchmarks.accuracy`. Method and members were chosen by ``--validate``, which never looks at the
test images (for hands: folds shuffled by another seed). On the validation parts of the first two
splits of Caltech-101 a weighted mean of probabilities gave 88.1 %, the logarithmic pool 89.8 %, the
best member 88.0 %. Members that other scripts have keep their parameters.

Hands go through the API from the images on. The features of Caltech-101 are computed once for each
split, by extractors that saw its images to learn from, and looked up by the members: inside the
ensemble's own folds the words of the Fisher vector have thus seen, without labels, the images that
are asked about. Test images are seen by nothing before they are scored.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from benchmarks.accuracy import caltech101, deep, sign_language
from benchmarks.accuracy._runs import in_fresh_process, peak_memory_mb, unpacked
from classicvis import (
    AugmentedClassifier,
    EnsembleClassifier,
    HogExtractor,
    LinearSvm,
    PyramidHog,
    build_pipeline,
    load_image_folder,
)

METHOD = "weighted"
INNER_FOLDS = 3
Row = dict[str, Any]


def ensemble(models: list[tuple[str, Any]]) -> EnsembleClassifier:
    return EnsembleClassifier(models, method=METHOD, cv=INNER_FOLDS)


def hands_members(args: argparse.Namespace) -> list[tuple[str, Any]]:
    embedding = deep.embedding(
        args, layer="block_13_expand_relu", grid=(4, 4), image_size=(128, 128)
    )
    return [
        ("hog, moved copies", sign_language.best()),
        ("uoctti hog, moved copies", uoctti_hog()),
        ("cnn", build_pipeline(embedding, SVC(C=10.0, gamma=2.0), random_state=0)),
    ]


def uoctti_hog() -> AugmentedClassifier:
    """Return another HOG, of colours and with energies, that learns from the same copies."""
    pipeline = build_pipeline(
        HogExtractor(variant="uoctti"), SVC(C=10.0, gamma=2.0), image_size=(64, 64), reduce=200,
        random_state=0,
    )  # fmt: skip
    return AugmentedClassifier(pipeline, sign_language.best().changes)


def hands(args: argparse.Namespace) -> Row:
    """Score on five stratified folds, those of `cross_evaluate` in the other scripts."""
    with tempfile.TemporaryDirectory() as scratch:
        data = load_image_folder(unpacked(args.data / "sign-language-digits.zip", scratch))
        folds = StratifiedKFold(5, shuffle=True, random_state=1 if args.validate else 0)
        parts = folds.split(np.zeros(len(data.target)), data.target)
        return scored(
            ((hands_members(args), data.images, train, test) for train, test in parts),
            data.target, args.splits,
        )  # fmt: skip


class LookUp:
    """Rows by numbers; clones of a model share them."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        return self.rows[numbers[:, 0]]

    def __deepcopy__(self, memo: Any) -> LookUp:
        return self


def caltech_members(
    args: argparse.Namespace, images: Any, train: np.ndarray
) -> list[tuple[str, Any]]:
    """Return machines that look up the features of images by their numbers."""
    members = []
    for name, features in {
        "cnn": deep.objects(args),
        "fisher": "fisher",
        "phog": PyramidHog(),
    }.items():
        front = build_pipeline(features, "linear_svm", n_jobs=args.jobs, random_state=0)[:-1]
        rows = front.fit(images[train]).transform(images)
        look_up = FunctionTransformer(LookUp(rows))
        machine = LinearSvm(C=10.0, class_weight="balanced")
        members.append((name, make_pipeline(look_up, machine)))
    return members


def caltech(args: argparse.Namespace) -> Row:
    """Score on the splits of `caltech101`, 15 images per class to learn from, 5 to score on."""
    with tempfile.TemporaryDirectory() as scratch:
        data = caltech101.load(args.data / "caltech101-20.zip", scratch)

        def parts() -> Iterable[Any]:
            for train, test in caltech101.splits(data.target, 15, 50, 5):
                if args.validate:
                    train, test = caltech101.held_out(train, data.target)
                numbers = np.arange(len(data.target))[:, None]
                yield caltech_members(args, data.images, train), numbers, train, test

        return scored(parts(), data.target, args.splits)


def scored(parts: Iterable[Any], target: np.ndarray, n_parts: int) -> Row:
    """Fit an ensemble on each part; score it, and each member that it has fitted."""
    rows = []
    start = time.perf_counter()
    for members, X, train, test in parts:
        model = ensemble(members).fit(X[train], target[train])
        names = [name for name, _ in members]
        predicted = {"ensemble": model.predict(X[test])}
        for name, fitted in zip(names, model.models_, strict=True):
            predicted[name] = fitted.predict(X[test])
        rows.append(
            {
                "accuracy": {k: balanced(target[test], p) for k, p in predicted.items()},
                "n_right": {k: int((p == target[test]).sum()) for k, p in predicted.items()},
                "n_test": len(test),
                "weights": dict(zip(names, map(float, model.weights_), strict=True)),
                "out_of_fold": dict(
                    zip(names, map(float, model.out_of_fold_accuracies_), strict=True)
                ),
            }
        )
        print(f"  {time.perf_counter() - start:.0f} s: {rows[-1]}", flush=True)
        if len(rows) == n_parts:
            break
    n_test = sum(row["n_test"] for row in rows)
    accuracy = {
        name: sum(row["n_right"][name] for row in rows) / n_test for name in rows[0]["n_right"]
    }
    best_member = max(value for name, value in accuracy.items() if name != "ensemble")
    return {
        "accuracy": accuracy,
        "gain_over_best_member": accuracy["ensemble"] - best_member,
        "method": METHOD,
        "inner_folds": INNER_FOLDS,
        "parts": rows,
        "seconds": time.perf_counter() - start,
    }


def balanced(target: np.ndarray, predicted: np.ndarray) -> float:
    return float(balanced_accuracy_score(target, predicted))


ROWS: dict[str, Callable[[argparse.Namespace], Row]] = {"hands": hands, "caltech": caltech}


def measure(name: str, args: argparse.Namespace) -> Row:
    """Return the figures of one row; to be called in a fresh process."""
    row = ROWS[name](args)
    import keras

    return {**row, "engine": keras.backend.backend(), "peak_memory_mb": peak_memory_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME")
    parser.add_argument("--data", type=Path, default=deep.DATA, help="the folder of the data sets")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--splits", type=int, default=5, help="measure the first ones only")
    parser.add_argument("--validate", action="store_true", help="never look at the test images")
    parser.add_argument("--json", metavar="FILE", type=Path, help="add the rows to this file")
    args = parser.parse_args()
    for name in args.rows:
        row = in_fresh_process(measure, name, args)
        print(f"{name}: {row['seconds']:.0f} s, peak {row['peak_memory_mb']:.0f} MB")
        for model, accuracy in row["accuracy"].items():
            print(f"{100 * accuracy:6.2f}  {model}")
        print(f"{100 * row['gain_over_best_member']:+6.2f}  over the best member", flush=True)
        if args.json and not args.validate:
            deep.merge_json(args.json, {name: row})


if __name__ == "__main__":
    main()
