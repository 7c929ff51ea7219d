"""Networks on the data and the splits of the classical reproductions.

``python -m benchmarks.accuracy.deep [--rows NAME ...] [--data FOLDER] [--validate] [--json FILE]``:
embeddings by MobileNetV2 of width 0.35 with a linear classifier and in a union, the same backbone
fine-tuned, and networks from scratch. ``--gpu`` takes wider networks for CIFAR-10. Each row has
its own process; ``--json`` adds the measured rows to those that the file has. The engine is the one
that KERAS_BACKEND names.

Everything was chosen by ``--validate``, which never looks at the test images: it scores on parts
of the images to learn from (for hands, on folds shuffled by another seed).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.svm import SVC

from benchmarks._timing import write_json
from benchmarks.accuracy import caltech101, cifar10
from benchmarks.accuracy._runs import in_fresh_process, peak_memory_mb, unpacked
from classicvis import (
    CnnClassifier,
    CnnEmbedding,
    FisherVector,
    PyramidHog,
    build_pipeline,
    cross_evaluate,
    load_image_folder,
)
from classicvis.features import ExtractorUnion

DATA = Path(__file__).parents[3] / "shared" / "data"
BACKBONE = "MobileNetV2-0.35"
WEIGHTS = Path("weights", "mobilenet_v2_035_224_imagenet_notop.weights.h5")
PUBLISHED = {
    "mnist simple": {"Keras example mnist_cnn, 12 epochs": 99.25},
    "cifar resnet": {"Keras example cifar10_cnn, 25 / 50 epochs": (75, 79)},
    "hands fine-tuned": {"authors' CNN, another split (arXiv 2011.08927)": 98.0},
}
Row = dict[str, Any]


def embedding(args: argparse.Namespace, **options: Any) -> CnnEmbedding:
    return CnnEmbedding(BACKBONE, weights=args.data / WEIGHTS, pooling="gem", **options)


def objects(args: argparse.Namespace) -> CnnEmbedding:
    return embedding(args, grid=(3, 3), image_size=(256, 256), flip=True)


def fine_tuned(args: argparse.Namespace) -> CnnClassifier:
    return CnnClassifier(
        BACKBONE, weights=args.data / WEIGHTS, image_size=(128, 128), epochs=8, batch_size=32,
        learning_rate=3e-3, fine_tune_learning_rate=1e-3, augment="mild", validation_fraction=0,
        n_jobs=args.jobs, random_state=0,
    )  # fmt: skip


def simple(args: argparse.Namespace) -> CnnClassifier:
    return CnnClassifier("simple", n_jobs=args.jobs, random_state=0)


def resnet(args: argparse.Namespace) -> CnnClassifier:
    size = {"width": 64, "epochs": 30, "batch_size": 512} if args.gpu else {"epochs": 12}
    return CnnClassifier(
        "resnet", **{"batch_size": 128, **size}, learning_rate=1e-2, dropout=0.0, augment="crop",
        mixed_precision=True, validation_fraction=0, n_jobs=args.jobs, random_state=0,
    )  # fmt: skip


def caltech(args: argparse.Namespace, features: Any) -> Row:
    """Score a linear classifier on the five splits, 15 images per class to learn from."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        data = caltech101.load(args.data / "caltech101-20.zip", scratch)
        for train, test in caltech101.splits(data.target, 15, 50, 5):
            if args.validate:
                train, test = caltech101.held_out(train, data.target)
            model = build_pipeline(features, "linear_svm", n_jobs=args.jobs, random_state=0)
            start = time.perf_counter()
            model.fit(data.images[train], data.target[train])
            predicted = model.predict(data.images[test])
            seconds = time.perf_counter() - start
            rows.append((balanced_accuracy_score(data.target[test], predicted), seconds))
    accuracies, seconds = zip(*rows, strict=True)
    return {
        "accuracy": float(np.mean(accuracies)),
        "standard_deviation": float(np.std(accuracies)),
        "splits": list(map(float, accuracies)),
        "seconds": float(np.sum(seconds)),
    }


def caltech_cnn(args: argparse.Namespace) -> Row:
    return caltech(args, objects(args))


def caltech_union(args: argparse.Namespace) -> Row:
    blocks = [("cnn", objects(args)), ("fisher", FisherVector()), ("phog", PyramidHog())]
    return caltech(args, ExtractorUnion(blocks, transformer_weights={"fisher": 0.5, "phog": 0.3}))


