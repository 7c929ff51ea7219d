"""What a comparison itself costs, and whether it says the same twice.

``python -m benchmarks.comparison [--data FOLDER] [--json FILE]``: ``classicvis compare`` on the
sign-language photos with four classical models and an embedding, in a fresh process, with wall time
and peak memory; size of the report, and how long Chromium takes to open it; then the same models
once more by `compare`, with one thread and with two: are all labels, probabilities and margins the
same, bit for bit?
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import in_fresh_process, unpacked
from benchmarks.accuracy.deep import BACKBONE, DATA, WEIGHTS
from classicvis import CnnEmbedding, build_pipeline, compare, load_image_folder
from classicvis.cli._compare import MODELS

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def command(folder: Path, weights: Path, report: Path, figures: Path) -> dict[str, Any]:
    """Run the command; memory is the larger of its own and that of any process it started."""
    options = ["--models", ", ".join([*MODELS, "cnn + svm"]), "--report", report, "--json", figures]
    words = [sys.executable, "-m", "classicvis", "compare", folder, *options]
    words += ["--backbone", BACKBONE, "--weights", weights]
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"classicvis compare failed with status {status}")
    models = json.loads(figures.read_text("utf-8"))["models"]
    children = [row[name] for row in models for name in ("fit_memory", "predict_memory")]
    return {
        "seconds": seconds,
        "peak_memory_mb": max(usage.ru_maxrss / 1024, *(n / 2**20 for n in children)),
        "report_mb": report.stat().st_size / 1e6,
        "accuracy": {row["model"]: row["accuracy"] for row in models},
    }


def seconds_to_open(report: Path) -> float | None:
    """Return the median time until Chromium has loaded the report; None without a browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        return None
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=CHROMIUM)
        for _ in range(5):
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(report.absolute().as_uri())
            times.append(time.perf_counter() - start)
            page.close()
        browser.close()
    return float(np.median(times))


def predictions(folder: Path, weights: Path, n_jobs: int) -> list[np.ndarray]:
    """Return labels and probabilities or margins of all models; to be called in a process."""
    data = load_image_folder(folder)
    embedding = build_pipeline(CnnEmbedding(BACKBONE, weights=weights), "svm")
    models = [*MODELS, embedding]
    found = compare(models, data.images, data.labels, costs=False, n_jobs=n_jobs)
    arrays = []
    for model in found.models:
        result = model.evaluation
        assert result is not None
        arrays += [result.y_pred, result.scores if result.probabilities is None
                   else result.probabilities]  # fmt: skip
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the data sets")
    parser.add_argument("--report", type=Path, help="keep the report here")
    parser.add_argument("--json", help="write figures and environment here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpacked(args.data / "sign-language-digits.zip", Path(scratch, "photos"))
        report = args.report or Path(scratch, "report.html")
        weights = args.data / WEIGHTS
        figures = command(folder, weights, report, Path(scratch, "figures.json"))
        figures["seconds_to_open"] = seconds_to_open(report)
        runs = [in_fresh_process(predictions, folder, weights, n) for n in (1, 2, 2)]
        figures["the same for 1, 2 and again 2 threads"] = all(
            np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for other in runs[1:]
            for a, b in zip(runs[0], other, strict=True)
        )
    for name, value in figures.items():
        print(f"{name}: {value}")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
