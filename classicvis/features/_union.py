"""Several extractors side by side, every image decoded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from classicvis.exceptions import ParameterError
from classicvis.features._base import ImageExtractor, extract, without_missing_rows
from classicvis.images import Images, as_images

_TINY = np.finfo(np.float32).tiny


class ExtractorUnion(FeatureUnion):
    """Concatenate the features of several extractors, each scaled to rows of unit length.

    A `sklearn.pipeline.FeatureUnion` of image extractors, with its parameters and names, that
    decodes and preprocesses every image once instead of once per extractor.

    Parameters
    ----------
    transformer_list : list of (str, ImageExtractor)
        Names and extractors; ``set_params(hog__orientations=12)`` reaches them.
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.
    transformer_weights : dict of str to float, default=None
        Factors of the blocks; a block that is not named has 1.
    """

    version: ClassVar[int] = 1
    """Of how blocks are scaled and joined; see `ImageExtractor.version`."""

    def __init__(
        self,
        transformer_list: list[tuple[str, Any]],
        *,
        n_jobs: int | None = None,
        transformer_weights: dict[str, float] | None = None,
    ) -> None:
        super().__init__(transformer_list, n_jobs=n_jobs, transformer_weights=transformer_weights)

    @property
    def learns(self) -> bool:
        """Whether any of the extractors learns from images."""
        return any(extractor.learns for _, extractor in self.transformer_list)

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Fit every extractor; images are as in `ImageExtractor.fit`."""
        images = as_images(X)
        self._validate_transformer_weights()
        for name, extractor in self.transformer_list:
            if not isinstance(extractor, ImageExtractor):
                raise ParameterError(
                    f"{name}: found {type(extractor).__name__} among several extractors, expected "
                    "an ImageExtractor; join other transformers by sklearn.pipeline.FeatureUnion."
                )
            extractor.fit(images, y)
        self.n_features_out_ = sum(e.n_features_out_ for _, e in self.transformer_list)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Fit every extractor and return the features."""
        return without_missing_rows(self.fit(X, y)._transform(X))

    def transform(self, X: Any, **params: Any) -> np.ndarray:
        """Return the concatenated features: float32 of shape (n_images, n_features_out_)."""
        return self._transform(X)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether `fit` was called."""
        return hasattr(self, "n_features_out_")

    def _transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "n_features_out_")
        return extract(as_images(X), self._rows, self.n_features_out_, self.n_jobs)

    def weights(self) -> list[float]:
        """Return the factor of each extractor, in their order."""
        weights = self.transformer_weights or {}
        return [weights.get(name, 1.0) for name, _ in self.transformer_list]

    def _rows(self, images: Images) -> np.ndarray:
        blocks = [extractor._rows(images) for _, extractor in self.transformer_list]
        return joined(blocks, self.weights())


def joined(blocks: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Lay rows side by side, each block at unit length times its weight.

    Parameters
    ----------
    blocks : sequence of ndarray of shape (n, n_features), float32
        Rows of the same images by several extractors.
    weights : sequence of float
        One for each block.

    Returns
    -------
    ndarray of shape (n, sum of n_features), float32
        A long block does not drown a short one.
    """
    scaled = []
    for block, weight in zip(blocks, weights, strict=True):
        norms = np.linalg.norm(block, axis=1, keepdims=True)
        scaled.append(block * (weight / np.maximum(norms, _TINY)))
    return np.hstack(scaled, dtype=np.float32)
