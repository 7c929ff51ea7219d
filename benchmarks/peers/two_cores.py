"""Two cores against one: every registered extractor on 1,000 photos, decoded beforehand.

The runs take turns as those of the other rows; nothing else may run, since both cores are used.
What the machine itself gives is measured beside each row, by a loop that touches no memory: virtual
cores share more than their names say.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from skimage import data

from benchmarks._timing import interleave
from classicvis.features import extractor_names, make_extractor
from classicvis.kernels._jit import kernel

N_PHOTOS, SIZE = 1000, 128
N_STEPS = 10_000_000
PARAMS = {"bovw": {"max_samples": 20_000, "random_state": 0}}
EXTRACTORS = [
    *((name, PARAMS.get(name, {})) for name in extractor_names()),
    ("bovw", {**PARAMS["bovw"], "descriptor": "sift", "n_words": 100}),
]


@kernel
def _spin(n):
    value = np.uint64(1)
    for i in range(n):
        value = (value * np.uint64(3)) ^ np.uint64(i)
    return value


def photos() -> np.ndarray:
    """Return pieces of photos, shape (N_PHOTOS, SIZE, SIZE, 3)."""
    pictures = [data.astronaut(), data.coffee(), data.chelsea()]
    rng = np.random.default_rng(0)
    pieces = []
    for i in range(N_PHOTOS):
        picture = pictures[i % len(pictures)]
        row, col = (rng.integers(0, size - SIZE) for size in picture.shape[:2])
        pieces.append(picture[row : row + SIZE, col : col + SIZE])
    return np.stack(pieces)


def measure(runs: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of all extractors, in the form of ``Row.measure``."""
    images, pool = photos(), ThreadPoolExecutor(2)
    for name, params in EXTRACTORS:
        one = make_extractor(name, **params, n_jobs=1).fit(images[:100])
        two = make_extractor(name, **params, n_jobs=2).fit(images[:100])
        calls = {
            "two": lambda two=two: two.transform(images),
            "one": lambda one=one: one.transform(images),
            "loops in two": lambda: list(pool.map(_spin, [N_STEPS] * 2)),
            "loop in one": lambda: _spin(2 * N_STEPS),
        }
        seconds = interleave(calls, max(3, runs // 3), warm_ups=1)
        title = f"{name}{', keypoints' if params.get('descriptor') == 'sift' else ''}"
        yield {
            "title": f"two cores, {N_PHOTOS} photos of {SIZE}x{SIZE}, {title}",
            "milliseconds": {
                "classicvis": 1e3 * seconds["two"],
                "one core": 1e3 * seconds["one"],
            },
            "times_faster": {"one core": seconds["one"] / seconds["two"]},
            "goals": {"one core": {"must": 1.8, "aim": 1.95}},
            "differences": {
                "the machine's own ratio": seconds["loop in one"] / seconds["loops in two"]
            },
            "limits": {},
            "photos_per_second": N_PHOTOS / seconds["two"],
        }
