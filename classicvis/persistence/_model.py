"""Saving and loading of fitted models."""

from __future__ import annotations

import io
import os
import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from classicvis.exceptions import ModelFileError, ParameterError
from classicvis.persistence._archive import read_manifest, read_payload, write_model
from classicvis.persistence._manifest import describe, listed, mismatches


def save_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    metrics: Any = None,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Save a fitted model as one file.

    Parameters
    ----------
    model : classifier
        A fitted pipeline, or any fitted scikit-learn estimator.
    path : str or Path
        The file. It appears complete or not at all; an older file there is replaced only when
        the new one is complete. Folders on the way are made.
    class_names : sequence of str, default=None
        What people call the classes: one per entry of ``model.classes_``, or, where these are
        integers, indexed by them (the ``target_names`` of an image folder). None uses the labels.
    metrics : Evaluation or mapping, default=None
        What the model scores, for those who read the manifest.
    metadata : mapping, default=None
        Anything else that JSON can hold.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        If the model is not fitted, or `class_names`, `metrics` or `metadata` do not fit.
    ModelFileError
        If the file cannot be written, or the model cannot be pickled.

    See Also
    --------
    load_model : the way back.
    read_manifest : what the file says about itself.

    Notes
    -----
    The file is an uncompressed zip archive of ``manifest.json`` (JSON) and ``model.joblib`` (what
    `joblib.dump` writes). Plain `joblib.dump` and `joblib.load` of a pipeline work as well; they
    lack the manifest and its checks.
    """
    path = Path(path)
    check_fitted(model)
    manifest = describe(model, class_names, metrics, metadata)
    write_model(path, manifest, _pickled(model))
    return path


def load_model(path: str | os.PathLike[str], *, allow_version_mismatch: bool = False) -> Any:
    """Load a model that `save_model` wrote.

    Everything that can be known without unpickling is checked first: that the file is whole and
    ours, and that the installed versions give the numbers that the model was trained on.

    Parameters
    ----------
    path : str or Path
        The file.
    allow_version_mismatch : bool, default=False
        Load although versions differ; a warning says which. Predictions may then differ without
        any error, or loading may fail.

    Returns
    -------
    estimator
        The fitted pipeline, as it was saved.

    Raises
    ------
    ModelFileError
        If there is no such file; if it is damaged or no model of classicvis; if its format is
        newer than this version reads; if the major version of classicvis, the version of an
        extractor or the major.minor version of scikit-learn differs from the saved one.

    Warns
    -----
    UserWarning
        With `allow_version_mismatch`, for versions that differ.

    Warnings
    --------
    Unpickling runs code from the file. Load only files from people you trust: the checks guard
    against accidents, not against attackers.
    """
    path = Path(path)
    manifest = read_manifest(path)
    found = mismatches(manifest)
    if found and not allow_version_mismatch:
        raise ModelFileError(
            f"{path}: {found[0]}; or load it nevertheless with allow_version_mismatch=True, "
            "which may change its predictions"
        )
    for mismatch in found:
        warnings.warn(f"{path}: {mismatch}", UserWarning, stacklevel=2)
    payload = read_payload(path, manifest)
    try:
        return joblib.load(io.BytesIO(payload))
    except Exception as error:  # unpickling may raise anything
        raise ModelFileError(
            f"{path}: the model cannot be rebuilt with the installed packages "
            f"({type(error).__name__}: {error}); it was saved with "
            f"{listed(manifest['versions'])}: install these, and the packages of its classes"
        ) from error


def check_fitted(model: Any) -> None:
    """Raise ParameterError for what is no fitted estimator."""
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise ParameterError(
            f"found a {type(model).__name__} that is not fitted, expected a fitted model: "
            "call fit(images, labels) first"
        ) from error
    except TypeError as error:
        raise ParameterError(
            f"found {type(model).__name__}, expected a fitted scikit-learn estimator such as the "
            "pipeline of build_pipeline"
        ) from error


def _pickled(model: Any) -> bytes:
    buffer = io.BytesIO()
    try:
        joblib.dump(model, buffer)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ModelFileError(
            f"the model cannot be pickled ({error}); replace functions that are lambdas or local "
            "by functions defined in a module"
        ) from error
    return buffer.getvalue()
