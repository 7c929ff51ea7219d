"""Several extractors side by side, every image decoded once."""

from __future__ import annotations

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

    def _rows(self, images: Images) -> np.ndarray:
        weights = self.transformer_weights or {}
        blocks = []
        for name, extractor in self.transformer_list:
            block = extractor._rows(images)
            # Blocks of unit length: a long one does not drown a short one.
            norms = np.linalg.norm(block, axis=1, keepdims=True)
            blocks.append(block * (weights.get(name, 1) / np.maximum(norms, _TINY)))
        return np.hstack(blocks, dtype=np.float32)
