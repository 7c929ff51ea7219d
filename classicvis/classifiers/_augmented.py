"""Learning from changed copies of the training images as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from classicvis.backbones._augmentation import make_augmentation
from classicvis.classifiers._outputs import first_sampler
from classicvis.classifiers._random_change import RandomChange
from classicvis.exceptions import ParameterError
from classicvis.images import Step, take_images


def _has(method: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "pipeline_", self.pipeline), method))


class AugmentedClassifier(ClassifierMixin, BaseEstimator):
    """Fit a pipeline to images and to changed copies of them.

    A change that keeps the label (a shift by a pixel, a small turn, other light) is told to the
    classifier by examples. The copies are made inside `fit`, after the step "images", one change
    at a time, and only their features are kept: what is held out for a score is never copied.

    Parameters
    ----------
    pipeline : Pipeline
        From `build_pipeline`, with features.
    changes : sequence of callables, default=()
        Each takes an image of the size that the step "images" gives and returns a changed one of
        that size, such as ``Warp(rows=1)``; each adds a copy of the images.
    augment : {"mild", "photo", "crop"}, mapping or None, default=None
        Random changes, by the names and keys ("rotation", "scale", "shift", "flip", "color") of
        `CnnClassifier`, such as ``{"rotation": 10, "flip": True}``.
    n_copies : int, default=4
        Copies of each image by `augment`, each changed anew.
    support_only : bool or "auto", default="auto"
        Copy the support vectors only ("virtual support vectors" [1]_), which takes a first fit of
        the classifier without copies, and leave the other images out of the second one. False
        copies all images, which any classifier allows. "auto" is True for scikit-learn's `SVC` and
        `NuSVC` without a sampler.
    random_state : int, RandomState or None, default=0
        Seeds `augment`. The change of an image depends on the seed, its number in the sequence
        that it was taken from, and the number of the copy: on no fold, and on no ``n_jobs``.

    Attributes
    ----------
    pipeline_ : Pipeline
        Fitted; all that is needed for predictions, and what to save.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    Notes
    -----
    Extractors, scalers and reducers learn from the images without copies. A sampler of classes
    sees the copies. Networks that learn from images change them by a parameter of their own.

    References
    ----------
    .. [1] D. DeCoste, B. Schoelkopf, "Training invariant support vector machines", Machine
       Learning 46, 2002, DOI 10.1023/A:1012454411458
    """

    def __init__(
        self,
        pipeline: Pipeline,
        changes: Sequence[Step] = (),
        *,
        augment: str | Mapping[str, Any] | None = None,
        n_copies: int = 4,
        support_only: bool | Literal["auto"] = "auto",
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.pipeline = pipeline
        self.changes = changes
        self.augment = augment
        self.n_copies = n_copies
        self.support_only = support_only
        self.random_state = random_state

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
            If the pipeline has no steps "images" and of features, if its classifier has no support
            vectors where they are asked for, or if a parameter is out of its range.
        """
        y = np.asarray(y)
        model = clone(self.pipeline)
        _check_pipeline(model)
        changes = [*self.changes, *self._random_changes(model)]
        place = first_sampler(model)
        front, last = model[1:place], model[place:]
        support_only = self.support_only
        if support_only == "auto":
            support_only = isinstance(model[-1], SVC | NuSVC) and len(last) == 1
        images = model["images"].fit_transform(X)
        rows = front.fit_transform(images, y)
        if support_only:
            chosen = _support_vectors(last, rows, y)
            images, rows, y = images[chosen], rows[chosen], y[chosen]
        copies = [front.transform(images.map(change)) for change in changes]
        last.fit(np.concatenate([rows, *copies]), np.tile(y, 1 + len(copies)))
        self.pipeline_ = model
        self.classes_ = model.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of images: (n_images,)."""
        check_is_fitted(self)
        return self.pipeline_.predict(X)

    @_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, where the classifier of the pipeline has them.

        Parameters
        ----------
        X : images
            Anything that the pipeline accepts.

        Returns
        -------
        ndarray of shape (n_images, n_classes)
            As the classifier of the pipeline gives them.
        """
        check_is_fitted(self)
        return self.pipeline_.predict_proba(X)

    @_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the margins of images, as the classifier of the pipeline defines them."""
        check_is_fitted(self)
        return self.pipeline_.decision_function(X)

    def __sklearn_tags__(self) -> Any:
        """Declare images as input."""
        return take_images(super().__sklearn_tags__())

    def _random_changes(self, model: Pipeline) -> list[RandomChange]:
        augmentation = make_augmentation(self.augment)
        if augmentation is None:
            return []
        if not isinstance(self.n_copies, Integral) or isinstance(self.n_copies, bool):
            raise ParameterError(f"n_copies={self.n_copies!r}: expected a positive whole number.")
        if self.n_copies < 1:
            raise ParameterError(
                f"n_copies={self.n_copies}: expected at least 1; use augment=None for no copies."
            )
        space = getattr(model["images"], "color", "rgb")
        if augmentation.color and space in ("hsv", "lab"):
            raise ParameterError(
                f"augment={self.augment!r} changes the colours of RGB and grey images, and those "
                f"of the step 'images' are {space}; leave 'color' out."
            )
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return [RandomChange(augmentation, seed, copy) for copy in range(self.n_copies)]


def _check_pipeline(model: Any) -> None:
    if not isinstance(model, Pipeline) or "images" not in model.named_steps:
        raise ParameterError(
            "AugmentedClassifier needs a pipeline with a step 'images'; use build_pipeline."
        )
    if first_sampler(model) < 2:
        raise ParameterError(
            f"{type(model[-1]).__name__} takes images, and copies are made of features; a "
            "CnnClassifier changes images by its own parameter augment."
        )


def _support_vectors(last: Pipeline, rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    if len(last) > 1:
        raise ParameterError(
            "support_only=True: with a sampler, support vectors are no images that were given; "
            "use support_only=False."
        )
    classifier = last[-1].fit(rows, y)
    if not hasattr(classifier, "support_"):
        raise ParameterError(
            f"support_only=True: {type(classifier).__name__} has no support vectors; use the "
            "classifier 'svm', or support_only=False."
        )
    return np.sort(classifier.support_)
