"""What encoders share: local descriptors of an image in, one row for the image out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state

from classicvis.exceptions import ImageError, ParameterError
from classicvis.features._base import ImageExtractor, check_choice, check_positive
from classicvis.features._descriptors import (
    COLORS,
    DESCRIPTORS,
    LocalDescriptors,
    concatenate,
    describe_grid,
    describe_keypoints,
    descriptor_length,
)
from classicvis.features._layout import Layout, make_layout
from classicvis.features._sample import drawn
from classicvis.functional._dense_sift import check_bin_sizes, check_step
from classicvis.images import Chunk, Images, ImageSequence, stream

Floats = NDArray[np.float32]

# Whitening does not blow up directions in which descriptors, of unit length, hardly vary: there
# variances count as this part of the largest one, or as what rounding makes of no variance.
SMALLEST_SHARE = 1e-6
SMALLEST_VARIANCE = float(np.finfo(np.float32).eps) ** 2
TINY = float(np.finfo(np.float32).tiny)

NORMALIZATIONS = ("intra", "power")


class LocalEncoder(ImageExtractor):
    """Base class of encoders: describe patches, project, compare with learnt words, pool.

    A subclass has the parameters below in its ``__init__``, which only assigns, and writes
    `_n_values`, `_learn_words` and `_encode`.
    """

    _size: ClassVar[str]
    """The name of the parameter that says how many words are learnt."""

    descriptor: str
    step: float
    bin_size: float | Sequence[float]
    color: str
    min_norm: float
    root: bool
    n_components: int | None
    whiten: bool
    positions: bool
    layout: str | Sequence[str]
    max_samples: int
    random_state: Any

    @property
    def best_size(self) -> int:
        """The longest side to which images are best shrunk: 320 pixels."""
        return 320

    def _check_params(self) -> None:
        check_choice("descriptor", self.descriptor, DESCRIPTORS)
        check_choice("color", self.color, COLORS)
        if self.descriptor == "sift" and self.color != "gray":
            raise ParameterError(
                f"color={self.color!r}: expected 'gray' with descriptor='sift', whose keypoints "
                "are found and described in the grey image; use descriptor='dense_sift'."
            )
        check_step(self.step)
        check_bin_sizes(self.bin_size)
        if self.min_norm != 0:  # which is allowed
            check_positive("min_norm", self.min_norm, kind=float)
        if self.n_components is not None:
            check_positive("n_components", self.n_components)
            length = descriptor_length(self.color)
            if self.n_components > length:
                raise ParameterError(
                    f"n_components={self.n_components}: expected at most {length}, the length of "
                    f"a descriptor with color={self.color!r}."
                )
        for name in (self._size, "max_samples"):
            check_positive(name, getattr(self, name))
        self._make_layout()

    def _make_layout(self) -> Layout:
        return make_layout(self.layout if isinstance(self.layout, str) else tuple(self.layout))

    @abstractmethod
    def _n_values(self) -> int:
        """Return the length of the code of one region."""

    @abstractmethod
    def _learn_words(self, descriptors: Floats, random_state: np.random.RandomState) -> None:
        """Learn from a sample of projected descriptors."""

    @abstractmethod
    def _encode(self, descriptors: Floats, atoms: NDArray[np.intp], layout: Layout) -> Floats:
        """Return the code of an image's descriptors, one or more: (n_regions, n_values)."""

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return self._make_layout().n_regions * self._n_values()

    def _learn(self, images: ImageSequence) -> None:
        random_state = check_random_state(self.random_state)
        sample = self._draw(images, seed=int(random_state.randint(2**31)))
        for name in (self._size, "n_components"):
            least = getattr(self, name) or 0
            if len(sample.descriptors) < least:
                raise ImageError(
                    f"found {len(sample.descriptors)} descriptors in {len(images)} images, "
                    f"expected at least {name}={least}; use fewer words or components, more or "
                    "larger images, or a smaller step."
                )
        self._learn_projection(sample.descriptors)
        self._learn_words(self._project(sample), random_state)

    def _draw(self, images: ImageSequence, seed: int) -> LocalDescriptors:
        """Return random descriptors, as many of each image, and fewer only of those with fewer."""
        per_image = -(-self.max_samples // len(images))
        return concatenate(list(stream(images, _Sample(self, per_image, seed), self.n_jobs)))

    def _learn_projection(self, descriptors: Floats) -> None:
        if self.n_components is None:
            return
        pca = PCA(self.n_components, svd_solver="covariance_eigh").fit(descriptors)
        components = pca.components_
        if self.whiten:
            variances = pca.explained_variance_[:, np.newaxis]
            least = max(SMALLEST_SHARE * float(variances[0, 0]), SMALLEST_VARIANCE)
            components = components / np.sqrt(np.maximum(variances, least))
        self.components_ = np.ascontiguousarray(components, dtype=np.float32)
        self.mean_ = pca.mean_.astype(np.float32)

    def _project(self, local: LocalDescriptors) -> Floats:
        """Return the principal components of descriptors, and their positions if asked for."""
        descriptors = local.descriptors
        if self.n_components is not None:
            descriptors = descriptors @ self.components_.T - self.components_ @ self.mean_
        if self.positions:
            centered = (local.positions - 0.5).astype(np.float32)
            descriptors = np.hstack([descriptors, centered])
        return descriptors

    def _extract(self, images: Images) -> np.ndarray:
        layout = self._make_layout()
        out = np.zeros((len(images), layout.n_regions, self._n_values()), dtype=np.float32)
        for row, image in zip(out, images, strict=True):
            local = self._describe(image)
            if len(local.descriptors):
                row[:] = self._encode(self._project(local), layout.atoms(local.positions), layout)
        return out.reshape(len(images), -1)

    def _describe(self, image: np.ndarray) -> LocalDescriptors:
        if self.descriptor == "sift":
            return describe_keypoints(image, root=self.root)
        return describe_grid(
            image,
            self.step,
            self.bin_size,
            color=self.color,
            min_norm=self.min_norm,
            root=self.root,
        )


class _Sample:
    """Random descriptors of each image of a chunk; which ones depends on the image's number."""

    def __init__(self, encoder: LocalEncoder, per_image: int, seed: int) -> None:
        self.encoder = encoder
        self.per_image = per_image
        self.seed = seed

    def __call__(self, chunk: Chunk) -> LocalDescriptors:
        length = descriptor_length(self.encoder.color)
        samples = [LocalDescriptors(np.empty((0, length), np.float32), np.empty((0, 2)))]
        for position, image in zip(chunk.positions, chunk.images, strict=True):
            local = self.encoder._describe(image)
            number = chunk.start + position
            chosen = drawn(len(local.descriptors), self.per_image, self.seed, number)
            samples.append(LocalDescriptors(local.descriptors[chosen], local.positions[chosen]))
        return concatenate(samples)


def signed_root(values: Floats) -> Floats:
    """Return ``sign(x) * sqrt(|x|)``: the Hellinger kernel's map, and power normalisation."""
    return np.copysign(np.sqrt(np.abs(values)), values)


def unit_length(values: Floats) -> Floats:
    """Scale along the last axis to unit Euclidean length; zeros stay zeros."""
    # By the largest first: squares of what a collapsed vocabulary gives overflow.
    largest = np.abs(values).max(axis=-1, keepdims=True, initial=0)
    values = values / np.maximum(largest, TINY)
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), TINY)


def normalize_regions(values: Floats, normalization: str) -> Floats:
    """Return the values (n_regions, n_words, d) of each region as one row of unit length.

    Before, each word's values get unit length ("intra"), or all values are replaced by their
    signed square roots ("power").
    """
    values = unit_length(values) if normalization == "intra" else signed_root(values)
    return unit_length(values.reshape(len(values), -1))
