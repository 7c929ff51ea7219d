"""Networks from images to rows: built when first used, shared in a process, pickled as bytes."""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from classicvis.backbones._cards import backbone_card
from classicvis.backbones._folding import folded
from classicvis.backbones._networks import build_backbone, is_name, make_model
from classicvis.backbones._pooling import in_mixed_precision, pooled, with_mirror_image
from classicvis.backbones._rows import SessionRows
from classicvis.backbones._state import model_bytes, model_from_bytes
from classicvis.backbones.keras import engine_name, network_lock
from classicvis.exceptions import ModelFileError

_live: WeakValueDictionary[bytes, Any] = WeakValueDictionary()
_recent: deque[Any] = deque(maxlen=2)  # outlive those who used them, for a search's next fit


@dataclass(frozen=True)
class Recipe:
    """How a network from images to rows is made; `build` makes it.

    The first five fields are those of `build_backbone`, `pooling` and `grid` those of `pooled`.
    """

    backbone: Any
    weights: str | os.PathLike[str] | None
    input_size: tuple[int, int] | None
    layer: str | None
    random_state: int | None
    pooling: str
    grid: tuple[int, int]
    flip: bool
    """Whether to average over an image and its mirror image."""
    mixed_precision: bool
    """Whether layers compute in float16."""

    def build(self) -> Any:
        """Return a new keras.Model."""
        backbone = build_backbone(
            self.backbone,
            weights=self.weights,
            input_size=self.input_size,
            layer=self.layer,
            random_state=self.random_state,
        )
        model = folded(backbone)
        if self.flip:
            model = with_mirror_image(model)
        model = pooled(model, self.pooling, self.grid)
        return in_mixed_precision(model) if self.mixed_precision else model

    def digest(self) -> bytes:
        """Return what tells networks apart, by their weights and not by names of files."""
        used = self if self.weights is None else replace(self, random_state=None)
        backbone, weights, *options = (getattr(used, field.name) for field in fields(used))
        if is_name(backbone):
            backbone = backbone_card(backbone).name
        elif isinstance(backbone, str | os.PathLike):
            backbone = _file_digest(backbone)
        else:
            backbone = _model_digest(backbone)
        if weights not in ("imagenet", None):
            weights = _file_digest(weights)
        facts = backbone, weights, engine_name(), *options
        return hashlib.sha256(repr(facts).encode()).digest()


class SharedNetwork:
    """A network from images to rows, built when it is first used.

    Those of one recipe share a live network in a process. A pickle takes it along as bytes, never
    alive.

    Parameters
    ----------
    recipe : Recipe
        How it is made.

    Attributes
    ----------
    key : bytes
        The digest of the recipe: the same in every process.
    """

    def __init__(self, recipe: Recipe) -> None:
        if not isinstance(recipe.backbone, str | os.PathLike):
            model = make_model(recipe.backbone, recipe.random_state)
            recipe = replace(recipe, backbone=model)
        self.key = recipe.digest()
        self._build: Callable[[], Any] = recipe.build
        self._archive: bytes | None = None
        self._model: Any = None

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
