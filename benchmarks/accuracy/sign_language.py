"""Sign-language digits: 2,062 photos, five shuffled stratified folds.

``python -m benchmarks.accuracy.sign_language [--data ZIP|FOLDER] [--json FILE]``: first the API
with no options, then the command line in fresh processes, without and with ``--tune`` (nested
cross-validation), with wall time and peak memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from benchmarks._timing import write_json
from classicvis import build_pipeline, cross_evaluate, load_image_folder, read_manifest

DATA = Path(__file__).parents[3] / "shared" / "data" / "sign-language-digits.zip"
PUBLISHED = "authors' CNN 98 (arXiv 2011.08927); an OpenCV HOG + SVC script 92.6 to 94.1"


def api_defaults(folder: Path) -> dict[str, Any]:
    data = load_image_folder(folder)
    start = time.perf_counter()
    model = build_pipeline(["hog", "color_histogram"], "svm")
    result = cross_evaluate(model, data.images, data.target, cv=5, random_state=0)
    return {
        "accuracy": result.accuracy,
        "folds": list(result.fold_accuracies),
        "seconds": time.perf_counter() - start,
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="zip file or folder")
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.data
        if folder.suffix == ".zip":
            folder = Path(scratch, "photos")
            with zipfile.ZipFile(args.data) as archive:
                archive.extractall(folder)
        figures = {"build_pipeline, no options": api_defaults(folder)}
        for name, options in {
            "classicvis train": (),
            "classicvis train --tune": ("--tune",),
        }.items():
            figures[name] = train_command(folder, Path(scratch, "model.cvis"), *options)
    for name, row in figures.items():
        memory = f", peak {row['peak_memory_mb']:.0f} MB" if "peak_memory_mb" in row else ""
        print(f"{name:28} {row['accuracy']:.2%}  {row['seconds']:.1f} s{memory}")
    print(f"published: {PUBLISHED}")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
