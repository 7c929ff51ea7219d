"""A process of its own that fits, or loads, one model and measures what that costs.

Run as ``python -m classicvis.comparison._probe {fit,predict} FOLDER``; `_costs` does.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import parallel_config

from classicvis.evaluation._folds import take
from classicvis.exceptions import one_line

N_WARM, N_SINGLE, N_BATCH = 3, 60, 512
MODEL, TASK, FIGURES = "model.cvm", "task.pickle", "figures.json"


class Task(NamedTuple):
    """What the process gets."""

    model: Any
    images: Any
    labels: np.ndarray
    n_jobs: int | None


def fit(task: Task, folder: Path) -> dict[str, float | None]:
    """Fit the model on everything, and save it."""
    from classicvis.persistence import save_model

    with parallel_config(backend="threading", n_jobs=task.n_jobs):
        start = perf_counter()
        model = task.model.fit(task.images, task.labels)
        seconds = perf_counter() - start
    peak = peak_memory()
    path = save_model(model, folder / MODEL)
    return {"fit_seconds": seconds, "fit_memory": peak, "model_bytes": path.stat().st_size}


def predict(task: Task, folder: Path) -> dict[str, float | None]:
    """Load the saved model and let it answer: image after image, then many at once.

    No image comes twice, since networks remember what they have seen in a session.
    """
    from classicvis.persistence import load_model

    start = perf_counter()
    model = load_model(folder / MODEL)
    load_seconds = perf_counter() - start
    order = np.random.default_rng(0).permutation(len(task.labels))
    n_single = min(N_SINGLE, len(order) // 2)
    warm, singles, batch = np.split(
        order[: N_BATCH + N_WARM + n_single], [N_WARM, N_WARM + n_single]
    )
    for i in warm:
        model.predict(take(task.images, [i]))
    seconds = []
    for i in singles:
        image = take(task.images, [i])
        start = perf_counter()
        model.predict(image)
        seconds.append(perf_counter() - start)
    with parallel_config(backend="threading", n_jobs=task.n_jobs):
        images = take(task.images, batch)
        start = perf_counter()
        model.predict(images)
        batch_seconds = perf_counter() - start
    return {
        "load_seconds": load_seconds,
        "latency_p50": float(np.median(seconds)) if seconds else None,
        "latency_p95": float(np.quantile(seconds, 0.95)) if seconds else None,
        "images_per_second": len(batch) / batch_seconds if len(batch) else None,
        "predict_memory": peak_memory(),
    }


def peak_memory() -> float | None:
    """Return the most bytes that this process has had in memory; None where none can tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return 1024.0 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # bytes on macOS


def main(action: str, place: str) -> None:
    """Run a task and write its figures, or the error."""
    folder = Path(place)
    try:
        task = pickle.loads((folder / TASK).read_bytes())
        figures: dict[str, Any] = {"fit": fit, "predict": predict}[action](task, folder)
    except Exception as error:
        figures = {"error": one_line(error)}
    (folder / FIGURES).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
