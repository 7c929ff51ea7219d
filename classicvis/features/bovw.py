"""Bag of visual words: how often each word of a learnt vocabulary occurs in an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils import check_random_state

from classicvis.exceptions import ImageError
from classicvis.features._base import ImageExtractor, check_choice, check_positive
from classicvis.functional import dense_sift, sift
from classicvis.functional._dense_sift import check_bin_sizes, check_step
from classicvis.images import Chunk, Images, ImageSequence, stream

DESCRIPTORS = ("dense_sift", "sift")


class BagOfVisualWords(ImageExtractor):
    """Histogram of visual words over SIFT descriptors.

    The vocabulary is the set of k-means centres of a random sample of descriptors; each
    descriptor of an image votes for the nearest word.

    Parameters
    ----------
    n_words : int, default=500
        Size of the vocabulary, and length of a row.
    descriptor : {"dense_sift", "sift"}, default="dense_sift"
        Descriptors on a regular grid, or at the keypoints that SIFT detects.
    step : float, default=4
        Pixels between descriptors of the grid.
    bin_size : float or sequence of float, default=4
        Pixels of a spatial bin of the grid's descriptors, at least 1; 4 x 4 bins make one. Several
        sizes give a grid each, with words in common: ``(4, 6, 8, 10)`` is VLFeat's PHOW.
    min_norm : float, default=0.0
        Leave out descriptors of the grid whose norm before normalisation is not above this, with
        intensities in [0, 1] (`functional.dense_sift`); 0 leaves out flat patches only.
    root : bool, default=True
        Compare descriptors by the Hellinger kernel (RootSIFT).
    hellinger : bool, default=True
        Take the square roots of word frequencies, so that rows have unit length and their dot
        products are Hellinger kernels; False leaves frequencies, which sum to 1.
    max_samples : int, default=100_000
        Descriptors that the vocabulary is learnt from, drawn evenly over all images: the bound of
        the memory that `fit` takes (512 bytes each).
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.
    random_state : int, RandomState or None, default=None
        For the sample and for k-means.

    Attributes
    ----------
    vocabulary_ : ndarray of shape (n_words, 128), float32
        The words.

    Notes
    -----
    An image without descriptors (flat, or smaller than one descriptor) has a row of zeros.

    References
    ----------
    .. [1] Csurka et al., "Visual categorization with bags of keypoints", ECCV workshop 2004.
    .. [2] Sivic and Zisserman, "Video Google", ICCV 2003, DOI 10.1109/ICCV.2003.1238663.
    """

    version: ClassVar[int] = 2
    reference: ClassVar[str] = "scikit-learn's nearest centre (pairwise_distances_argmin), exact"

    def __init__(
        self,
        n_words: int = 500,
        *,
        descriptor: str = "dense_sift",
        step: float = 4,
        bin_size: float | Sequence[float] = 4,
        min_norm: float = 0.0,
        root: bool = True,
        hellinger: bool = True,
        max_samples: int = 100_000,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_words = n_words
        self.descriptor = descriptor
        self.step = step
        self.bin_size = bin_size
        self.min_norm = min_norm
        self.root = root
        self.hellinger = hellinger
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_params(self) -> None:
        check_choice("descriptor", self.descriptor, DESCRIPTORS)
        for name in ("n_words", "max_samples"):
            check_positive(name, getattr(self, name))
        check_step(self.step)
        check_bin_sizes(self.bin_size)
        if self.min_norm != 0:  # which is allowed
            check_positive("min_norm", self.min_norm, kind=float)

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return len(self.vocabulary_)

    def _learn(self, images: ImageSequence) -> None:
        random_state = check_random_state(self.random_state)
        per_image = -(-self.max_samples // len(images))
        sample = _Sample(self, per_image, seed=int(random_state.randint(2**31)))
        descriptors = np.concatenate(list(stream(images, sample, self.n_jobs)))
        if len(descriptors) < self.n_words:
            raise ImageError(
                f"found {len(descriptors)} descriptors in {len(images)} images, expected at least "
                f"n_words={self.n_words}; use fewer words, larger images or a smaller step."
            )
        k_means = MiniBatchKMeans(
            self.n_words, batch_size=4096, n_init=1, random_state=random_state
        )
        self.vocabulary_ = k_means.fit(descriptors).cluster_centers_.astype(np.float32)

    def _extract(self, images: Images) -> np.ndarray:
        half_squares = 0.5 * (self.vocabulary_**2).sum(axis=1)
        out = np.zeros((len(images), len(self.vocabulary_)), dtype=np.float32)
        for row, image in zip(out, images, strict=True):
            descriptors = self._descriptors(image)
            if len(descriptors):
                # The nearest centre c minimises |x - c|^2, so it maximises x.c - |c|^2 / 2.
                words = (descriptors @ self.vocabulary_.T - half_squares).argmax(axis=1)
                row[:] = np.bincount(words, minlength=len(row)) / np.float32(len(words))
        return np.sqrt(out) if self.hellinger else out

    def _descriptors(self, image: np.ndarray) -> np.ndarray:
        """Return the descriptors of an image, patches of low contrast left out: (n, 128)."""
        if self.descriptor == "sift":
            return sift(image, root=self.root).descriptors
        dense = dense_sift(image, self.step, self.bin_size, root=self.root)
        chosen = dense.norms > self.min_norm
        return dense.descriptors if chosen.all() else dense.descriptors[chosen]


class _Sample:
    """Random descriptors of each image of a chunk; which ones depends on the image's number."""

    def __init__(self, extractor: BagOfVisualWords, per_image: int, seed: int) -> None:
        self.extractor = extractor
        self.per_image = per_image
        self.seed = seed

    def __call__(self, chunk: Chunk) -> np.ndarray:
        samples = [np.empty((0, 128), dtype=np.float32)]
        for position, image in zip(chunk.positions, chunk.images, strict=True):
            descriptors = self.extractor._descriptors(image)
            if len(descriptors) > self.per_image:
                rng = np.random.default_rng([self.seed, chunk.start + position])
                chosen = rng.choice(len(descriptors), self.per_image, replace=False)
                descriptors = descriptors[np.sort(chosen)]
            samples.append(descriptors)
        return np.concatenate(samples)
