"""What is learnt from patches of images: their whitening, and a dictionary of words."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from sklearn.cluster import MiniBatchKMeans

DICTIONARIES = ("random", "omp1", "kmeans")
_ITERATIONS = 10  # of OMP-1; the error hardly falls after them
_BLOCK_VALUES = 1 << 22  # products held at a time: 16 MB
_KEPT_VARIANCE = 0.998  # of whitened patches
_TINY = np.float32(1e-12)


def pca_whitening(patches: np.ndarray, regularization: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of patches and the matrix that whitens them and leaves out weak directions.

    Products of whitened patches are those of ZCA, which only turns them back into patches, but for
    the directions that are left out: most, because of `regularization`, of colours and noise.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_values), float32
        Normalised patches, at least one.
    regularization : float
        Added to the eigenvalues of the covariance: noise is not amplified without bound.

    Returns
    -------
    mean : ndarray of shape (n_values,), float32
        The mean patch.
    matrix : ndarray of shape (n_values, n_kept), float32
        ``(patches - mean) @ matrix`` are the whitened patches, with 99.8 % of their variance.
    """
    mean = patches.mean(axis=0, dtype=np.float64)
    covariance = patches.T @ patches / np.float32(len(patches)) - np.outer(mean, mean)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    eigenvalues, vectors = np.maximum(eigenvalues[::-1], 0), vectors[:, ::-1]
    whitened = np.cumsum(eigenvalues / (eigenvalues + regularization))
    n_kept = 1 + int(np.searchsorted(whitened, _KEPT_VARIANCE * whitened[-1]))
    matrix = vectors[:, :n_kept] / np.sqrt(eigenvalues[:n_kept] + regularization)
    return mean.astype(np.float32), matrix.astype(np.float32)


def learn_words(
    patches: np.ndarray, n_words: int, method: str, random_state: np.random.RandomState
) -> np.ndarray:
    """Return a dictionary of whitened patches.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_values), float32
        Whitened patches, at least `n_words`, none of them zero.
    n_words : int
        Size of the dictionary.
    method : {"random", "omp1", "kmeans"}
        Patches drawn at random, orthogonal matching pursuit with one word per patch, or k-means
        centres.
    random_state : RandomState
        For the draw, which is also where the other two methods start.

    Returns
    -------
    ndarray of shape (n_words, n_values), float32
        The words; those of "omp1" have unit length.
    """
    if method == "kmeans":
        k_means = MiniBatchKMeans(
            n_words, init="random", batch_size=8192, n_init=1, random_state=random_state
        )
        return k_means.fit(patches).cluster_centers_.astype(np.float32)
    words = patches[np.sort(random_state.choice(len(patches), n_words, replace=False))]
    if method == "random":
        return words
    words = unit_rows(words)
    for _ in range(_ITERATIONS):
        words = _omp1_step(patches, words)
    return words


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Return rows scaled to unit length; rows of zeros stay."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)


def _omp1_step(patches: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Give each patch to the word of the largest response, and fit the words to their patches.

    A patch x has the code s = x.d of its word d alone, so that the words minimise
    ``sum |x - s d|^2`` at the normalised sums of ``s x``. A word without patches stays as it is.
    """
    sums = np.zeros_like(words)
    step = max(1, _BLOCK_VALUES // len(words))
    for start in range(0, len(patches), step):
        block = patches[start : start + step]
        responses = block @ words.T
        rows = np.arange(len(block))
        chosen = np.abs(responses).argmax(axis=1)
        codes = csr_array((responses[rows, chosen], (rows, chosen)), responses.shape)
        sums += codes.T @ block
    is_used = (sums**2).sum(axis=1) > 0
    return np.where(is_used[:, None], unit_rows(sums), words)
