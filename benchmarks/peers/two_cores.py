"""Two cores against one: every registered extractor on 1,000 photos, decoded beforehand.

The runs take turns as those of the other rows; nothing else may run, since both cores are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from skimage import data

from benchmarks._timing import interleave
from classicvis.features import extractor_names, make_extractor

N_PHOTOS, SIZE = 1000, 128
PARAMS = {"bovw": {"max_samples": 20_000, "random_state": 0}}
EXTRACTORS = [
    *((name, PARAMS.get(name, {})) for name in extractor_names()),
    ("bovw", {**PARAMS["bovw"], "descriptor": "sift", "n_words": 100}),
]


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
    images = photos()
    for name, params in EXTRACTORS:
        one = make_extractor(name, **params, n_jobs=1).fit(images[:100])
        two = make_extractor(name, **params, n_jobs=2).fit(images[:100])
        calls = {"two": lambda two=two: two.transform(images)}
        calls["one"] = lambda one=one: one.transform(images)
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
            "photos_per_second": N_PHOTOS / seconds["two"],
        }