def hands(args: argparse.Namespace, model: Any) -> Row:
    """Score on five stratified folds, shuffled by the seed of the classical rows."""
    with tempfile.TemporaryDirectory() as scratch:
        data = load_image_folder(unpacked(args.data / "sign-language-digits.zip", scratch))
        start = time.perf_counter()
        seed = 1 if args.validate else 0
        result = cross_evaluate(model, data.images, data.target, cv=5, random_state=seed)
        seconds = time.perf_counter() - start
    return {
        "accuracy": result.accuracy,
        "folds": list(map(float, result.fold_accuracies)),
        "seconds": seconds,
    }


def hands_embedding(args: argparse.Namespace) -> Row:
    features = embedding(args, layer="block_13_expand_relu", grid=(4, 4), image_size=(128, 128))
    learner = SVC(C=10.0, gamma=2.0)
    return hands(args, build_pipeline(features, learner, n_jobs=args.jobs, random_state=0))


def hands_fine_tuned(args: argparse.Namespace) -> Row:
    return hands(args, build_pipeline(None, fine_tuned(args)))


def mnist_simple(args: argparse.Namespace) -> Row:
    arrays = np.load(args.data / "mnist.npz")
    X, y = arrays["x_train"], arrays["y_train"]
    if args.validate:
        shuffled = np.random.default_rng(0).permutation(len(X))
        learn, score = shuffled[:-10_000], shuffled[-10_000:]
        return fit_and_score(simple(args), (X[learn], y[learn]), (X[score], y[score]))
    return fit_and_score(simple(args), (X, y), (arrays["x_test"], arrays["y_test"]))


def cifar_resnet(args: argparse.Namespace) -> Row:
    validate = [45_000, 5_000] if args.validate else None
    with tempfile.TemporaryDirectory() as scratch:
        data = load_image_folder(unpacked(args.data / "cifar10-jpeg.zip", scratch))
        learn, score = cifar10.parts(data, validate)
        return fit_and_score(
            resnet(args), (learn.images, learn.target), (score.images, score.target)
        )


def fit_and_score(model: CnnClassifier, learn: tuple[Any, Any], score: tuple[Any, Any]) -> Row:
    """Return accuracy and wall time, decoding included, of one network from scratch."""
    start = time.perf_counter()
    model.fit(*learn)
    fitted = time.perf_counter()
    accuracy = float(model.score(*score))
    return {
        "accuracy": accuracy,
        "fit_seconds": fitted - start,
        "seconds": time.perf_counter() - start,
        "n_parameters": model.model_.count_params(),
        "classifier": repr(model),
        "loss": model.history_["loss"],
    }


ROWS: dict[str, Callable[[argparse.Namespace], Row]] = {
    "caltech cnn": caltech_cnn,
    "caltech union": caltech_union,
    "hands embedding": hands_embedding,
    "hands fine-tuned": hands_fine_tuned,
    "mnist simple": mnist_simple,
    "cifar resnet": cifar_resnet,
}


def measure(name: str, args: argparse.Namespace) -> Row:
    """Return the figures of one row; to be called in a fresh process."""
    row = ROWS[name](args)
    import keras

    return {**row, "engine": keras.backend.backend(), "peak_memory_mb": peak_memory_mb()}


def merge_json(path: Path, figures: dict[str, Row]) -> None:
    """Write figures to a JSON file, beside those of other rows that it has."""
    before = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    write_json(path, {**before, **figures})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the data sets")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="a wider network for CIFAR-10")
    parser.add_argument("--validate", action="store_true", help="never look at the test images")
    parser.add_argument("--json", metavar="FILE", type=Path, help="add the rows to this file")
    args = parser.parse_args()
    for name in args.rows:
        row = in_fresh_process(measure, name, args)
        print(
            f"{100 * row['accuracy']:6.2f}  {name}: {row['seconds']:.0f} s, "
            f"peak {row['peak_memory_mb']:.0f} MB",
            flush=True,
        )
        for method, accuracy in PUBLISHED.get(name, {}).items():
            print(f"        published {accuracy}  {method}")
        if args.json and not args.validate:
            key = f"{name} (GPU)" if args.gpu else name
            merge_json(args.json, {key: row})


if __name__ == "__main__":
    main()
