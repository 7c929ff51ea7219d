"""Optional packages, imported when they are needed and named when they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from classicvis.exceptions import MissingDependencyError


def require(module: str, purpose: str, package: str | None = None) -> Any:
    """Import `module`, or say which package `purpose` needs and how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = package or module.partition(".")[0]
        raise MissingDependencyError(
            f"{purpose} needs the package {package}, which is not installed: "
            f"run `pip install {package}`"
        ) from error
