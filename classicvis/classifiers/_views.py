"""Predictions averaged over several views of each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from classicvis.classifiers._outputs import most_likely, output_method, output_of
from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.images import RelativeCrop, Step, Warp, as_images, take_images

VIEWS: dict[str, tuple[Step, ...]] = {
    "flip": (Warp(mirror=True),),
    "crops": tuple(
        RelativeCrop(row, col) for row, col in ((0, 0), (0, 1), (0.5, 0.5), (1, 0), (1, 1))
    ),
}
"""Views by name, beside the image as it is: its mirror image; its corners and its middle."""


def _has(method: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "estimator_", self.estimator), method))


class AveragedViewsClassifier(ClassifierMixin, BaseEstimator):
    """Ask a classifier about each image and about changed views of it, and average the answers.

    Test-time augmentation, for any classifier of images, networks included: probabilities or
    margins are averaged, and labels follow from them. It costs one prediction for each view.

    Parameters
    ----------
    estimator : classifier of images
        A pipeline of `build_pipeline`, an `EnsembleClassifier`, ... One that is fitted already
        predicts at once; `fit` trains a clone.
    views : {"flip", "crops"} or sequence of callables, default="flip"
        The views beside the image as it is: its mirror image; four corners and the middle, 7/8 of
        its height and width; or any steps that take and return one uint8 image. They see images
        before the pipeline does, in their own sizes.

    Attributes
    ----------
    estimator_ : classifier
        Fitted by `fit`.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    Examples
    --------
    >>> from classicvis import AveragedViewsClassifier, build_pipeline
    >>> model = AveragedViewsClassifier(build_pipeline("fisher", "linear_svm"), views="flip")
    """

    takes_images: ClassVar[bool] = True
    """Whether it learns from images, and not from features."""

    def __init__(self, estimator: Any, views: str | Sequence[Step] = "flip") -> None:
        self.estimator = estimator
        self.views = views

    def fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Fit a clone of the classifier to the images as they are.

        Parameters
        ----------
        X : images
            Anything that the classifier accepts.
        y : array-like of shape (n_images,)
            Labels.
        **params
            Given to its `fit`.

        Returns
        -------
        AveragedViewsClassifier
            Itself.

        Raises
        ------
        ParameterError
            For unknown views, or a classifier with neither probabilities nor margins.
        """
        self._steps()
        if output_method(self.estimator) is None:
            raise ParameterError(
                f"{type(self.estimator).__name__} has neither predict_proba nor decision_function, "
                "and labels cannot be averaged; take a classifier that has one of them."
            )
        self.estimator_ = clone(self.estimator).fit(X, y, **params)
        return self

    @_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the mean probabilities of the classes over all views: (n_images, n_classes).

        Rows of unreadable images are NaN where the error policy is not "raise".
        """
        return self._mean(X, "predict_proba")

    @_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the mean margins over all views, NaN for unreadable images that are marked."""
        return self._mean(X, "decision_function")

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of the largest mean probabilities, or margins: (n_images,).

        Raises
        ------
        ImageError
            If an image cannot be read, whatever the error policy.
        """
        values = self._mean(X, str(output_method(self)))
        n_missing = int(np.isnan(values if values.ndim == 1 else values[:, 0]).sum())
        if n_missing:
            raise ImageError(
                f"{n_missing} of {len(values)} images cannot be read, expected all of them for "
                "labels; use classicvis.classify."
            )
        return self.classes_[most_likely(values)]

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        return np.asarray(self._fitted().classes_)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there is a fitted classifier, given or own."""
        try:
            check_is_fitted(getattr(self, "estimator_", self.estimator))
        except ValueError:  # scikit-learn's NotFittedError is one
            return False
        return True

    def __sklearn_tags__(self) -> Any:
        """Declare images as input."""
        return take_images(super().__sklearn_tags__())

    def _fitted(self) -> Any:
        check_is_fitted(self)
        return getattr(self, "estimator_", self.estimator)

    def _mean(self, X: Any, method: str) -> np.ndarray:
        model, images = self._fitted(), as_images(X)
        total = output_of(model, images, method)
        steps = self._steps()
        for step in steps:
            total = total + output_of(model, images.map(step), method)
        return total / (1 + len(steps))

    def _steps(self) -> Sequence[Step]:
        if isinstance(self.views, str):
            if self.views not in VIEWS:
                raise unknown_name("views", self.views, VIEWS)
            return VIEWS[self.views]
        if callable(self.views) or not all(callable(view) for view in self.views):
            raise ParameterError(
                f"views={self.views!r}: expected 'flip', 'crops' or a sequence of steps such as "
                "[Warp(mirror=True)]."
            )
        return self.views
