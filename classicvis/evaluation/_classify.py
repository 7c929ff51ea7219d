"""Labels and confidences of images in one pass over the pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from classicvis.classifiers import CnnClassifier


class Classification(NamedTuple):
    """What a model says about each image.

    Attributes
    ----------
    labels : ndarray of shape (n_images,), dtype object
        The predicted labels; None where the image could not be read.
    probabilities : ndarray of shape (n_images, n_classes) or None
        One column per entry of `classes`; NaN rows where the image could not be read. None for
        a model that has no ``predict_proba``.
    scores : ndarray of shape (n_images,) or (n_images, n_classes) or None
        What ``decision_function`` returns, with NaN for unreadable images. Computed only for a
        model that has no probabilities.
    unreadable : ndarray of shape (n_images,), dtype bool
        True where the image could not be read.
    classes : ndarray of shape (n_classes,)
        The labels that the model knows, ``model.classes_``.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None
    scores: np.ndarray | None
    unreadable: np.ndarray
    classes: np.ndarray


def classify(model: Any, X: Any) -> Classification:
    """Classify images, computing their features once.

    ``predict`` followed by ``predict_proba`` decodes every image and computes every feature
    twice. Here the steps up to ``"features"`` run once and the rest of the pipeline works on
    their output.

    Parameters
    ----------
    model : classifier
        A fitted classifier, usually the pipeline of `build_pipeline`, or a fitted search over one.
        A pipeline without a step named ``"features"`` is cut before its last step.
    X : sequence of images
        Anything that the model accepts. Rows of features that are NaN throughout, as an
        `ImageSequence` with ``on_error="mark"`` gives them, are unreadable images.

    Returns
    -------
    Classification
        Aligned with `X`, row by row.
    """
    model = getattr(model, "best_estimator_", model)
    head, tail = _cut_after_features(model)
    features = X if head is None else head.transform(X)
    if isinstance(tail[-1] if isinstance(tail, Pipeline) else tail, CnnClassifier):
        return _most_probable(tail.predict_proba(features), np.asarray(model.classes_))
    unreadable = _nan_rows(features, len(X))
    readable = ~unreadable
    labels = np.full(len(unreadable), None, dtype=object)
    classes = np.asarray(model.classes_)

    output_of = next((m for m in ("predict_proba", "decision_function") if hasattr(tail, m)), None)
    if not readable.any():
        nothing = np.full((len(unreadable), len(classes)), np.nan)
        probabilities = nothing if output_of == "predict_proba" else None
        return Classification(labels, probabilities, None, unreadable, classes)

    if unreadable.any():
        features = features[readable]
    labels[readable] = np.asarray(tail.predict(features)).astype(object)
    output = None
    if output_of is not None:
        output = _with_nan_rows(np.asarray(getattr(tail, output_of)(features)), readable)
    has_probabilities = output_of == "predict_proba"
    return Classification(
        labels,
        probabilities=output if has_probabilities else None,
        scores=None if has_probabilities else output,
        unreadable=unreadable,
        classes=classes,
    )


def _most_probable(probabilities: np.ndarray, classes: np.ndarray) -> Classification:
    """Label images by their probabilities, which a network need not compute twice."""
    unreadable = np.isnan(probabilities).all(axis=1)
    labels = np.full(len(unreadable), None, dtype=object)
    labels[~unreadable] = classes[probabilities[~unreadable].argmax(axis=1)]
    return Classification(labels, probabilities, None, unreadable, classes)


def _cut_after_features(model: Any) -> tuple[Pipeline | None, Any]:
    """Return the part of a pipeline that reads pixels (None if there is none) and the rest."""
    if not isinstance(model, Pipeline):
        return None, model
    names = [name for name, _ in model.steps]
    cut = names.index("features") + 1 if "features" in names else len(names) - 1
    return (model[:cut], model[cut:]) if cut else (None, model)


def _nan_rows(features: Any, n_rows: int) -> np.ndarray:
    """Return which rows are NaN throughout; what is no float matrix or frame has none."""
    values = features.to_numpy() if hasattr(features, "to_numpy") else features
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind == "f":
        return np.asarray(np.isnan(values).all(axis=1))
    return np.zeros(n_rows, dtype=bool)


def _with_nan_rows(values: np.ndarray, readable: np.ndarray) -> np.ndarray:
    if readable.all():
        return values
    aligned = np.full((len(readable), *values.shape[1:]), np.nan, dtype=values.dtype)
    aligned[readable] = values
    return aligned
