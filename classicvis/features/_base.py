"""What every extractor has in common: images in, one float32 row per image out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import Chunk, Images, ImageSequence, as_images, stream, take_images


class ImageExtractor(TransformerMixin, BaseEstimator):
    """Base class of extractors: scikit-learn transformers from images to features.

    A subclass assigns its parameters in ``__init__`` and writes three methods: `_check_params`,
    `_n_features` (the length of a row) and `_extract` (the rows of some decoded images). One that
    learns from images also writes `_learn`.

    Attributes
    ----------
    n_features_out_ : int
        The length of a row of features.
    image_shape_ : tuple of int
        The shape of the first image that `fit` saw. With `fixed_size` all images must have it.
    """

    version: ClassVar[int] = 1
    """Grows whenever a value of the features changes: saved models depend on it."""
    reference: ClassVar[str] = ""
    """Whose numbers these are, and how closely."""
    fixed_size: ClassVar[bool] = False
    """Whether all images must have the same height and width."""

    n_jobs: int | None

    @property
    def best_size(self) -> tuple[int, int] | int | None:
        """The height and width, or the longest side, to which images are best resized."""
        return None

    @property
    def scaled(self) -> bool:
        """Whether rows come in the scale that suits classifiers: pipelines add no scaler then."""
        return False

    @property
    def learns(self) -> bool:
        """Whether features depend on the images of `fit`: such an extractor is fitted per fold."""
        return type(self)._learn is not ImageExtractor._learn

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters, and learn from the images what there is to learn.

        Parameters
        ----------
        X : images
            Anything that `as_images` accepts.
        y : ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self
        """
        self._check_params()
        images = as_images(X)
        self.image_shape_ = _first_image(images).shape
        self._learn(images)
        self.n_features_out_ = self._n_features(self.image_shape_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of images.

        Parameters
        ----------
        X : images
            Anything that `as_images` accepts.

        Returns
        -------
        ndarray of shape (n_images, n_features_out_), float32
            C-contiguous; row i from image i. Rows of unreadable images are NaN where the error
            policy of `X` is not "raise".
        """
        return self._transform(X)

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return the features of the same images; see `fit` and `transform`.

        Raises
        ------
        ImageError
            If images are unreadable, whatever the error policy: no learner can be fitted on a
            row that is missing, and only the caller can leave out its target as well.
        """
        return without_missing_rows(self.fit(X, y)._transform(X))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features: the class name in lower case and a number."""
        check_is_fitted(self, "n_features_out_")
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{i}" for i in range(self.n_features_out_)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Declare images as input, and rows of float32 as output."""
        tags = take_images(super().__sklearn_tags__())
        tags.transformer_tags.preserves_dtype = []
        return tags

    @abstractmethod
    def _check_params(self) -> None:
        """Raise ParameterError for unusable parameters."""

    @abstractmethod
    def _n_features(self, shape: tuple[int, ...]) -> int:
        """Return the length of a row for images of a shape; ImageError if they do not fit."""

    @abstractmethod
    def _extract(self, images: Images) -> np.ndarray:
        """Return the rows of decoded images: float32 of shape (len(images), n_features_out_).

        The images are a list, or one array (n, h, w[, 3]).
        """

    def _learn(self, images: ImageSequence) -> None:
        """Learn from images; most extractors have nothing to learn."""

    def _transform(self, X: Any) -> np.ndarray:
        """Return what `transform` does, whatever `set_output` makes of that."""
        check_is_fitted(self, "n_features_out_")
        return extract(as_images(X), self._rows, self.n_features_out_, self.n_jobs)

    def _rows(self, images: Images) -> np.ndarray:
        self._check_sizes(images)
        return self._extract(images)

    def _check_sizes(self, images: Images) -> None:
        """Raise ImageError for an image whose size is not that of `fit`, where it has to be."""
        if self.fixed_size:
            for image in images[:1] if isinstance(images, np.ndarray) else images:
                if image.shape[:2] != self.image_shape_[:2]:
                    raise ImageError(
                        f"{type(self).__name__}: found an image of {_size(image.shape)} pixels, "
                        f"expected {_size(self.image_shape_)} as in fit; resize the images first, "
                        "for example with image_size=... in build_pipeline."
                    )


def extract(
    images: ImageSequence,
    rows: Callable[[Images], np.ndarray],
    n_features: int,
    n_jobs: int | None,
) -> np.ndarray:
    """Return the features of a sequence, worked in chunks; unreadable images give rows of NaN."""
    out = np.empty((len(images), n_features), dtype=np.float32)
    start = 0
    for block in stream(images, _ChunkRows(rows, n_features), n_jobs):
        out[start : start + len(block)] = block
        start += len(block)
    return out


def without_missing_rows(rows: np.ndarray) -> np.ndarray:
    """Return the rows, or raise ImageError if some are missing (all NaN)."""
    n_missing = int(np.isnan(rows[:, :1]).sum())
    if n_missing:
        raise ImageError(
            f"{n_missing} of {len(rows)} images cannot be read, expected all of them to learn "
            "from; leave them out, for example with load_image_folder(..., on_error='skip')."
        )
    return rows


class _ChunkRows:
    """The features of one chunk; a class, because processes need to pickle it."""

    def __init__(self, rows: Callable[[Images], np.ndarray], n_features: int) -> None:
        self.rows = rows
        self.n_features = n_features

    def __call__(self, chunk: Chunk) -> np.ndarray:
        if len(chunk.images) == chunk.size:
            return self.rows(chunk.images)
        block = np.full((chunk.size, self.n_features), np.nan, dtype=np.float32)
        if chunk.positions:
            block[chunk.positions] = self.rows(chunk.images)
        return block


def _first_image(images: ImageSequence) -> np.ndarray:
    if len(images) == 0:
        raise ImageError("found no image, expected at least one.")
    for i in range(len(images)):
        try:
            return images[i]
        except ImageError:
            if images.on_error == "raise":
                raise
    raise ImageError(f"none of the {len(images)} images can be read, expected at least one.")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]}"


