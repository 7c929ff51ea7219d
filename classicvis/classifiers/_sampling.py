"""Over- and undersampling of classes, in fit only: imbalanced-learn, imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from classicvis.exceptions import MissingDependencyError, ParameterError, unknown_name
from classicvis.images import as_images

_NAMES = {
    "over": ("over_sampling", "RandomOverSampler"),
    "under": ("under_sampling", "RandomUnderSampler"),
    "smote": ("over_sampling", "SMOTE"),
}
_OF_NUMBERS = ("over", "under")  # draw images by their labels, whatever the images show


class ImageSampler(BaseEstimator):
    """Repeat or leave out images at random, for classifiers that take images and not features.

    Parameters
    ----------
    sampler : imblearn.over_sampling.RandomOverSampler or imblearn.under_sampling.RandomUnderSampler
        Sees the numbers of the images.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_drawn,)
        The numbers of the images that were drawn.
    """

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        """Return the images that were drawn, still to be decoded, and their labels.

        Parameters
        ----------
        X : images
            Anything that `as_images` accepts.
        y : array-like of shape (n_images,)
            Labels.

        Returns
        -------
        images, labels
            An ImageSequence, and ndarray of shape (n_drawn,).
        """
        images, y = as_images(X), np.asarray(y)
        sampler = clone(self.sampler)
        sampler.fit_resample(np.arange(len(images))[:, None], y)
        self.sample_indices_ = np.asarray(sampler.sample_indices_)
        return images[self.sample_indices_], y[self.sample_indices_]


def make_sampler(spec: Any, of_images: bool) -> Any:
    """Return the sampler that a name or an object stands for.

    Parameters
    ----------
    spec : {"over", "under", "smote"} or sampler of imbalanced-learn
        An object is cloned.
    of_images : bool
        Whether it draws images, not rows of features.

    Raises
    ------
    ParameterError
        For an unknown name, an object that is no sampler, or one that computes with features
        where there are none.
    MissingDependencyError
        If a name is given and imbalanced-learn is not installed.
    """
    if isinstance(spec, str):
        if spec not in _NAMES:
            raise unknown_name("sampler", spec, _NAMES)
        module, name = _NAMES[spec]
        sampler = getattr(_imblearn(module), name)()
    elif isinstance(spec, type) or not hasattr(spec, "fit_resample"):
        raise ParameterError(
            f"sampler={spec!r}: expected 'over', 'under', 'smote' or a sampler of "
            "imbalanced-learn such as RandomOverSampler()."
        )
    else:
        sampler = clone(spec)
    if not of_images or isinstance(sampler, ImageSampler):
        return sampler
    drawers = tuple(getattr(_imblearn(_NAMES[n][0]), _NAMES[n][1]) for n in _OF_NUMBERS)
    if not isinstance(sampler, drawers):
        raise ParameterError(
            f"sampler={spec!r} computes with features, and the classifier learns from images; use "
            "'over' or 'under', which draw images at random."
        )
    return ImageSampler(sampler)


def sampling_pipeline(steps: list[tuple[str, Any]], memory: Any) -> Pipeline:
    """Return imbalanced-learn's Pipeline, a subclass of the usual one that can hold a sampler."""
    return _imblearn("pipeline").Pipeline(steps, memory=memory)


def _imblearn(module: str) -> Any:
    try:
        return import_module(f"imblearn.{module}")
    except ImportError as error:
        raise MissingDependencyError(
            "samplers need imbalanced-learn, which is not installed; run "
            "`pip install 'classicvis[imbalance]'`."
        ) from error
