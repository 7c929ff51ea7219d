"""What a model costs, measured in processes of its own: what an application will see."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classicvis.comparison._probe import FIGURES, MODEL, TASK, Task
from classicvis.persistence import load_model

_SESSION = "CLASSICVIS_SESSION_DIR"  # a new process must not find rows that this one computed


@dataclass(frozen=True)
class Costs:
    """What a model costs.

    Attributes
    ----------
    fit_seconds : float
        From images to the fitted model, all images, in a fresh process; imports not counted.
    fit_memory : float or None
        Peak resident memory of that process, bytes; None where the system does not tell.
    model_bytes : float
        Size of the file that `save_model` writes.
    load_seconds : float
        `load_model` in another fresh process.
    latency_p50, latency_p95 : float or None
        Seconds for one image, median and 95th percentile; None for too few images.
    images_per_second : float or None
        Of many images in one call.
    predict_memory : float or None
        Peak resident memory of the process that answers, bytes.
    """

    fit_seconds: float
    fit_memory: float | None
    model_bytes: float
    load_seconds: float
    latency_p50: float | None
    latency_p95: float | None
    images_per_second: float | None
    predict_memory: float | None


def measure_costs(
    model: Any, X: Any, y: np.ndarray, n_jobs: int | None
) -> tuple[Costs | None, Any, str | None]:
    """Fit a model on everything and measure; return costs, the fitted model, or why there is none.

    Parameters
    ----------
    model : estimator
        Not fitted.
    X, y : images and labels
        All of them.
    n_jobs : int or None
        Threads for the fit and for many images at once.

    Returns
    -------
    costs : Costs or None
        None where something failed.
    fitted : estimator or None
        Loaded from the file that was measured.
    error : str or None
        One sentence.
    """
    with TemporaryDirectory(prefix="classicvis-") as place:
        folder = Path(place)
        try:
            (folder / TASK).write_bytes(pickle.dumps(Task(model, X, y, n_jobs)))
        except Exception as error:
            return None, None, f"the model cannot be pickled, so it cannot be saved: {error}"
        figures: dict[str, Any] = {}
        for action in ("fit", "predict"):
            figures |= _run(action, folder)
            if "error" in figures:
                return None, None, figures["error"]
        return Costs(**figures), load_model(folder / MODEL), None


def _run(action: str, folder: Path) -> dict[str, Any]:
    """Return what the process wrote."""
    environment = {name: value for name, value in os.environ.items() if name != _SESSION}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    (folder / FIGURES).unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "classicvis.comparison._probe", action, str(folder)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    try:
        figures: dict[str, Any] = json.loads((folder / FIGURES).read_text("utf-8"))
    except OSError:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        return {
            "error": f"the process that measures ended with code {done.returncode} ({last[0]}); "
            "is the memory enough?"
        }
    return figures
