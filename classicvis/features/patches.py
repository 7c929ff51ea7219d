"""Patch dictionaries: how an image answers to patches that were learnt, pooled on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from classicvis.exceptions import ImageError, ParameterError
from classicvis.features._base import ImageExtractor, check_choice, check_pair, check_positive
from classicvis.features._patch_codes import (
    ENCODINGS,
    PatchEncoder,
    PatchVocabulary,
    raw_patches,
)
from classicvis.features._patch_dictionary import (
    DICTIONARIES,
    learn_words,
    pca_whitening,
    unit_rows,
)
from classicvis.features._patch_projection import learn_projection
from classicvis.features._sample import drawn
from classicvis.images import Chunk, Images, ImageSequence, stream
from classicvis.images._intensity import to_gray, to_rgb

_WHITENING_REGULARIZATION = 1.0  # of eigenvalues whose largest are some 20
_VECTORS_PER_CODE = 8  # pooled vectors that the projection is learnt from, per dimension of theirs
_GROUP = 16  # images whose codes are projected together


class PatchDictionary(ImageExtractor):
    """Responses of an image to a dictionary of patches, pooled on a grid and decorrelated.

    Every patch of an image is normalised for brightness and contrast and whitened; its products
    with the words of a dictionary are encoded and averaged over the cells of a grid [1]_ [2]_.
    The square roots of these codes, which are many and say similar things, are projected to
    fewer, partly whitened numbers, of which each cell gets a share of its neighbours'.

    Parameters
    ----------
    n_words : int, default=3000
        Words of the dictionary, for each size of patches.
    patch_size : int or sequence of int, default=None
        Side of a patch in pixels. Several sizes have a dictionary each. None: 3 more than 3/32 of
        the shorter side, such as 6 for 32 x 32 pixels and 12 for 96 x 96.
    stride : int, default=None
        Pixels between neighbouring patches. None: a thirty-second of the shorter side.
    dictionary : {"random", "omp1", "kmeans"}, default="random"
        Whitened patches drawn at random [3]_, words fitted by orthogonal matching pursuit with one
        word per patch [2]_, or k-means centres [1]_.
    encoding : {"soft_threshold", "triangle"}, default="soft_threshold"
        How the products z of a patch with the words (of unit length) become codes:
        ``max(0, z - threshold)`` and ``max(0, -z - threshold)``, two codes per word; or by how
        much each word is nearer than the mean word, one code per word.
    threshold : float, default=1.0
        That of "soft_threshold", at least 0. Whitened values have a variance of about 1.
    grid : (int, int), default=(3, 3)
        Rows and columns of cells.
    n_components : int or None, default=2000
        Principal components of the codes that are kept for each cell; fewer where the codes or
        the images do not give as many. None: the square roots of the codes as they are.
    flip : bool, default=True
        Average the codes of the image and of its mirror image: twice the time.
    max_samples : int, default=200_000
        Patches of each size that dictionaries are learnt from, drawn evenly over all images: the
        bound of the memory that learning them takes (8 bytes per value of a patch).
    n_jobs : int, default=None
        Threads over chunks of images; None means 1.
    random_state : int, RandomState or None, default=None
        For the samples, and where dictionaries start.

    Attributes
    ----------
    vocabularies_ : list of PatchVocabulary
        For each size: `patch_size`, `stride`, `mean`, `whitening` and `words`.
    projection_ : PatchProjection or None
        The principal components and how cells share them: `matrix`, `offset` and `mixing`.

    Notes
    -----
    All images must have the size that `fit` saw; grey images become RGB ones, or the other way
    round, as the first image was. Where rows are projected they come centred and in the scale that
    the default C of "linear_svm" suits, so that `build_pipeline` does not scale them again.

    We depart from [1]_ and [2]_ by averages in place of sums, a grid of 3 x 3 cells in place of
    quadrants, the mirror image, the square root and the projection. With a linear machine that
    learns from 16,000 of CIFAR-10's training images and is scored on 4,000 others, 700, 1000 and
    1400 components give 73.8, 74.1 and 75.0 %, 1000 components of 1000 words 74.4 %, quadrants
    73.3 %. On half as many, mirror images add 3 points, the projection 1.5 to 4 at equal length,
    fitted words in place of drawn ones nothing. Learnt from 45,000 and scored on 5,000 others,
    2000 components of which each cell gives a quarter to its neighbours reach 78.6 %, 1600 without
    that 77.9 % (2000 words). On sign-language digits of 96 x 96 pixels, patches of 6, 9 and 12
    give 87, 89 and 92 % (400 words, a quarter held out, the best of four C).

    Whitening leaves out the weakest directions, with 0.2 % of the variance together: 42 of 108 on
    CIFAR-10, mostly of colour.

    References
    ----------
    .. [1] A. Coates, H. Lee, A. Y. Ng, "An analysis of single-layer networks in unsupervised
       feature learning", AISTATS 2011, https://proceedings.mlr.press/v15/coates11a.html
    .. [2] A. Coates, A. Y. Ng, "The importance of encoding versus training with sparse coding and
       vector quantization", ICML 2011, https://icml.cc/2011/papers/485_icmlpaper.pdf
    .. [3] L. Thiry, M. Arbel, E. Belilovsky, E. Oyallon, "The unreasonable effectiveness of
       patches in deep convolutional kernels methods", ICLR 2021,
       https://openreview.net/forum?id=aYuZO9DIdnn
    """

    version: ClassVar[int] = 2
    reference: ClassVar[str] = "the formulas of Coates and Ng in float64, within 1e-4"
    fixed_size: ClassVar[bool] = True

    def __init__(
        self,
        n_words: int = 3000,
        *,
        patch_size: int | Sequence[int] | None = None,
        stride: int | None = None,
        dictionary: str = "random",
        encoding: str = "soft_threshold",
        threshold: float = 1.0,
        grid: tuple[int, int] = (3, 3),
        n_components: int | None = 2000,
        flip: bool = True,
        max_samples: int = 200_000,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_words = n_words
        self.patch_size = patch_size
        self.stride = stride
        self.dictionary = dictionary
        self.encoding = encoding
        self.threshold = threshold
        self.grid = grid
        self.n_components = n_components
        self.flip = flip
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def scaled(self) -> bool:
        """Whether rows come in the scale that classifiers want: projected ones do."""
        return self.n_components is not None

    def _check_params(self) -> None:
        check_choice("dictionary", self.dictionary, DICTIONARIES)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("flip", self.flip, (True, False))
        check_pair("grid", self.grid)
        for name in ("n_words", "max_samples"):
            check_positive(name, getattr(self, name))
        for name in ("stride", "n_components"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        if self.threshold != 0:  # which is allowed
            check_positive("threshold", self.threshold, kind=float)
        if self.patch_size is not None:
            sizes = _sizes(self.patch_size)
            if not sizes:
                raise ParameterError("patch_size=(): expected at least one size.")
            for size in sizes:
                check_positive("patch_size", size)

    def _n_features(self, shape: tuple[int, ...]) -> int:
        encoder = self._encoder()
        if self.projection_ is None:
            return encoder.n_cells * encoder.n_codes(self.vocabularies_)
        return self.projection_.offset.size

    def _encoder(self) -> PatchEncoder:
        grid = (int(self.grid[0]), int(self.grid[1]))
        return PatchEncoder(self.encoding, self.threshold, grid, self.flip)

    def _learn(self, images: ImageSequence) -> None:
        random_state = check_random_state(self.random_state)
        sizes, stride = self._layout()
        self.vocabularies_ = [
            self._vocabulary(images, size, stride, random_state) for size in sizes
        ]
        self.projection_ = None
        if self.n_components is not None:
            encoder = self._encoder()
            n_vectors = _VECTORS_PER_CODE * encoder.n_codes(self.vocabularies_)
            n_images = min(-(-n_vectors // encoder.n_cells), len(images))
            chosen = np.sort(random_state.choice(len(images), n_images, replace=False))
            codes = stream(images[chosen], _ChunkCodes(self), self.n_jobs)
            self.projection_ = learn_projection(
                codes, self.n_components, encoder.grid, random_state
            )

    def _layout(self) -> tuple[tuple[int, ...], int]:
        """Return the sizes of patches and the stride, defaults filled in."""
        height, width = self.image_shape_[:2]
        side = min(height, width)
        sizes = (
            _sizes(self.patch_size) if self.patch_size else (min(side, 3 + round(side * 3 / 32)),)
        )
        if max(sizes) > side:
            raise ImageError(
                f"found images of {height}x{width} pixels, expected at least patch_size="
                f"{max(sizes)} on both sides; use smaller patches or larger images."
            )
        return sizes, self.stride or max(1, round(side / 32))

    def _vocabulary(
        self, images: ImageSequence, size: int, stride: int, random_state: np.random.RandomState
    ) -> PatchVocabulary:
        per_image = -(-self.max_samples // len(images))
        seed = int(random_state.randint(2**31))
        sample = _PatchSample(self, size, stride, per_image, seed)
        patches = np.concatenate(list(stream(images, sample, self.n_jobs)))
        patches = patches[np.any(patches, axis=1)]  # flat ones are zero
        if len(patches) < self.n_words:
            raise ImageError(
                f"found {len(patches)} patches that are not flat in {len(images)} images, expected "
                f"at least n_words={self.n_words}; use fewer words, more images or a smaller "
                "stride."
            )
        mean, whitening = pca_whitening(patches, _WHITENING_REGULARIZATION)
        patches -= mean
        words = learn_words(patches @ whitening, self.n_words, self.dictionary, random_state)
        if self.encoding == "soft_threshold":
            words = unit_rows(words)
        return PatchVocabulary(size, stride, mean, whitening, words)

    def _extract(self, images: Images) -> np.ndarray:
        out = np.empty((len(images), self.n_features_out_), dtype=np.float32)
        for start in range(0, len(images), _GROUP):
            codes = self._codes(images[start : start + _GROUP])
            rows = codes if self.projection_ is None else self.projection_.apply(codes)
            out[start : start + _GROUP] = rows.reshape(len(codes), -1)
        return out

    def _codes(self, images: Images) -> np.ndarray:
        """Return the square roots of codes: float32 (n_images, n_cells, n_codes)."""
        encoder = self._encoder()
        codes = [encoder.codes(self._as_learnt(image), self.vocabularies_) for image in images]
        return np.sqrt(codes, dtype=np.float32)

    def _as_learnt(self, image: np.ndarray) -> np.ndarray:
        return to_rgb(image) if len(self.image_shape_) == 3 else to_gray(image)


class _PatchSample:
    """Random patches of each image of a chunk; which ones depends on the image's number."""

    def __init__(
        self, extractor: PatchDictionary, size: int, stride: int, per_image: int, seed: int
    ) -> None:
        self.extractor = extractor
        self.size = size
        self.stride = stride
        self.per_image = per_image
        self.seed = seed

    def __call__(self, chunk: Chunk) -> np.ndarray:
        self.extractor._check_sizes(chunk.images)
        samples = []
        for position, image in zip(chunk.positions, chunk.images, strict=True):
            patches = raw_patches(self.extractor._as_learnt(image), self.size, self.stride)
            number = chunk.start + position
            samples.append(patches[drawn(len(patches), self.per_image, self.seed, number)])
        return np.concatenate(samples)


class _ChunkCodes:
    """The pooled codes of a chunk; a class, because processes need to pickle it."""

    def __init__(self, extractor: PatchDictionary) -> None:
        self.extractor = extractor

    def __call__(self, chunk: Chunk) -> np.ndarray:
        return self.extractor._codes(chunk.images)


def _sizes(sizes: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(sizes) if isinstance(sizes, Sequence) else (sizes,)
