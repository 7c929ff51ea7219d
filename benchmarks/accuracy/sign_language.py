"""Sign-language digits: 2,062 photos, five shuffled stratified folds.

``python -m benchmarks.accuracy.sign_language [--data ZIP|FOLDER] [--json FILE]``: the API with no
options and the best classical pipeline (HOG, an RBF machine, moved and turned copies of the
training images), then the command line without and with ``--tune`` (nested cross-validation); each
in a fresh process, with wall time and peak memory. The best pipeline was chosen on other folds
(``--seed`` shuffles them). All figures are optimistic for new people: the same hands are in all
folds, and nothing says which.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.svm import SVC

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import in_fresh_process, peak_memory_mb, unpacked
from classicvis import (
    AugmentedClassifier,
    HogExtractor,
    build_pipeline,
    cross_evaluate,
    load_image_folder,
    read_manifest,
)
from classicvis.images import Warp

DATA = Path(__file__).parents[3] / "shared" / "data" / "sign-language-digits.zip"
PUBLISHED = {
    "authors' CNN, another split (arXiv 2011.08927)": 98.0,
    "an OpenCV HOG + SVC script": 94.1,
}


def default() -> Any:
    return build_pipeline(["hog", "color_histogram"], "svm")


def best() -> Any:
    extractor = HogExtractor(12, (16, 16), cell_step=(8, 8), signed=True, soft_votes=True)
    pipeline = build_pipeline(
        extractor, SVC(C=10.0, gamma=2.0), image_size=(64, 64), color="gray", reduce=200,
        random_state=0,
    )  # fmt: skip
    shifts = [Warp(rows, cols) for rows, cols in ((-4, 0), (4, 0), (0, -4), (0, 4))]
    turns = [Warp(angle=-15), Warp(angle=15)]
    scales = [Warp(scale=0.88), Warp(scale=1.12)]
    return AugmentedClassifier(pipeline, [*shifts, *turns, *scales])


MODELS: dict[str, Callable[[], Any]] = {
    "build_pipeline, no options": default,
    "hog + svm, moved copies": best,
}


def measure(name: str, folder: Path, seed: int) -> dict[str, Any]:
    """Return accuracy, time and peak memory of one model; to be called in a fresh process."""
    data = load_image_folder(folder)
    start = time.perf_counter()
    result = cross_evaluate(MODELS[name](), data.images, data.target, cv=5, random_state=seed)
    return {
        "accuracy": result.accuracy,
        "folds": list(result.fold_accuracies),
        "seconds": time.perf_counter() - start,
        "peak_memory_mb": peak_memory_mb(),
    }


def train_command(folder: Path, model: Path, *options: str) -> dict[str, Any]:
    """Run ``classicvis train`` in a fresh process; peak memory is that of the process."""
    command = [sys.executable, "-m", "classicvis", "train", str(folder), "-o", str(model), *options]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed with status {status}")
    return {
        "accuracy": read_manifest(model)["metrics"]["accuracy"],
        "seconds": seconds,
        "peak_memory_mb": usage.ru_maxrss / 1024,
        "model_file_mb": model.stat().st_size / 2**20,
    }


def report(name: str, row: dict[str, Any]) -> None:
    print(
        f"{100 * row['accuracy']:6.2f}  {name}: {row['seconds']:.1f} s, "
        f"peak {row['peak_memory_mb']:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="zip file or folder")
    parser.add_argument("--seed", type=int, default=0, help="of the folds of the first two rows")
    parser.add_argument("--only", choices=MODELS, help="measure one row")
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpacked(args.data, Path(scratch, "photos"))
        figures = {}
        for name in [args.only] if args.only else MODELS:
            figures[name] = in_fresh_process(measure, name, folder, args.seed)
            report(name, figures[name])
        commands = {"classicvis train": (), "classicvis train --tune": ("--tune",)}
        for name, options in ({} if args.only else commands).items():
            figures[name] = train_command(folder, Path(scratch, "model.cvis"), *options)
            report(name, figures[name])
    for name, accuracy in PUBLISHED.items():
        print(f"{accuracy:6.2f}  {name}")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
