"""Labels and confidences of images in one pass over the pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classicvis.classifiers import (
    cut_after_features,
    marks_unreadable,
    most_likely,
    nan_rows,
    output_method,
    unwrapped,
    with_nan_rows,
)


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
    model = unwrapped(model)
    classes = np.asarray(model.classes_)
    head, tail = cut_after_features(model)
    features = X if head is None else head.transform(X)
    output_of = output_method(tail)
    if marks_unreadable(tail):
        return _most_likely(str(output_of), getattr(tail, str(output_of))(features), classes)
    unreadable = nan_rows(features, len(X))
    readable = ~unreadable
    labels = np.full(len(unreadable), None, dtype=object)
    if not readable.any():
        nothing = np.full((len(unreadable), len(classes)), np.nan)
        probabilities = nothing if output_of == "predict_proba" else None
        return Classification(labels, probabilities, None, unreadable, classes)

    if unreadable.any():
        features = features[readable]
    labels[readable] = np.asarray(tail.predict(features)).astype(object)
    output = None
    if output_of is not None:
        output = with_nan_rows(np.asarray(getattr(tail, output_of)(features)), readable)
        unreadable = np.isnan(output if output.ndim == 1 else output[:, 0])
        labels[unreadable] = None  # those that a network inside the model could not read, too
    has_probabilities = output_of == "predict_proba"
    return Classification(
        labels,
        probabilities=output if has_probabilities else None,
        scores=None if has_probabilities else output,
        unreadable=unreadable,
        classes=classes,
    )


def _most_likely(method: str, values: np.ndarray, classes: np.ndarray) -> Classification:
    """Label images by probabilities or margins, which need not be computed twice."""
    unreadable = np.isnan(values if values.ndim == 1 else values[:, 0])
    labels = np.full(len(unreadable), None, dtype=object)
    labels[~unreadable] = classes[most_likely(values[~unreadable])]
    is_probability = method == "predict_proba"
    return Classification(
        labels,
        probabilities=values if is_probability else None,
        scores=None if is_probability else values,
        unreadable=unreadable,
        classes=classes,
    )
