"""Networks from images to rows: built when first used, shared in a process, pickled as bytes."""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from classicvis.backbones._cards import backbone_card
from classicvis.backbones._networks import (
    build_backbone,
    in_mixed_precision,
    is_name,
    make_model,
    pooled,
)
from classicvis.backbones._rows import SessionRows
from classicvis.backbones._state import model_bytes, model_from_bytes
from classicvis.backbones.keras import engine_name, network_lock
from classicvis.exceptions import ModelFileError

_live: WeakValueDictionary[bytes, Any] = WeakValueDictionary()
_recent: deque[Any] = deque(maxlen=2)  # outlive those who used them, for a search's next fit


class SharedNetwork:
    """A network from images to rows, built when it is first used.

    Those of one configuration share a live network in a process. A pickle takes it along as
    bytes, never alive.

    Parameters
    ----------
    backbone, weights, input_size, layer, random_state
        As in `build_backbone`.
    pooling : str
        As in `pooled`.
    mixed_precision : bool
        Whether layers compute in float16.

    Attributes
    ----------
    key : bytes
        Digest of the configuration and the weights: the same in every process.
    """

    def __init__(
        self,
        backbone: Any,
        *,
        weights: str | os.PathLike[str] | None,
        input_size: tuple[int, int] | None,
        layer: str | None,
        pooling: str,
        mixed_precision: bool,
        random_state: int | None,
    ) -> None:
        if not isinstance(backbone, str | os.PathLike):
            backbone = make_model(backbone, random_state)
        options = {"input_size": input_size, "layer": layer, "random_state": random_state}
        self.key = _digest(backbone, weights, options, pooling, mixed_precision)
        self._archive: bytes | None = None
        self._model: Any = None
        self._build: Callable[[], Any] = partial(
            _built, backbone, pooling, mixed_precision, weights=weights, **options
        )

    @property
    def model(self) -> Any:
        """The live keras.Model, from images (None, h, w, 1 or 3) to rows (None, n_features)."""
        with network_lock:
            if self._model is None:
                self._model = _live.get(self.key)
            if self._model is None:
                self._model = _live[self.key] = self._build()
            if self._model not in _recent:
                _recent.append(self._model)
            return self._model

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Height, width and channels of images, and the length of a row.

        Where another process of the session has used the network, it is not built for this.
        """
        session = SessionRows()
        (known,) = session.find([self.key])
        if known is None:
            model = self.model
            known = np.array([*model.input_shape[1:], model.output_shape[1]], np.float32)
            session.add([self.key], known[None])
        height, width, n_channels, n_features = map(int, known)
        return height, width, n_channels, n_features

    def __getstate__(self) -> dict[str, Any]:
        if self._archive is None:
            self._archive = model_bytes(self.model)
        return {"key": self.key, "archive": self._archive}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.key = state["key"]
        self._archive = state["archive"]
        self._model = None
        self._build = partial(model_from_bytes, state["archive"])


def _built(backbone: Any, pooling: str, mixed_precision: bool, **options: Any) -> Any:
    model = pooled(build_backbone(backbone, **options), pooling)
    return in_mixed_precision(model) if mixed_precision else model


def _digest(backbone: Any, weights: Any, *options: Any) -> bytes:
    if is_name(backbone):
        what = backbone_card(backbone).name
    elif isinstance(backbone, str | os.PathLike):
        what = _file_digest(backbone)
    else:
        what = _model_digest(backbone)
    if weights not in ("imagenet", None):
        weights = _file_digest(weights)
    return hashlib.sha256(repr((what, weights, engine_name(), *options)).encode()).digest()


def _file_digest(path: str | os.PathLike[str]) -> str:
    try:
        status = os.stat(path)
    except OSError as error:
        raise ModelFileError(
            f"{os.fspath(path)}: cannot be read ({error.strerror}), expected a file with a network "
            "or its weights; check the path."
        ) from error
    return _bytes_digest(Path(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _bytes_digest(path: Path, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _model_digest(model: Any) -> str:
    """Digest of layers and weights, without the numbers that Keras gives to names."""
    digest = hashlib.sha256(re.sub(r'_\d+(?=")', "", model.to_json()).encode())
    for values in model.get_weights():
        digest.update(np.ravel(values).data)
    return digest.hexdigest()
