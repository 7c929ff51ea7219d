"""Model files as commands see them: the fitted model, and the names of its classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from classicvis.persistence import load_model, read_manifest


def load(path: Path, allow_version_mismatch: bool) -> tuple[Any, dict[Any, str]]:
    """Return the model of a file, and the readable name of each label."""
    manifest = read_manifest(path)
    model = load_model(path, allow_version_mismatch=allow_version_mismatch)
    return model, dict(zip(manifest["classes"], manifest["class_names"], strict=True))
