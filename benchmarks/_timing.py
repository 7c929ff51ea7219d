"""What every benchmark script shares: one pinned core, interleaved runs, the machine's name."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import cv2

PACKAGES = ("classicvis", "numpy", "numba", "scikit-image", "scikit-learn", "opencv-contrib-python")
ENGINES = ("keras", "tensorflow", "jax", "torch")  # named where they are installed


def pin_to_one_core() -> None:
    """Keep this process on one core, where the system can, and OpenCV on one thread."""
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def pinned_to_one_core() -> Iterator[None]:
    """Do what `pin_to_one_core` does, inside the block only."""
    threads = cv2.getNumThreads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    pin_to_one_core()
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if cores is not None:
            os.sched_setaffinity(0, cores)


def interleave(
    calls: Mapping[str, Callable[[], object]], runs: int = 15, warm_ups: int = 2
) -> dict[str, float]:
    """Return the median time of each call, in seconds.

    The calls take turns, so that a slow phase of the machine falls on all of them.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(warm_ups + runs):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if run >= warm_ups:
                times[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def environment() -> dict[str, Any]:
    """Return what a figure depends on: versions, processor, cores, date."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "packages": {
            name: found
            for name in (*PACKAGES, *ENGINES)
            if (found := _version(name)) is not None or name in PACKAGES
        },
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
    }


def write_json(path: str | Path, figures: Any) -> None:
    """Write figures and environment to a JSON file."""
    text = json.dumps({"environment": environment(), "figures": figures}, indent=2)
    Path(path).write_text(text + "\n", encoding="utf-8")


def parse_arguments(description: str | None) -> argparse.Namespace:
    """Read the options that all scripts have: ``--json FILE`` and ``--runs N``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    parser.add_argument("--runs", type=int, default=15, help="timed runs of each call (15)")
    return parser.parse_args()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    numbers = {key.strip(): value.strip() for key, value in fields.items()}
    family, model = numbers.get("cpu family", "?"), numbers.get("model", "?")
    return f"{numbers.get('model name', platform.processor())}, family {family} model {model}"
