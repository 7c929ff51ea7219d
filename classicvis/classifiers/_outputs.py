"""What a fitted classifier says about images: features once, unreadable images as NaN rows."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

METHODS = ("predict_proba", "decision_function")


def takes_images(model: Any) -> bool:
    """Return whether a classifier learns from images, and not from rows of features.

    Scikit-learn's wrappers (a search, a calibration, a tuned threshold) take what the inner model
    takes, and do not say so.
    """
    inner = model.steps[0][1] if isinstance(model, Pipeline) else getattr(model, "estimator", None)
    return bool(get_tags(model).input_tags.three_d_array) or (
        hasattr(inner, "fit") and takes_images(inner)
    )


def output_method(model: Any) -> str | None:
    """Return the method that tells classes apart by numbers: probabilities before margins."""
    return next((name for name in METHODS if hasattr(model, name)), None)


def most_likely(output: np.ndarray) -> np.ndarray:
    """Return the classes of probabilities (n, k) or margins, (n, k) or of two classes (n,)."""
    return np.asarray(output.argmax(axis=1) if output.ndim == 2 else (output > 0).astype(int))


def output_of(model: Any, X: Any, method: str) -> np.ndarray:
    """Return what a method of a fitted classifier returns, NaN where an image is unreadable.

    Parameters
    ----------
    model : classifier
        Fitted, of images or of rows.
    X : images, or rows of features
        Unreadable images are marked where the error policy of `X` or of the model says so.
    method : str
        "predict_proba", "decision_function", or "predict" for 1 in the column of the label.

    Returns
    -------
    ndarray of shape (n, n_classes), or (n,) for margins of two classes
        The numbers of the model.
    """
    model = unwrapped(model)
    classes = np.asarray(model.classes_)
    head, tail = cut_after_features(model)
    features = X if head is None else head.transform(X)
    if method == "predict" and marks_unreadable(tail):
        values = getattr(tail, str(output_method(tail)))(features)
        readable = ~(np.isnan(values) if values.ndim == 1 else np.isnan(values).any(axis=1))
        return with_nan_rows(_columns(most_likely(values[readable]), len(classes)), readable)
    missing = nan_rows(features, len(X))
    if len(missing) and missing.all():
        is_single = method == "decision_function" and len(classes) == 2
        return np.full(len(missing) if is_single else (len(missing), len(classes)), np.nan)
    values = getattr(tail, method)(features[~missing] if missing.any() else features)
    if method == "predict":
        values = _columns(np.searchsorted(classes, values), len(classes))
    return with_nan_rows(np.asarray(values), ~missing)


def marks_unreadable(model: Any) -> bool:
    """Return whether a model takes images and has rows of NaN for what it cannot read.

    Its labels are those of the largest probabilities or margins.
    """
    last = model[-1] if isinstance(model, Pipeline) else model
    return bool(getattr(last, "takes_images", False))


def _columns(codes: np.ndarray, n_classes: int) -> np.ndarray:
    return np.eye(n_classes)[codes]


def cut_after_features(model: Any) -> tuple[Pipeline | None, Any]:
    """Return the part of a model that reads pixels (None if there is none) and the rest.

    A pipeline is cut after its step "features", else before its sampler and its last step.
    """
    if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV):
        head, rest = cut_after_features(model.estimator_)
        tail = copy(model)  # its threshold, around what is behind the features
        tail.estimator_ = rest
        return head, tail
    if not isinstance(model, Pipeline):
        return None, model
    names = [name for name, _ in model.steps]
    cut = names.index("features") + 1 if "features" in names else first_sampler(model)
    return (model[:cut], model[cut:]) if cut else (None, model)


def first_sampler(pipeline: Pipeline) -> int:
    """Return the place of the first step that resamples, or of the last step."""
    steps = [step for _, step in pipeline.steps]
    return next((i for i, s in enumerate(steps) if hasattr(s, "fit_resample")), len(steps) - 1)


def unwrapped(model: Any) -> Any:
    """Return the fitted model that predicts in the place of a search or of a learner of copies."""
    for name in ("best_estimator_", "pipeline_"):
        if hasattr(model, name):
            return unwrapped(getattr(model, name))
    return model


def nan_rows(features: Any, n_rows: int) -> np.ndarray:
    """Return which rows are NaN throughout; what is no float matrix or frame has none."""
    values = features.to_numpy() if hasattr(features, "to_numpy") else features
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind == "f":
        return np.asarray(np.isnan(values).all(axis=1))
    return np.zeros(n_rows, dtype=bool)


def with_nan_rows(values: np.ndarray, readable: np.ndarray) -> np.ndarray:
    """Return rows of the readable ones of some images as rows of all, NaN in between."""
    if readable.all():
        return values
    aligned = np.full((len(readable), *values.shape[1:]), np.nan, dtype=values.dtype)
    aligned[readable] = values
    return aligned
