"""What a model file says about itself, and whether the installed versions agree."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from classicvis._version import __version__
from classicvis.classifiers import unwrapped
from classicvis.exceptions import ParameterError

FORMAT = "classicvis-model"
FORMAT_VERSION = 1
ACCEPTED_INPUTS = ("paths", "arrays", "bytes", "ImageSequence", "folder")

_PACKAGES = {
    "numpy": ("numpy",),
    "scikit-learn": ("scikit-learn",),
    "scikit-image": ("scikit-image",),
    "opencv": (
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
        "opencv-python",
        "opencv-python-headless",
    ),
    "numba": ("numba",),
    "joblib": ("joblib",),
}


def describe(
    model: Any,
    class_names: Sequence[str] | None,
    metrics: Any,
    metadata: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return all of the manifest but the payload."""
    pipeline = unwrapped(model)  # a fitted search describes its winner
    inner = getattr(pipeline, "estimator_", pipeline)  # what a tuned threshold is around
    steps = dict(inner.steps) if isinstance(inner, Pipeline) else {"classifier": pipeline}
    classifier = list(steps.values())[-1]
    classes = np.asarray(getattr(pipeline, "classes_", [])).tolist()
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "classes": classes,
        "class_names": named(classes, class_names),
        "input": _input_contract(steps.get("images")),
        "extractors": _unique(entry for step in steps.items() for entry in _extractors(*step)),
        "n_features": getattr(classifier, "n_features_in_", None),
        "classifier": type(classifier).__name__,
        "metrics": metrics.to_dict() if hasattr(metrics, "to_dict") else metrics,
        "metadata": dict(metadata or {}),
    }


def _versions() -> dict[str, str | None]:
    packages = {name: _installed(*names) for name, names in _PACKAGES.items()}
    return {"classicvis": __version__, "python": platform.python_version(), **packages}


def _installed(*distributions: str) -> str | None:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def named(classes: list[Any], names: Sequence[str] | None) -> list[str]:
    """Return what people call each class; see `save_model`."""
    if names is None:
        return list(map(str, classes))
    if all(isinstance(label, int) and 0 <= label < len(names) for label in classes):
        return [str(names[label]) for label in classes]
    if len(names) == len(classes):
        return list(map(str, names))
    raise ParameterError(
        f"found {len(names)} class_names for {len(classes)} classes, expected one for each"
    )


def _input_contract(images: Any) -> dict[str, Any] | None:
    if images is None or not hasattr(images, "get_params"):
        return None
    parameters = json.loads(json.dumps(images.get_params(deep=False), default=_name))
    return {**parameters, "accepts": list(ACCEPTED_INPUTS)}


def _extractors(name: str, part: Any) -> Iterator[dict[str, Any]]:
    """Yield what identifies each versioned part of a step, inside other estimators as well."""
    for inner in _fitted_parts(name, part):
        yield from _extractors(*inner)
    cls = type(part)
    if hasattr(cls, "version"):
        described = {"module": cls.__module__, "class": cls.__qualname__, "version": cls.version}
        yield {"name": name, **described}


def _fitted_parts(name: str, part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fitted estimators inside one, with their names; lists of them are walked."""
    if isinstance(part, list | tuple):
        for inner in part:
            is_named = isinstance(inner, tuple) and inner and isinstance(inner[0], str)
            yield (inner[0], inner[1]) if is_named else (name, inner)
        return
    for key, value in getattr(part, "__dict__", {}).items():
        # a wrapper of what was fitted before has it as "estimator" only
        is_fitted = key.endswith("_") or (key == "estimator" and not hasattr(part, "estimator_"))
        if key in ("steps", "transformer_list") or (is_fitted and _may_hold_parts(value)):
            yield name if key.endswith("_") else key, value


def _unique(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each entry once: members of an ensemble may share an extractor."""
    return [dict(items) for items in dict.fromkeys(tuple(entry.items()) for entry in entries)]


def _may_hold_parts(value: Any) -> bool:
    return isinstance(value, list) or hasattr(value, "get_params") or hasattr(value, "estimator")


def as_json(manifest: dict[str, Any]) -> str:
    """Return the manifest as text, or say which value JSON cannot hold."""
    try:
        return json.dumps(manifest, ensure_ascii=False, indent=1, default=_builtin)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"metrics and metadata must hold what JSON can hold: {error}; "
            "convert the values to numbers, strings, lists and dicts"
        ) from error


def _builtin(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"found {type(value).__name__}")


def _name(value: Any) -> Any:
    """Return NumPy values as built-in ones, and parameters such as functions by their names."""
    try:
        return _builtin(value)
    except TypeError:
        return getattr(value, "__qualname__", None) or repr(value)


def mismatches(manifest: dict[str, Any]) -> list[str]:
    """Return one sentence for each version that may change predictions."""
    saved = manifest["versions"]
    found = []
    if _parts(saved["classicvis"], 1) != _parts(__version__, 1):
        found.append(
            f"saved by classicvis {saved['classicvis']}, installed is {__version__}: "
            f'run `pip install "classicvis=={saved["classicvis"]}"`, or train the model again'
        )
    for extractor in manifest["extractors"]:
        installed = _installed_version_of(extractor)
        if installed != extractor["version"]:
            package = extractor["module"].partition(".")[0]
            fix = f"install the package {package}"
            if package == "classicvis":
                fix = f'run `pip install "classicvis=={saved["classicvis"]}"`'
            found.append(
                f"saved with version {extractor['version']} of {extractor['class']}, installed is "
                f"{'none' if installed is None else f'version {installed}'}: {fix}, "
                "or train the model again"
            )
    sklearn_version = _installed("scikit-learn")
    if _parts(saved["scikit-learn"], 2) != _parts(sklearn_version, 2):
        found.append(
            f"saved with scikit-learn {saved['scikit-learn']}, installed is {sklearn_version}: "
            f'run `pip install "scikit-learn=={saved["scikit-learn"]}"`, or train the model again'
        )
    return found


def _parts(version_text: str | None, n: int) -> list[str]:
    return (version_text or "").split(".")[:n]


def _installed_version_of(extractor: dict[str, Any]) -> int | None:
    try:
        found: Any = import_module(extractor["module"])
        for name in extractor["class"].split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        return None
    return getattr(found, "version", None)


def listed(versions: Mapping[str, str | None]) -> str:
    """Return versions as people read them: "numpy 2.4.6, ..."."""
    return ", ".join(f"{name} {text}" for name, text in versions.items() if text)
