"""MNIST: 60,000 images to learn from, 10,000 to score on, HOG and a linear SVM by default.

``python -m benchmarks.accuracy.mnist [--data FILE.npz] [--json FILE]``. The defaults were chosen on
parts of the 60,000; the test images are scored once.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from benchmarks._timing import write_json
from classicvis import build_pipeline

DATA = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"
PUBLISHED = "linear SVM on blocks of HOG type 97.36, additive kernel 99.21 (Maji and Malik 2009)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    data = np.load(args.data)
    shuffled = np.random.default_rng(0).permutation(len(data["x_train"]))
    model = build_pipeline(
        "hog", "linear_svm", image_size=(28, 28), n_jobs=args.jobs, random_state=0
    )
    start = time.perf_counter()
    model.fit(data["x_train"][shuffled], data["y_train"][shuffled])
    fitted = time.perf_counter()
    accuracy = model.score(data["x_test"], data["y_test"])
    done = time.perf_counter()
    row = {
        "accuracy": accuracy,
        "fit_seconds": fitted - start,
        "predict_seconds": done - fitted,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "n_features": int(model.named_steps["features"].n_features_out_),
    }
    print(
        f"hog + linear_svm {accuracy:.2%}, fit {row['fit_seconds']:.1f} s, "
        f"predict {row['predict_seconds']:.1f} s, peak {row['peak_memory_mb']:.0f} MB"
    )
    print(f"published: {PUBLISHED}")
    if args.json:
        write_json(args.json, {"hog + linear_svm": row})


if __name__ == "__main__":
    main()
