"""Vectors of locally aggregated descriptors: how descriptors lie about their nearest words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from classicvis.features._base import check_choice
from classicvis.features._layout import Layout
from classicvis.features._local import NORMALIZATIONS, Floats, LocalEncoder, normalize_regions
from classicvis.features._words import half_squares, learn_words
from classicvis.kernels.assignment import nearest_words


class Vlad(LocalEncoder):
    """Sums of the differences between descriptors and their nearest visual words.

    For each word of a learnt vocabulary, the differences of the descriptors that are nearest to it
    are added up [1]_; the sums of all words, normalised, are the code of a region of the image.

    Parameters
    ----------
    n_words : int, default=256
        Size of the vocabulary.
    normalization : {"intra", "power"}, default="intra"
        What keeps a few words from drowning the others in a region: unit length for the sums of
        each word [3]_, or signed square roots of all values [2]_. The region then gets unit length.
    descriptor : {"dense_sift", "sift"}, default="dense_sift"
        Descriptors on a regular grid, or at the keypoints that SIFT detects.
    step : float, default=4
        Pixels between descriptors of the grid.
    bin_size : float or sequence of float, default=(4, 6, 8, 12, 16, 24)
        Pixels of a spatial bin of the grid's descriptors, at least 1; 4 x 4 bins make one. Several
        sizes give a grid each, with words in common.
    color : {"gray", "rgb", "opponent"}, default="gray"
        Describe the grey image; or several channels, their descriptors side by side: red, green
        and blue, or intensity and two opponent colours. "sift" takes "gray" only.
    min_norm : float, default=0.005
        Leave out descriptors of the grid whose norm before normalisation is above this in no
        channel, with intensities in [0, 1] (`functional.dense_sift`); 0 leaves out flat patches.
    root : bool, default=True
        Compare descriptors by the Hellinger kernel (RootSIFT).
    n_components : int or None, default=48
        Reduce descriptors to so many principal components; None keeps them as they are.
    whiten : bool, default=False
        Scale the components to unit variance.
    positions : bool, default=True
        Append its row and column, from -0.5 to 0.5 over the image, to each descriptor, so that
        words have their place in the image.
    layout : str or sequence of str, default=("1x1", "3x1", "2x2")
        Spatial pyramid: grids, rows x columns, such as ``("1x1", "2x2")``. Every region of every
        grid has a part of the row.
    max_samples : int, default=200_000
        Descriptors that the vocabulary is learnt from, drawn evenly over all images: the bound of
        the memory that `fit` takes (512 bytes each, or 1536 in colour).
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.
    random_state : int, RandomState or None, default=None
        For the sample and for k-means.

    Attributes
    ----------
    vocabulary_ : ndarray of shape (n_words, d), float32
        The words: d is 128 (384 in colour) or `n_components`, and 2 more with `positions`.
    components_ : ndarray of shape (n_components, 128 or 384), float32
        With `n_components`: the principal axes of descriptors, whitened if asked for.
    mean_ : ndarray of shape (128 or 384,), float32
        With `n_components`: the mean descriptor.

    Notes
    -----
    A row is region after region, word after word. A region without descriptors is zero, and so is
    the row of an image without any (flat, or smaller than one descriptor).

    References
    ----------
    .. [1] Jegou, Douze, Schmid and Perez, "Aggregating local descriptors into a compact image
       representation", CVPR 2010, DOI 10.1109/CVPR.2010.5540039.
    .. [2] Jegou et al., "Aggregating local image descriptors into compact codes", PAMI 34(9), 2012,
       DOI 10.1109/TPAMI.2011.235.
    .. [3] Arandjelovic and Zisserman, "All about VLAD", CVPR 2013, DOI 10.1109/CVPR.2013.207.
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = "the papers' double loop over words and descriptors, to 1e-5"
    _size: ClassVar[str] = "n_words"

    def __init__(
        self,
        n_words: int = 256,
        *,
        normalization: str = "intra",
        descriptor: str = "dense_sift",
        step: float = 4,
        bin_size: float | Sequence[float] = (4, 6, 8, 12, 16, 24),
        color: str = "gray",
        min_norm: float = 0.005,
        root: bool = True,
        n_components: int | None = 48,
        whiten: bool = False,
        positions: bool = True,
        layout: str | Sequence[str] = ("1x1", "3x1", "2x2"),
        max_samples: int = 200_000,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_words = n_words
        self.normalization = normalization
        self.descriptor = descriptor
        self.step = step
        self.bin_size = bin_size
        self.color = color
        self.min_norm = min_norm
        self.root = root
        self.n_components = n_components
        self.whiten = whiten
        self.positions = positions
        self.layout = layout
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_params(self) -> None:
        super()._check_params()
        check_choice("normalization", self.normalization, NORMALIZATIONS)

    def _n_values(self) -> int:
        return self.vocabulary_.size

    def _learn_words(self, descriptors: Floats, random_state: np.random.RandomState) -> None:
        self.vocabulary_ = learn_words(descriptors, self.n_words, random_state)

    def _encode(self, descriptors: Floats, atoms: NDArray[np.intp], layout: Layout) -> Floats:
        n_words, length = self.vocabulary_.shape
        words = nearest_words(descriptors, self.vocabulary_, half_squares(self.vocabulary_))
        residuals = descriptors - self.vocabulary_[words]
        sums = sums_by_group(residuals, atoms * n_words + words, layout.n_atoms * n_words)
        sums = layout.regions(sums.reshape(layout.n_atoms, n_words, length))
        return normalize_regions(sums, self.normalization)


def sums_by_group(values: Floats, groups: NDArray[np.intp], n_groups: int) -> Floats:
    """Return the sums of the rows (n, d) of each group: (n_groups, d)."""
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    out = np.zeros((n_groups, values.shape[1]), np.float32)
    out[present] = np.add.reduceat(values[order], starts, axis=0)
    return out
