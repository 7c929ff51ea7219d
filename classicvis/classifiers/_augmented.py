"""Learning from changed copies of the training images as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from classicvis.exceptions import ParameterError
from classicvis.images import Step


class AugmentedClassifier(ClassifierMixin, BaseEstimator):
    """Fit a pipeline to images and to changed copies of them.

    A change that keeps the label (a shift by a pixel, a small turn) is told to the classifier by
    examples. The copies are made after the step "images", one change at a time, and only their
    features are kept.

    Parameters
    ----------
    pipeline : Pipeline
        From `build_pipeline`.
    changes : sequence of callables
        Each takes an image of the size that the step "images" gives and returns a changed one of
        that size, such as ``Warp(rows=1)``; each adds a copy of the images.
    support_only : bool, default=True
        Copy the support vectors only ("virtual support vectors" [1]_), which takes a first fit of
        the classifier without copies, and leave the other images out of the second one. False
        copies all images, which any classifier allows.

    Attributes
    ----------
    pipeline_ : Pipeline
        Fitted; all that is needed for predictions, and what to save.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    Notes
    -----
    Extractors, scalers and reducers learn from the images without copies.

    References
    ----------
    .. [1] D. DeCoste, B. Schoelkopf, "Training invariant support vector machines", Machine
       Learning 46, 2002, DOI 10.1023/A:1012454411458
    """

    def __init__(
        self, pipeline: Pipeline, changes: Sequence[Step], *, support_only: bool = True
    ) -> None:
        self.pipeline = pipeline
        self.changes = changes
        self.support_only = support_only

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the pipeline to images and their copies.

        Parameters
        ----------
        X : images
            Anything that the pipeline accepts.
        y : array-like of shape (n_images,)
            Labels.

        Returns
        -------
        AugmentedClassifier
            Itself.

        Raises
        ------
        ParameterError
            If the pipeline has no step "images", or its classifier no support vectors where they
            are asked for.
        """
        y = np.asarray(y)
        model = clone(self.pipeline)
        if not isinstance(model, Pipeline) or "images" not in model.named_steps:
            raise ParameterError(
                "AugmentedClassifier needs a pipeline with a step 'images'; use build_pipeline."
            )
        images = model["images"].fit_transform(X)
        front, classifier = model[1:-1], model[-1]
        rows = front.fit_transform(images, y)
        if self.support_only:
            chosen = _support_vectors(classifier.fit(rows, y))
            images, rows, y = images[chosen], rows[chosen], y[chosen]
        copies = [front.transform(images.map(change)) for change in self.changes]
        classifier.fit(np.concatenate([rows, *copies]), np.tile(y, 1 + len(copies)))
        self.pipeline_ = model
        self.classes_ = classifier.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of images: (n_images,)."""
        check_is_fitted(self)
        return self.pipeline_.predict(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the margins of images, as the classifier of the pipeline defines them."""
        check_is_fitted(self)
        return self.pipeline_.decision_function(X)


def _support_vectors(classifier: Any) -> np.ndarray:
    if not hasattr(classifier, "support_"):
        raise ParameterError(
            f"support_only=True: {type(classifier).__name__} has no support vectors; use the "
            "classifier 'svm', or support_only=False."
        )
    return np.sort(classifier.support_)
