"""Visual words: learning a vocabulary, and the words nearest to descriptors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from classicvis.features._local import TINY, Floats

BLOCK = 4096  # descriptors compared with all words at a time: 16 MB for 1,000 words
LLC_REGULARIZATION = 1e-4


def learn_words(descriptors: Floats, n_words: int, random_state: np.random.RandomState) -> Floats:
    """Return the k-means centres of descriptors: (n_words, d)."""
    k_means = MiniBatchKMeans(n_words, batch_size=4096, n_init=1, random_state=random_state)
    return k_means.fit(descriptors).cluster_centers_.astype(np.float32)


def nearest_few_words(descriptors: Floats, vocabulary: Floats, n_words: int) -> NDArray[np.intp]:
    """Return the numbers of the nearest words of each descriptor, in no order: (n, n_words)."""
    closeness = descriptors @ vocabulary.T - half_squares(vocabulary)
    return np.argpartition(closeness, -n_words, axis=1)[:, -n_words:]


def blocks(n_descriptors: int) -> Iterator[slice]:
    """Yield so many descriptors at a time that what is compared with words takes little memory."""
    for start in range(0, n_descriptors, BLOCK):
        yield slice(start, start + BLOCK)


def half_squares(vocabulary: Floats) -> Floats:
    """Return |c|^2 / 2 of each word: the nearest word c of x has the largest x.c - |c|^2 / 2."""
    return np.asarray(0.5 * (vocabulary**2).sum(axis=1))


def soft_weights(
    descriptors: Floats, vocabulary: Floats, words: NDArray[np.intp], beta: float
) -> Floats:
    """Return weights ``exp(-beta * distance ** 2)`` of words (n, k), which sum to 1 [1]_.

    References
    ----------
    .. [1] Liu, Wang and Liu, "In defense of soft-assignment coding", ICCV 2011,
       DOI 10.1109/ICCV.2011.6126534.
    """
    differences = descriptors[:, np.newaxis] - vocabulary[words]
    squares = np.einsum("nkd,nkd->nk", differences, differences)
    weights = np.exp(-beta * (squares - squares.min(axis=1, keepdims=True)))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def llc_weights(descriptors: Floats, vocabulary: Floats, words: NDArray[np.intp]) -> Floats:
    """Return the weights of words (n, k), which sum to 1, that best rebuild each descriptor.

    The approximated form of locality-constrained linear coding [1]_: least squares over the
    nearest words, ``argmin |x - w B|^2 + regularization * trace * |w|^2``, in closed form.

    References
    ----------
    .. [1] Wang et al., "Locality-constrained linear coding for image classification", CVPR 2010,
       DOI 10.1109/CVPR.2010.5540018; regularization 1e-4 as in the authors' code.
    """
    differences = (vocabulary[words] - descriptors[:, np.newaxis]).astype(np.float64)
    gram = differences @ differences.swapaxes(1, 2)
    trace = np.trace(gram, axis1=1, axis2=2)
    ridge = np.maximum(LLC_REGULARIZATION * trace, TINY)
    gram += ridge[:, np.newaxis, np.newaxis] * np.eye(words.shape[1])
    weights = np.linalg.solve(gram, np.ones((*words.shape, 1)))[..., 0]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
