"""Training throughput of `CnnClassifier` beside bare ``model.fit`` on the same pixels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np

from classicvis import CnnClassifier, show_progress
from classicvis.backbones._architectures import Design, build_network
from classicvis.backbones.keras import load_keras

N_CLASSES, BATCH = 10, 128
EndEpoch = Callable[[], None]


def measure_training(
    network: str = "resnet", side: int = 32, n_images: int = 1024, epochs: int = 16
) -> dict[str, Any]:
    """Return images per second: ours, and those of ``model.fit`` on preloaded arrays.

    Both train the same network on the same images without augmentation, nothing is kept aside.
    Their epochs take turns; the first of each, which compiles, does not count.
    """
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n_images, side, side, 3), dtype=np.uint8)
    codes = np.arange(n_images) % N_CLASSES
    calls = {
        "CnnClassifier": lambda end: _ours(network, pixels, codes, epochs, end),
        "model.fit": lambda end: _bare(network, pixels, codes, epochs, end),
    }
    turns = _Turns(len(calls))
    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(turns.take, i, call) for i, call in enumerate(calls.values())]
        seconds = [task.result() for task in running]
    medians = [median(values[1:]) for values in seconds]
    ours, bare = medians
    return {
        "network": network,
        "image_shape": pixels.shape[1:],
        "batch_size": BATCH,
        "engine": load_keras().backend.backend(),
        "images_per_second": {
            name: n_images / value for name, value in zip(calls, medians, strict=True)
        },
        "ratio": bare / ours,
    }


class _Turns:
    """Lets trainings in threads of their own run one epoch at a time, each in its turn."""

    def __init__(self, n_trainings: int) -> None:
        self.waiting = list(range(n_trainings))
        self.changed = threading.Condition()

    def take(self, number: int, train: Callable[[EndEpoch], None]) -> list[float]:
        """Run a training that calls what it gets after each epoch; return seconds of epochs."""
        seconds: list[float] = []
        start = self._wait(number)

        def end_epoch() -> None:
            nonlocal start
            seconds.append(time.perf_counter() - start)
            with self.changed:
                self.waiting.append(self.waiting.pop(0))
                self.changed.notify_all()
            start = self._wait(number)

        try:
            train(end_epoch)
        finally:
            with self.changed:
                self.waiting.remove(number)
                self.changed.notify_all()
        return seconds

    def _wait(self, number: int) -> float:
        with self.changed:
            self.changed.wait_for(lambda: self.waiting[0] == number)
        return time.perf_counter()


def _ours(network: str, pixels: np.ndarray, codes: np.ndarray, epochs: int, end: EndEpoch) -> None:
    model = CnnClassifier(
        network, epochs=epochs, batch_size=BATCH, augment=None, validation_fraction=0,
        random_state=0,
    )  # fmt: skip
    with show_progress(lambda done, total: end()):
        model.fit(pixels, codes)


def _bare(network: str, pixels: np.ndarray, codes: np.ndarray, epochs: int, end: EndEpoch) -> None:
    keras = load_keras()
    model = build_network(network, pixels.shape[1:], N_CLASSES, Design(None, 0.3, 0.0))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: end())
    targets = np.eye(N_CLASSES, dtype=np.float32)[codes]
    model.fit(pixels, targets, batch_size=BATCH, epochs=epochs, callbacks=[clock], verbose=0)
