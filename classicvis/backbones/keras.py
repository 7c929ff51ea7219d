"""The door to Keras: the only file that imports it, or one of the engines below it."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from classicvis.exceptions import ClassicVisError, MissingDependencyError

ENGINES = ("tensorflow", "jax", "torch")  # in the order in which they are taken

network_lock = threading.RLock()
"""Held while a network is built or runs: a process has one owner of the device."""

_started_in: int | None = None  # the process that started the engine


def load_keras() -> Any:
    """Return the module `keras`, its engine started on first use.

    The engine is the one that ``KERAS_BACKEND`` or Keras' own configuration file names, else the
    first that is installed of TensorFlow, JAX and PyTorch. It takes a GPU's memory as it needs it.

    Raises
    ------
    MissingDependencyError
        If Keras or its engine is not installed.
    ClassicVisError
        In a process that was forked after the engine had started.
    """
    check_process()
    return _started()


@cache
def _started() -> Any:
    global _started_in
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = engine_name()  # workers inherit the choice
        # TensorFlow would tell of missing GPUs, and warn of every network after the fifth.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX
    try:
        import keras
    except ImportError as error:
        raise MissingDependencyError(
            f"found no working Keras 3 ({error}), expected one for networks; "
            "run `pip install 'classicvis[deep]'`."
        ) from error
    if keras.backend.backend() == "tensorflow":
        _grow_memory()
    _started_in = os.getpid()
    return keras


def engine_name() -> str:
    """Return the engine that Keras runs on, or will run on: it is not imported for this."""
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    settings = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "keras.json")
    try:
        return json.loads(settings.read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError):
        return next(filter(find_spec, ENGINES), ENGINES[0])


def keras_is_installed() -> bool:
    """Return whether Keras and one of its engines are there, without importing them."""
    return find_spec("keras") is not None and any(map(find_spec, ENGINES))


def check_process() -> None:
    """Raise ClassicVisError in a process that was forked after the engine had started."""
    if _started_in not in (None, os.getpid()):
        raise ClassicVisError(
            "found a process that was forked after the network engine had started, which hangs; "
            "expected a new one: use joblib's loky, or multiprocessing's 'spawn'."
        )


@contextmanager
def seeded_dropout(seed: int) -> Iterator[None]:
    """Let dropout draw from a seed inside the block where its layers have none: in PyTorch."""
    if engine_name() != "torch":
        yield
        return
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def value_and_gradient(
    function: Callable[[Any], Any], inputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a scalar function of one array, and its gradient there.

    Parameters
    ----------
    function : callable
        Made of Keras layers and ``keras.ops``; takes a tensor and returns one number.
    inputs : ndarray, float32
        Where to look.

    Returns
    -------
    value : ndarray of shape ()
        ``function(inputs)``.
    gradient : ndarray, float32
        Of the shape of `inputs`.
    """
    engine = load_keras().backend.backend()
    gradients = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}
    return gradients[engine](function, inputs)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an engine says by an error that memory has run out."""
    names = {kind.__name__ for kind in type(error).__mro__}
    told = ("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory")
    return bool(names & {"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"}) or any(
        text in str(error) for text in told
    )


def _grow_memory() -> None:
    import tensorflow

    for device in tensorflow.config.list_physical_devices("GPU"):
        try:
            tensorflow.config.experimental.set_memory_growth(device, True)
        except RuntimeError:  # somebody's program uses it already
            return


def _by_tensorflow(function: Callable[[Any], Any], inputs: np.ndarray) -> tuple[Any, Any]:
    import tensorflow

    tensor = tensorflow.convert_to_tensor(inputs)
    with tensorflow.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    return value.numpy(), tape.gradient(value, tensor).numpy()


def _by_jax(function: Callable[[Any], Any], inputs: np.ndarray) -> tuple[Any, Any]:
    import jax

    value, gradient = jax.value_and_grad(function)(inputs)
    return np.asarray(value), np.asarray(gradient)


def _by_torch(function: Callable[[Any], Any], inputs: np.ndarray) -> tuple[Any, Any]:
    import torch

    tensor = load_keras().ops.convert_to_tensor(inputs).requires_grad_()
    value = function(tensor)
    (gradient,) = torch.autograd.grad(value, tensor)
    return value.detach().cpu().numpy(), gradient.cpu().numpy()
