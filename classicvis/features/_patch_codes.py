"""Images to pooled codes: the responses of patches to words, never more of them than a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from classicvis.kernels.patches import (
    normalized_patches,
    patch_grid,
    pool_soft_threshold,
    pool_triangle,
)

ENCODINGS = ("soft_threshold", "triangle")
CONTRAST_REGULARIZATION = 10.0  # grey values squared, as Coates et al. have it
_BLOCK_VALUES = 1 << 18  # responses worked on at a time: 1 MB stay in the L2 cache


class PatchVocabulary(NamedTuple):
    """The words for patches of one size, and what turns patches into what words are made of.

    Attributes
    ----------
    patch_size, stride : int
        Side of a patch, and pixels between neighbouring patches.
    mean : ndarray of shape (n_values,), float32
        The mean of normalised patches.
    whitening : ndarray of shape (n_values, n_kept), float32
        What whitens them, and leaves out directions in which they hardly differ.
    words : ndarray of shape (n_words, n_kept), float32
        The dictionary.
    """

    patch_size: int
    stride: int
    mean: np.ndarray
    whitening: np.ndarray
    words: np.ndarray

    def patches(self, image: np.ndarray) -> np.ndarray:
        """Return the whitened patches of an image: float32 (n_patches, n_kept)."""
        patches = raw_patches(image, self.patch_size, self.stride)
        patches -= self.mean
        return patches @ self.whitening


def raw_patches(image: np.ndarray, patch_size: int, stride: int) -> np.ndarray:
    """Return the patches of an image, each normalised for brightness and contrast."""
    rows, cols = patch_grid(image.shape[:2], patch_size, stride)
    n_channels = image.shape[2] if image.ndim == 3 else 1
    out = np.empty((rows * cols, patch_size * patch_size * n_channels), dtype=np.float32)
    normalized_patches(image, patch_size, stride, CONTRAST_REGULARIZATION, out)
    return out


class PatchEncoder(NamedTuple):
    """How responses of patches to words become the codes of an image.

    Attributes
    ----------
    encoding : {"soft_threshold", "triangle"}
        The rule.
    threshold : float
        That of "soft_threshold".
    grid : (int, int)
        Rows and columns of cells, which share out the patches evenly.
    flip : bool
        Average over the image and its mirror image.
    """

    encoding: str
    threshold: float
    grid: tuple[int, int]
    flip: bool

    @property
    def n_cells(self) -> int:
        """The number of cells."""
        return self.grid[0] * self.grid[1]

    def n_codes(self, vocabularies: Sequence[PatchVocabulary]) -> int:
        """Return the number of codes per cell: both signs of a soft threshold count."""
        n_words = sum(len(vocabulary.words) for vocabulary in vocabularies)
        return 2 * n_words if self.encoding == "soft_threshold" else n_words

    def codes(self, image: np.ndarray, vocabularies: Sequence[PatchVocabulary]) -> np.ndarray:
        """Return the mean codes of the patches in each cell.

        Parameters
        ----------
        image : ndarray of uint8, shape (h, w) or (h, w, c)
            The image.
        vocabularies : sequence of PatchVocabulary
            The words of each size of patches.

        Returns
        -------
        ndarray of shape (n_cells, n_codes(vocabularies)), float32
            A cell without patches, in images with fewer of them than the grid, has zeros.
        """
        views = (image, image[:, ::-1]) if self.flip else (image,)
        parts = [sum(self._codes(view, part) for view in views) for part in vocabularies]
        return np.concatenate(parts, axis=1) / np.float32(len(views))

    def _codes(self, image: np.ndarray, vocabulary: PatchVocabulary) -> np.ndarray:
        patches, words = vocabulary.patches(image), vocabulary.words
        n_patches = patch_grid(image.shape[:2], vocabulary.patch_size, vocabulary.stride)
        cells = _cells(n_patches, self.grid)
        is_triangle = self.encoding == "triangle"
        squares = (words**2).sum(axis=1) if is_triangle else np.empty(0, np.float32)
        out = np.zeros((self.n_cells, self.n_codes([vocabulary])), dtype=np.float32)
        step = min(len(patches), max(1, _BLOCK_VALUES // len(words)))
        responses = np.empty((step, len(words)), dtype=np.float32)
        for start in range(0, len(patches), step):
            block, places = patches[start : start + step], cells[start : start + step]
            products = np.matmul(block, words.T, out=responses[: len(block)])
            if is_triangle:
                pool_triangle(products, (block**2).sum(axis=1), squares, places, out)
            else:
                pool_soft_threshold(products, places, self.threshold, out)
        counts = np.bincount(cells, minlength=self.n_cells).astype(np.float32)
        return out / np.maximum(counts, 1)[:, None]


def _cells(n_patches: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Return the number of the cell of each patch: cells share out rows and columns evenly."""
    row, col = (np.arange(n) * k // n for n, k in zip(n_patches, grid, strict=True))
    return (row[:, None] * grid[1] + col).ravel()
