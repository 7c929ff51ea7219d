"""Networks as bytes: how a fitted estimator keeps one when it is pickled."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from classicvis.backbones.keras import load_keras, network_lock
from classicvis.exceptions import ModelFileError


def is_model(network: Any) -> bool:
    """Return whether this is a live network, without importing Keras."""
    return "keras" in sys.modules and isinstance(network, load_keras().Model)


def copied(model: Any) -> Any:
    """Return a network of the same layers and weights that shares neither."""
    return model_from_bytes(model_bytes(model))


class Packed:
    """A network inside a pickle: bytes there, a network again when it is opened."""

    def __init__(self, model: Any) -> None:
        self.data = model_bytes(model)

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        """Return how pickle makes the network anew."""
        return model_from_bytes, (self.data,)


def model_bytes(model: Any) -> bytes:
    """Return a network, weights included, as the bytes of a ``.keras`` archive.

    Parameters
    ----------
    model : keras.Model
        The network.

    Returns
    -------
    bytes
        For `model_from_bytes`.
    """
    with network_lock, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return path.read_bytes()


def model_from_bytes(data: bytes) -> Any:
    """Return the network that `model_bytes` packed.

    Parameters
    ----------
    data : bytes
        A ``.keras`` archive.

    Returns
    -------
    keras.Model
        Not compiled: for inference.

    Raises
    ------
    MissingDependencyError
        If Keras is not installed.
    ModelFileError
        If Keras cannot rebuild the network: its version is too old, or layers are unknown to it.
    """
    keras = load_keras()
    with network_lock, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        try:
            # The bytes come out of a pickle, which could run any code before we are asked.
            return keras.saving.load_model(path, compile=False, safe_mode=False)
        except Exception as error:  # deserialising may raise anything
            raise ModelFileError(
                f"found a network that Keras {keras.__version__} cannot rebuild "
                f"({str(error).strip().partition(chr(10))[0]}); expected one of this version or "
                "older, whose own layers are registered with keras.saving."
                "register_keras_serializable in a module that is imported."
            ) from error
