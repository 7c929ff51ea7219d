"""The fit loop: seeded batches, learning rates, the best weights kept whatever stops it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from classicvis.backbones._augmentation import Augmentation
from classicvis.backbones.keras import load_keras, seeded_dropout
from classicvis.exceptions import ClassicVisError, ParameterError

History: TypeAlias = dict[str, list[float]]
Schedule: TypeAlias = Literal["cosine", "plateau", "constant"]
SCHEDULES = ("cosine", "plateau", "constant")

_WARM_UP = 0.1  # share of the steps in which a cosine schedule rises
_PLATEAU_EPOCHS, _PLATEAU_FACTOR = 3, 0.3


@dataclass(frozen=True)
class Samples:
    """What a network learns from, or is scored on.

    `inputs` are uint8 images (n, h, w, c) or float32 rows (n, d), `codes` the numbers of their
    classes (n,), `weights` the factors of their losses (n,), None for 1; `chosen` are the numbers
    of those that count, None for all.
    """

    inputs: np.ndarray
    codes: np.ndarray
    weights: np.ndarray | None = None
    chosen: np.ndarray | None = None

    def __len__(self) -> int:
        """Return how many count."""
        return len(self.codes if self.chosen is None else self.chosen)


@dataclass(frozen=True)
class Course:
    """How a network is trained: parameters of `CnnClassifier`, and who is told how far it is."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str = "adam"
    schedule: Schedule = "cosine"
    label_smoothing: float = 0.0
    patience: int | None = None
    augmentation: Augmentation | None = None
    verbose: int = 0
    progress: Callable[[int, int], None] | None = None


def fit_network(
    network: Any,
    learn: Samples,
    validate: Samples | None,
    course: Course,
    history: History,
    *,
    seed: int,
) -> None:
    """Train a network, and leave it with its best weights.

    The best are those after the epoch with the lowest loss on `validate`, or on `learn` where
    nothing is held out.

    Parameters
    ----------
    network : keras.Model
        From what `learn` holds to probabilities; stays uncompiled.
    learn, validate : Samples
        To learn from, and to score after each epoch.
    course : Course
        How to train.
    history : dict of str to list of float
        Gets a number per epoch: "loss", "accuracy", "learning_rate", and with `validate`
        "val_loss" and "val_accuracy". What it has is from an earlier stage of the same training:
        then the weights at the start count as well.
    seed : int
        Orders and changes the images.

    Raises
    ------
    ClassicVisError
        If the first loss already is not finite.
    KeyboardInterrupt
        As it came; the network has the best weights so far, if `history` has an epoch.

    Warns
    -----
    ConvergenceWarning
        If a later loss is not finite: training stops, with the best weights so far.
    """
    keras = load_keras()
    size = min(course.batch_size, len(learn))
    steps = ceil(len(learn) / size)
    n_classes = network.output_shape[-1]
    trainer = keras.Model(network.inputs, network.outputs)
    trainer.compile(
        optimizer=_optimizer(keras, course, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=course.label_smoothing),
        metrics=["accuracy"],
    )
    monitor = "loss" if validate is None else "val_loss"
    watch = _Watch(trainer, monitor, course, history, len(learn))
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=watch.end_epoch)]
    if course.schedule == "plateau":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor, factor=_PLATEAU_FACTOR, patience=_PLATEAU_EPOCHS
            )
        )
    try:
        with seeded_dropout(seed):
            trainer.fit(
                _batches(learn, size, n_classes, course.augmentation, np.random.default_rng(seed)),
                steps_per_epoch=steps,
                epochs=course.epochs,
                validation_data=validate and (validate.inputs, _one_hot(validate.codes, n_classes)),
                validation_batch_size=size,
                callbacks=callbacks,
                shuffle=False,
                verbose=course.verbose,
            )
    finally:
        watch.restore_best()


@contextmanager
def precision(mixed: bool) -> Iterator[None]:
    """Let layers that are made inside the block compute in bfloat16, if `mixed`."""
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
        self, trainer: Any, monitor: str, course: Course, history: History, n_samples: int
    ) -> None:
        self.trainer = trainer
        self.monitor = monitor
        self.course = course
        self.history = history
        self.n_samples = n_samples
        self.best_loss = min(history.get("val_loss", ()), default=inf)
        self.best_weights = trainer.get_weights() if history else None
        self.n_waited = 0

    def end_epoch(self, epoch: int, logs: dict[str, float]) -> None:
        """Note the figures of an epoch, and decide whether there is another."""
        rate = load_keras().ops.convert_to_numpy(self.trainer.optimizer.learning_rate)
        for name, value in {**logs, "learning_rate": rate}.items():
            self.history.setdefault(name, []).append(float(value))
        if not isfinite(logs["loss"]):
            self._diverged(epoch)
        elif logs[self.monitor] < self.best_loss:
            self.best_loss, self.n_waited = logs[self.monitor], 0
            self.best_weights = self.trainer.get_weights()
        else:
            self.n_waited += 1
            if self.n_waited == self.course.patience:
                self.trainer.stop_training = True
        if self.course.progress is not None:
            self.course.progress((epoch + 1) * self.n_samples, self.course.epochs * self.n_samples)

    def restore_best(self) -> None:
        """Give the network its best weights, where it has finished an epoch."""
        if self.best_weights is not None:
            self.trainer.set_weights(self.best_weights)

    def _diverged(self, epoch: int) -> None:
        found = f"found a loss of {self.history['loss'][-1]} in epoch {epoch + 1}"
        advice = f"expected a finite one; use a learning rate below {self.course.learning_rate:g}"
        if self.best_weights is None:
            raise ClassicVisError(f"{found}, {advice}.")
        self.trainer.stop_training = True
        warnings.warn(
            f"{found}, {advice}: the best weights of the epochs before are kept.",
            ConvergenceWarning,
            stacklevel=2,
        )


def _batches(
    learn: Samples,
    size: int,
    n_classes: int,
    augmentation: Augmentation | None,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield batches for ever, each epoch in another order.

    All have one shape, so that the engine compiles once and no batch is too small for its
    statistics: the last of an epoch is filled up from the start of its order.
    """
    chosen = np.arange(len(learn)) if learn.chosen is None else learn.chosen
    while True:
        order = rng.permutation(chosen)
        for start in range(0, len(order), size):
            rows = order.take(range(start, start + size), mode="wrap")
            inputs, targets = learn.inputs[rows], _one_hot(learn.codes[rows], n_classes)
            if augmentation is not None:
                inputs = augmentation(inputs, rng)
            weights = () if learn.weights is None else (learn.weights[rows],)
            yield (inputs, targets, *weights)


def _one_hot(codes: np.ndarray, n_classes: int) -> np.ndarray:
    return np.eye(n_classes, dtype=np.float32)[codes]


def _optimizer(keras: Any, course: Course, steps: int) -> Any:
    rate: Any = course.learning_rate
    if course.schedule == "cosine":
        n_steps = steps * course.epochs
        warm_up = ceil(_WARM_UP * n_steps)
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
