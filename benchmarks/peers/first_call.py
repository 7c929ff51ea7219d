"""The first HOG call of a process, beyond imports: kernels compiled, and kernels from the disk.

Every run is a fresh process with a cache folder of its own; the imports of NumPy, Numba, OpenCV and
``classicvis.functional`` come before the clock starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from typing import Any

CODE = """
import time
import cv2, numba
import numpy as np
start = time.perf_counter()
from classicvis.functional import hog
imported = time.perf_counter()
image = np.arange(128 * 128, dtype=np.uint16).astype(np.uint8).reshape(128, 128)
start_call = time.perf_counter()
hog(image)
print(imported - start, time.perf_counter() - start_call)
"""
N_EMPTY, N_FILLED = 3, 7  # processes
MUST = {"empty": 4.0, "filled": 0.3}  # seconds; the aims are 1.0 and 0.05


def measure(runs: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of both cases: seconds that must not be passed, as limits."""
    import_seconds, first, again = [], [], []
    for _ in range(N_EMPTY):
        with tempfile.TemporaryDirectory() as cache:
            first.append(_run(cache)[1])
            for _ in range(-(-N_FILLED // N_EMPTY)):
                imported, call = _run(cache)
                import_seconds.append(imported)
                again.append(call)
    for case, seconds in (("empty", median(first)), ("filled", median(again))):
        yield {
            "title": f"first HOG call of a process, {case} cache",
            "milliseconds": {
                "classicvis": 1e3 * seconds,
                "import classicvis.functional": 1e3 * median(import_seconds),
            },
            "times_faster": {},
            "goals": {},
            "differences": {"seconds": seconds},
            "limits": {"seconds": MUST[case]},
        }


def _run(cache: str) -> list[float]:
    environment = {**os.environ, "CLASSICVIS_CACHE_DIR": cache}
    out = subprocess.check_output([sys.executable, "-c", CODE], text=True, env=environment)
    return [float(word) for word in out.split()]
