"""The fit loop: seeded batches, learning rates, the best weights kept whatever stops it."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from classicvis.backbones._augmentation import Augmentation
from classicvis.backbones.keras import has_gpu, load_keras
from classicvis.exceptions import ClassicVisError, ParameterError

Schedule: TypeAlias = Literal["cosine", "plateau", "constant"]
SCHEDULES = ("cosine", "plateau", "constant")

_WARM_UP = 0.1  # share of the steps in which a cosine schedule rises
_PLATEAU_EPOCHS, _PLATEAU_FACTOR = 3, 0.3


class Samples(NamedTuple):
    """What a network learns from, or is scored on.

    `inputs` are uint8 images (n, h, w, c) or float32 rows (n, d), `codes` the numbers of their
    classes (n,), `weights` their shares of the loss (n,), where they differ.
    """

    inputs: np.ndarray
    codes: np.ndarray
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Course:
    """How a network is trained; the parameters are those of `CnnClassifier`."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str = "adam"
    schedule: Schedule = "cosine"
    label_smoothing: float = 0.0
    patience: int | None = None
    augmentation: Augmentation | None = None
    verbose: int = 0


def fit_network(
    model: Any,
    learn: Samples,
    validate: Samples | None,
    course: Course,
    *,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[float]]:
    """Train a network, and leave it with its best weights.

    The best are those of the epoch with the lowest loss on `validate`, or on `learn` where nothing
    is held out.

    Parameters
    ----------
    model : keras.Model
        From what `learn` holds to probabilities.
    learn, validate : Samples
        To learn from, and to score after each epoch.
    course : Course
        How to train.
    seed : int
        Orders and changes the images.
    progress : callable, default=None
        Told after each epoch how many there were, and of how many.

    Returns
    -------
    dict of str to list of float
        "loss", "accuracy", "learning_rate", and "val_loss" and "val_accuracy" with `validate`: one
        number per epoch.

    Raises
    ------
    ClassicVisError
        If the first loss already is not finite.
    KeyboardInterrupt
        As it came; the network has the best weights of the epochs before.

    Warns
    -----
    ConvergenceWarning
        If a later loss is not finite: training stops, with the best weights so far.
    """
    keras = load_keras()
    course = _with_whole_batches(course, len(learn.codes))
    steps = ceil(len(learn.codes) / course.batch_size)
    n_classes = model.output_shape[-1]
    model.compile(
        optimizer=_optimizer(keras, course, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=course.label_smoothing),
        metrics=["accuracy"],
        # XLA is half as fast as TensorFlow's own kernels on a processor.
        jit_compile="auto" if has_gpu() or keras.backend.backend() != "tensorflow" else False,
    )
    watch = _Watch(model, "loss" if validate is None else "val_loss", course, progress)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=watch.end_of_epoch)]
    if course.schedule == "plateau":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                watch.monitor, factor=_PLATEAU_FACTOR, patience=_PLATEAU_EPOCHS
            )
        )
    try:
        model.fit(
            _batches(learn, n_classes, course, np.random.default_rng(seed)),
            steps_per_epoch=steps,
            epochs=course.epochs,
            validation_data=validate and (validate.inputs, _one_hot(validate.codes, n_classes)),
            validation_batch_size=course.batch_size,
            callbacks=callbacks,
            shuffle=False,
            verbose=course.verbose,
        )
    finally:
        watch.restore_best()
    return watch.history


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let Keras draw from a seed inside the block; NumPy's and Python's own states come back."""
    python, numpy = random.getstate(), np.random.get_state()
    load_keras().utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def precision(mixed: bool) -> Iterator[None]:
    """Build layers that compute in bfloat16 inside the block, if `mixed`; weights are float32."""
    config = load_keras().config
    before = config.dtype_policy()
    if mixed:
        config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        config.set_dtype_policy(before)


class _Watch:
    """What happened in training, and the best weights so far."""

    def __init__(
        self,
        model: Any,
        monitor: str,
        course: Course,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.model = model
        self.monitor = monitor
        self.course = course
        self.progress = progress
        self.history: dict[str, list[float]] = {}
        self.best_loss = inf
        self.best_epoch = -1
        self.best_weights: list[np.ndarray] | None = None

    def end_of_epoch(self, epoch: int, logs: dict[str, float]) -> None:
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        for name, value in {**logs, "learning_rate": rate}.items():
            self.history.setdefault(name, []).append(float(value))
        if self.progress is not None:
            self.progress(epoch + 1, self.course.epochs)
        if not isfinite(logs["loss"]):
            self._stop_diverged(epoch)
        elif logs[self.monitor] < self.best_loss:
            self.best_loss, self.best_epoch = logs[self.monitor], epoch
            self.best_weights = self.model.get_weights()
        elif self.course.patience is not None:
            self.model.stop_training = epoch - self.best_epoch >= self.course.patience

    def restore_best(self) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def _stop_diverged(self, epoch: int) -> None:
        self.model.stop_training = True
        found = f"found a loss of {self.history['loss'][-1]} in epoch {epoch + 1}"
        advice = f"use a learning rate below {self.course.learning_rate:g}"
        if self.best_weights is None:
            raise ClassicVisError(f"{found}, expected a finite one; {advice}.")
        warnings.warn(
            f"{found}: training stopped, the weights of epoch {self.best_epoch + 1} are kept; "
            f"{advice}.",
            ConvergenceWarning,
            stacklevel=2,
        )


def _with_whole_batches(course: Course, n_samples: int) -> Course:
    ...


def _batches(
    learn: Samples, n_classes: int, course: Course, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield batches for ever, each epoch in another order.

    All have one shape, so that the engine compiles once and no batch is too small for its
    statistics: the last of an epoch is filled up from the start of its order.
    """
    n, size = len(learn.codes), min(course.batch_size, len(learn.codes))
    while True:
        order = rng.permutation(n)
        for start in range(0, n, size):
            rows = np.sort(order.take(range(start, start + size), mode="wrap"))
            inputs, targets = learn.inputs[rows], _one_hot(learn.codes[rows], n_classes)
            if course.augmentation is not None:
                inputs = course.augmentation(inputs, rng)
            if learn.weights is None:
                yield inputs, targets
            else:
                yield inputs, targets, learn.weights[rows]


def _one_hot(codes: np.ndarray, n_classes: int) -> np.ndarray:
    return np.eye(n_classes, dtype=np.float32)[codes]


def _optimizer(keras: Any, course: Course, steps: int) -> Any:
    rate: Any = course.learning_rate
    if course.schedule == "cosine":
        n_steps = steps * course.epochs
        warm_up = max(1, round(_WARM_UP * n_steps))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / warm_up, max(1, n_steps - warm_up), warmup_target=rate, warmup_steps=warm_up
        )
    config: dict[str, Any] = {"learning_rate": rate}
    if course.optimizer.lower() == "sgd":
        config |= {"momentum": 0.9, "nesterov": True}
    try:
        kind = type(keras.optimizers.get(course.optimizer))
    except ValueError:
        raise ParameterError(
            f"optimizer={course.optimizer!r}: expected the name of an optimizer of Keras, such as "
            "'adam', 'adamw' or 'sgd'."
        ) from None
    return kind(**config)
