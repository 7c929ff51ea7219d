"""Bag of visual words: how often each word of a learnt vocabulary occurs in an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import AdditiveChi2Sampler

from classicvis.features._base import check_choice, check_positive
from classicvis.features._layout import Layout
from classicvis.features._local import TINY, Floats, LocalEncoder, signed_root
from classicvis.features._words import (
    blocks,
    half_squares,
    learn_words,
    llc_weights,
    nearest_few_words,
    soft_weights,
)
from classicvis.kernels.assignment import nearest_words

ASSIGNMENTS = ("hard", "soft", "llc")
POOLINGS = ("sum", "max")
KERNELS = ("hellinger", "chi2", "linear")
CHI2_VALUES = 3  # that scikit-learn's AdditiveChi2Sampler makes of one


class BagOfVisualWords(LocalEncoder):
    """Histogram of visual words over SIFT descriptors.

    The vocabulary is the set of k-means centres of a random sample of descriptors; each
    descriptor of an image votes for the words that are nearest to it.

    Parameters
    ----------
    n_words : int, default=500
        Size of the vocabulary.
    assignment : {"hard", "soft", "llc"}, default="hard"
        The votes of a descriptor: one for the nearest word; ``exp(-beta * distance ** 2)`` for
        each of the nearest, scaled to the sum 1 [3]_; or the weights that best rebuild it from the
        nearest, locality-constrained linear coding, which may be negative [4]_.
    n_neighbors : int, default=5
        How many words are "the nearest", for "soft" and "llc".
    beta : float, default=10.0
        How fast soft votes fall with distance.
    pooling : {"sum", "max"}, default="sum"
        The votes for a word in a region are added up, or the largest counts.
    kernel : {"hellinger", "chi2", "linear"}, default="hellinger"
        The kernel of histograms that dot products of rows are, exactly for the first and the last:
        square roots of the values, which are scaled to absolute sum 1 (rows then have unit
        length); three values for each, of the additive chi-squared kernel [5]_; or as they are.
    descriptor : {"dense_sift", "sift"}, default="dense_sift"
        Descriptors on a regular grid, or at the keypoints that SIFT detects.
    step : float, default=4
        Pixels between descriptors of the grid.
    bin_size : float or sequence of float, default=4
        Pixels of a spatial bin of the grid's descriptors, at least 1; 4 x 4 bins make one. Several
        sizes give a grid each, with words in common.
    color : {"gray", "rgb", "opponent"}, default="gray"
        Describe the grey image; or several channels, their descriptors side by side: red, green
        and blue, or intensity and two opponent colours. "sift" takes "gray" only.
    min_norm : float, default=0.0
        Leave out descriptors of the grid whose norm before normalisation is above this in no
        channel, with intensities in [0, 1] (`functional.dense_sift`); 0 leaves out flat patches.
    root : bool, default=True
        Compare descriptors by the Hellinger kernel (RootSIFT).
    n_components : int or None, default=None
        Reduce descriptors to so many principal components; None keeps them as they are.
    whiten : bool, default=False
        Scale the components to unit variance.
    positions : bool, default=False
        Append its row and column, from -0.5 to 0.5 over the image, to each descriptor, so that
        words have their place in the image.
    layout : str or sequence of str, default="1x1"
        Spatial pyramid: grids, rows x columns, such as ``("1x1", "2x2")``. Every region of every
        grid has a part of the row.
    max_samples : int, default=100_000
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
    A row is region after region, word after word. An image without descriptors (flat, or smaller
    than one descriptor) has a row of zeros.

    References
    ----------
    .. [1] Csurka et al., "Visual categorization with bags of keypoints", ECCV workshop 2004.
    .. [2] Sivic and Zisserman, "Video Google", ICCV 2003, DOI 10.1109/ICCV.2003.1238663.
    .. [3] Liu, Wang and Liu, "In defense of soft-assignment coding", ICCV 2011,
       DOI 10.1109/ICCV.2011.6126534.
    .. [4] Wang et al., "Locality-constrained linear coding for image classification", CVPR 2010,
       DOI 10.1109/CVPR.2010.5540018.
    .. [5] Vedaldi and Zisserman, "Efficient additive kernels via explicit feature maps", PAMI
       34(3), 2012, DOI 10.1109/TPAMI.2011.153; scikit-learn's AdditiveChi2Sampler.
    """

    version: ClassVar[int] = 2
    reference: ClassVar[str] = "scikit-learn's nearest centre (pairwise_distances_argmin), exact"
    _size: ClassVar[str] = "n_words"

    def __init__(
        self,
        n_words: int = 500,
        *,
        assignment: str = "hard",
        n_neighbors: int = 5,
        beta: float = 10.0,
        pooling: str = "sum",
        kernel: str = "hellinger",
        descriptor: str = "dense_sift",
        step: float = 4,
        bin_size: float | Sequence[float] = 4,
        color: str = "gray",
        min_norm: float = 0.0,
        root: bool = True,
        n_components: int | None = None,
        whiten: bool = False,
        positions: bool = False,
        layout: str | Sequence[str] = "1x1",
        max_samples: int = 100_000,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_words = n_words
        self.assignment = assignment
        self.n_neighbors = n_neighbors
        self.beta = beta
        self.pooling = pooling
        self.kernel = kernel
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
        check_choice("assignment", self.assignment, ASSIGNMENTS)
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("kernel", self.kernel, KERNELS)
        check_positive("n_neighbors", self.n_neighbors)
        check_positive("beta", self.beta, kind=float)

    def _n_values(self) -> int:
        return len(self.vocabulary_) * (CHI2_VALUES if self.kernel == "chi2" else 1)

    def _learn_words(self, descriptors: Floats, random_state: np.random.RandomState) -> None:
        self.vocabulary_ = learn_words(descriptors, self.n_words, random_state)

    def _encode(self, descriptors: Floats, atoms: NDArray[np.intp], layout: Layout) -> Floats:
        n_words = len(self.vocabulary_)
        pool = np.add if self.pooling == "sum" else np.maximum
        pooled = np.zeros((layout.n_atoms, n_words))
        for block in blocks(len(descriptors)):
            words, weights = self._assign(descriptors[block])
            pool.at(pooled, (atoms[block, np.newaxis], words), weights)
        regions = layout.regions(pooled, pool)
        return self._map((regions / max(np.abs(regions).sum(), TINY)).astype(np.float32))

    def _assign(self, descriptors: Floats) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """Return the words that each descriptor votes for and the weights of its votes: (n, k)."""
        if self.assignment == "hard":
            squares = half_squares(self.vocabulary_)
            words = nearest_words(descriptors, self.vocabulary_, squares)[:, np.newaxis]
            return words, np.ones(words.shape, np.float32)
        n_neighbors = min(self.n_neighbors, len(self.vocabulary_))
        words = nearest_few_words(descriptors, self.vocabulary_, n_neighbors)
        if self.assignment == "soft":
            return words, soft_weights(descriptors, self.vocabulary_, words, self.beta)
        return words, llc_weights(descriptors, self.vocabulary_, words)

    def _map(self, values: Floats) -> Floats:
        """Map values so that dot products of rows are those of the kernel; odd in the values."""
        if self.kernel == "linear":
            return values
        if self.kernel == "hellinger":
            return signed_root(values)
        mapped = AdditiveChi2Sampler().fit_transform(np.abs(values))
        return np.tile(np.sign(values), CHI2_VALUES) * mapped