def rows_by_shape(
    images: Images, n_features: int, batch: Callable[[np.ndarray, np.ndarray], None]
) -> np.ndarray:
    """Return the features of decoded images by a kernel that takes images of one shape.

    Parameters
    ----------
    images : list of ndarray, or ndarray of shape (n, h, w[, 3])
        The images.
    n_features : int
        The length of a row.
    batch : callable
        Takes a stack (k, h, w[, c]) and a C-contiguous float32 array (k, n_features) to fill.

    Returns
    -------
    ndarray of shape (len(images), n_features), float32
    """
    out = np.empty((len(images), n_features), dtype=np.float32)
    if isinstance(images, np.ndarray):
        batch(images, out)
        return out
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, image in enumerate(images):
        groups.setdefault(image.shape, []).append(i)
    for rows in groups.values():
        part = out if len(groups) == 1 else np.empty((len(rows), n_features), dtype=np.float32)
        batch(np.stack([images[i] for i in rows]), part)
        if part is not out:
            out[rows] = part
    return out


def check_choice(name: str, value: object, choices: tuple[Any, ...]) -> None:
    """Raise ParameterError unless `value` is one of `choices`."""
    if value not in choices:
        raise ParameterError(f"{name}={value!r}: expected one of {', '.join(map(str, choices))}.")


def check_positive(name: str, value: Any, *, kind: type = int) -> None:
    """Raise ParameterError unless `value` is a positive number of the kind."""
    numbers = (int, np.integer) if kind is int else (int, float, np.integer, np.floating)
    if not isinstance(value, numbers) or isinstance(value, bool) or not value > 0:
        what = "integer" if kind is int else "number"
        raise ParameterError(f"{name}={value!r}: expected a positive {what}.")


def check_pair(name: str, value: Any, length: int = 2) -> None:
    """Raise ParameterError unless `value` holds `length` positive integers."""
    if not isinstance(value, tuple | list) or len(value) != length:
        raise ParameterError(f"{name}={value!r}: expected {length} positive integers.")
    for item in value:
        check_positive(name, item)
