"""Caltech-101: some images of each class to learn from, others to score on, several random splits.

``python -m benchmarks.accuracy.caltech101 [--data ZIP|FOLDER] [--json FILE]`` takes the 20 images
per class of the shared zip: 15 to learn from and 5 to score on. For the whole collection: ``--data
FOLDER --train 30 --test 50``. The accuracy is the mean over classes, of all 102 classes with the
background's. Two rows are measured, each in a process of its own: Fisher
vectors by their defaults, and the best union of several features.

The defaults of the extractors were chosen by ``--validate``, which never looks at the test images:
it holds out a third of each class's images to learn from, and scores on these.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import Pipeline

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import in_fresh_process, peak_memory_mb, unpacked
from classicvis import (
    FisherVector,
    PyramidHog,
    build_pipeline,
    load_image_folder,
)

DATA = Path(__file__).parents[3] / "shared" / "data" / "caltech101-20.zip"
PUBLISHED = {
    15: {
        "spatially local coding, SIFT, linear SVM (McCann and Lowe 2012)": 72.7,
        "pyramid, locally soft assignment, max pooling (McCann and Lowe 2012)": 68.6,
        "locality-constrained linear coding (Wang 2010)": 65.4,
        "VLFeat phow_caltech101": 65.0,
        "several features: group-sensitive MKL (Yang 2009)": 73.2,
    },
    30: {
        "spatially local coding, SIFT, linear SVM (McCann and Lowe 2012)": 81.0,
        "VLFeat VLAD, positions": 78.7,
        "VLFeat Fisher vector, pyramid": 77.6,
        "locality-constrained linear coding (Wang 2010)": 73.4,
        "several features: group-sensitive MKL (Yang 2009)": 84.3,
    },
}


def splits(
    target: NDArray[np.intp], n_train: int, n_test: int, n_splits: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the images to learn from and to score on, for each split.

    A class gives `n_train` random images to the first and up to `n_test` others to the second.
    """
    for split in range(n_splits):
        rng = np.random.default_rng(split)
        train, test = [], []
        for label in np.unique(target):
            members = rng.permutation(np.flatnonzero(target == label))
            if len(members) <= n_train:
                raise SystemExit(
                    f"class {label} has {len(members)} images, expected more than --train {n_train}"
                )
            train.append(members[:n_train])
            test.append(members[n_train : n_train + n_test])
        yield np.concatenate(train), np.concatenate(test)


def held_out(
    train: NDArray[np.intp], target: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Part the images to learn from: two thirds of each class to learn from, a third to score."""
    learn, validate = [], []
    for label in np.unique(target[train]):
        members = train[target[train] == label]
        n_learn = len(members) * 2 // 3
        learn.append(members[:n_learn])
        validate.append(members[n_learn:])
    return np.concatenate(learn), np.concatenate(validate)


def fisher(**options: Any) -> Pipeline:
    return build_pipeline("fisher", **options)


def fusion(**options: Any) -> Pipeline:
    """Return a union; the weights were chosen by random thirds of the images to learn from."""
    weights = {"fishervector_2": 0.7, "pyramidhog": 0.5}
    return build_pipeline(
        [FisherVector(), FisherVector(color="opponent"), PyramidHog()],
        features__transformer_weights=weights,
        **options,
    )


MODELS: dict[str, Callable[..., Pipeline]] = {
    "fisher": fisher,
    "fisher + fisher of opponent colours + phog": fusion,
}


def run_split(
    name: str, args: argparse.Namespace, data: Any, train: NDArray[np.intp], test: NDArray[np.intp]
) -> dict[str, float]:
    """Fit on one part and score on the other; wall time from the JPEG files to the accuracy."""
    start = time.perf_counter()
    model = MODELS[name](classifier=args.classifier, n_jobs=args.jobs, random_state=0)
    model.fit(data.images[train], data.target[train])
    predicted = model.predict(data.images[test])
    return {
        "accuracy": float(balanced_accuracy_score(data.target[test], predicted)),
        "seconds": time.perf_counter() - start,
        "n_features": int(model.named_steps["features"].n_features_out_),
    }


def load(path: Path, scratch: str) -> Any:
    """Return the images of a folder or zip file, whose classes may lie one folder down."""
    path = unpacked(path, scratch)
    folders = [entry for entry in path.iterdir() if entry.is_dir()]
    return load_image_folder(folders[0] if len(folders) == 1 else path)


def measure(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one model; to be called in a fresh process, for its peak memory."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        data = load(args.data, scratch)
        for train, test in splits(data.target, args.train, args.test, args.splits):
            if args.validate:
                train, test = held_out(train, data.target)
            rows.append(run_split(name, args, data, train, test))
            print(
                f"split {len(rows)}: {rows[-1]['accuracy']:.2%} of {len(test)} images, "
                f"{rows[-1]['seconds']:.0f} s",
                flush=True,
            )
    accuracies = [row["accuracy"] for row in rows]
    return {
        "train_per_class": args.train,
        "jobs": args.jobs,
        "accuracy": float(np.mean(accuracies)),
        "standard_deviation": float(np.std(accuracies)),
        "seconds_per_split": float(np.mean([row["seconds"] for row in rows])),
        "peak_memory_mb": peak_memory_mb(),
        "n_features": rows[0]["n_features"],
        "splits": accuracies,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="zip file or folder")
    parser.add_argument("--only", choices=MODELS, help="measure one row")
    parser.add_argument("--classifier", default="linear_svm", metavar="NAME")
    parser.add_argument("--train", type=int, default=15, help="images per class to learn from")
    parser.add_argument("--test", type=int, default=50, help="most images per class to score on")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--validate", action="store_true", help="score on images to learn from")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    figures = {}
    for name in [args.only] if args.only else MODELS:
        row = in_fresh_process(measure, name, args)
        print(
            f"{name}, {args.classifier}: {row['accuracy']:.1%} +- {row['standard_deviation']:.1%}, "
            f"{row['seconds_per_split']:.0f} s a split, peak {row['peak_memory_mb']:.0f} MB, "
            f"{row['n_features']} features"
        )
        figures[f"{name}, {args.classifier}"] = row
    for method, published in PUBLISHED.get(args.train, {}).items():
        print(f"  published {published:.1f}  {method}")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
