"""MNIST: 60,000 images to learn from, 10,000 to score on.

``python -m benchmarks.accuracy.mnist [--data FILE.npz] [--json FILE]``: HOG and a linear SVM by
default, and the best classical pipeline: uprighted digits, two forms of HOG, an RBF machine with
virtual support vectors. Everything was chosen on parts of the 60,000 (``--validate`` learns from
50,000 and scores on the other 10,000); the test images are scored once. Each row has its own
process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.svm import SVC

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import in_fresh_process, peak_memory_mb
from classicvis import AugmentedClassifier, HogExtractor, build_pipeline
from classicvis.images import AddBorder, Deskew, Warp

DATA = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"
N_VALIDATION = 10_000
PUBLISHED = {
    "linear SVM on blocks of HOG type (notes on Maji and Malik 2009)": 97.36,
    "additive kernel SVM on the same (Maji and Malik 2009)": 99.21,
    "HOG of several cell sizes, SVM (Khan 2017)": 99.36,
    "virtual SVM of degree 9, deskewed, 2-pixel jitter (DeCoste and Schoelkopf 2002)": 99.44,
    "nearest neighbours, P2DHMDM (Keysers)": 99.48,
}


def default(n_jobs: int) -> Any:
    return build_pipeline("hog", "linear_svm", image_size=(28, 28), n_jobs=n_jobs, random_state=0)


def best(n_jobs: int) -> Any:
    pipeline = build_pipeline(
        [
            HogExtractor(12, (8, 8), cell_step=(4, 4), signed=True, soft_votes=True),
            HogExtractor(12, (6, 6), signed=True, variant="dalal_triggs"),
        ],
        SVC(C=10.0, gamma=2.0, cache_size=1000),
        image_size=None,
        preprocess=[Deskew(), AddBorder(2, 0)],
        reduce=200,
        n_jobs=n_jobs,
        random_state=0,
    )
    shifts = [Warp(rows, cols) for rows, cols in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    turns = [Warp(angle=-8), Warp(angle=8)]
    scales = [Warp(scale=0.92), Warp(scale=1.08)]
    return AugmentedClassifier(pipeline, [*shifts, *turns, *scales])


MODELS: dict[str, Callable[[int], Any]] = {
    "hog + linear_svm": default,
    "deskewed hog + svm, virtual support vectors": best,
}


def measure(name: str, data: Path, n_jobs: int, validate: bool) -> dict[str, Any]:
    """Return accuracy, times and peak memory of one model; to be called in a fresh process."""
    arrays = np.load(data)
    shuffled = np.random.default_rng(0).permutation(len(arrays["x_train"]))
    learn = slice(-N_VALIDATION) if validate else slice(None)
    X, y = arrays["x_train"][shuffled], arrays["y_train"][shuffled]
    if validate:
        X_test, y_test = X[-N_VALIDATION:], y[-N_VALIDATION:]
    else:
        X_test, y_test = arrays["x_test"], arrays["y_test"]
    model = MODELS[name](n_jobs)
    start = time.perf_counter()
    model.fit(X[learn], y[learn])
    fitted = time.perf_counter()
    accuracy = model.score(X_test, y_test)
    done = time.perf_counter()
    pipeline = getattr(model, "pipeline_", model)
    return {
        "accuracy": accuracy,
        "fit_seconds": fitted - start,
        "predict_seconds": done - fitted,
        "peak_memory_mb": peak_memory_mb(),
        "n_features": int(pipeline["features"].n_features_out_),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=MODELS, help="measure one row")
    parser.add_argument("--validate", action="store_true", help="score on 10,000 of the 60,000")
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    figures = {}
    for name in [args.only] if args.only else MODELS:
        row = in_fresh_process(measure, name, args.data, args.jobs, args.validate)
        figures[name] = row
        print(
            f"{100 * row['accuracy']:6.2f}  {name}: fit {row['fit_seconds']:.0f} s, "
            f"predict {row['predict_seconds']:.0f} s, peak {row['peak_memory_mb']:.0f} MB"
        )
    for name, accuracy in PUBLISHED.items():
        print(f"{accuracy:6.2f}  {name}")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
