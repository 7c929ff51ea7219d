"""Training throughput of `CnnClassifier` beside bare ``model.fit`` on the same pixels."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from classicvis import CnnClassifier, show_progress
from classicvis.backbones._architectures import Design, build_network
from classicvis.backbones.keras import jit_compile, load_keras

N_CLASSES, BATCH = 10, 128


def measure_training(
    network: str = "resnet", side: int = 32, n_images: int = 4096, runs: int = 3
) -> dict[str, Any]:
    """Return images per second: ours, and those of ``model.fit`` on preloaded arrays.

    Both train the same network on the same images without augmentation, nothing is kept aside.
    Bare Keras is measured with its default for XLA, and with the choice that we make; the faster
    one counts. Runs take turns; the first epoch of each, which compiles, does not count.
    """
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n_images, side, side, 3), dtype=np.uint8)
    codes = np.arange(n_images) % N_CLASSES
    calls: dict[str, Callable[[], float]] = {
        "CnnClassifier": lambda: _ours(network, pixels, codes),
        "model.fit": lambda: _bare(network, pixels, codes, "auto"),
    }
    if jit_compile() != "auto":
        calls["model.fit without XLA"] = lambda: _bare(network, pixels, codes, False)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            seconds[name].append(call())
    rates = {name: n_images / median(values) for name, values in seconds.items()}
    fastest = max(rate for name, rate in rates.items() if name != "CnnClassifier")
    return {
        "network": network,
        "image_shape": pixels.shape[1:],
        "batch_size": BATCH,
        "engine": load_keras().backend.backend(),
        "images_per_second": rates,
        "ratio": rates["CnnClassifier"] / fastest,
    }


def _ours(network: str, pixels: np.ndarray, codes: np.ndarray) -> float:
    times: list[float] = []
    model = CnnClassifier(
        network, epochs=4, batch_size=BATCH, augment=None, validation_fraction=0, random_state=0
    )
    with show_progress(lambda done, total: times.append(time.perf_counter())):
        model.fit(pixels, codes)
    return _median_epoch(times)


def _bare(network: str, pixels: np.ndarray, codes: np.ndarray, jit: str | bool) -> float:
    keras = load_keras()
    times: list[float] = []
    model = build_network(network, pixels.shape[1:], N_CLASSES, Design(None, 0.3, 0.0))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: times.append(time.perf_counter())
    )
    targets = np.eye(N_CLASSES, dtype=np.float32)[codes]
    model.fit(pixels, targets, batch_size=BATCH, epochs=4, callbacks=[clock], verbose=0)
    return _median_epoch(times)


def _median_epoch(times: list[float]) -> float:
    return median(end - start for start, end in pairwise(times))
