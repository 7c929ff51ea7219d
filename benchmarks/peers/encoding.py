"""Fisher encoding and the assignment to words, of dense SIFT of a photo of 512x512.

The mixture is learnt from another photo, as it is in use.

The matrix product of all descriptors with all components, or words, is the floor of both. It counts
as a peer, "own products" in the very blocks of our code: a ratio of 0.75 says that three quarters
of the time are spent in BLAS. VLFeat's 0.2 million descriptors/s were published for one core of
another machine, so that the goal of the rate is stated in descriptors per second.
What was tried: ``benchmarks/notes/encoding.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data, feature
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_argmin
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from benchmarks.peers._rows import Goal, Row, Work
from classicvis.features._mixture import Mixture, fit_mixture
from classicvis.functional import dense_sift
from classicvis.kernels.assignment import nearest_words
from classicvis.kernels.fisher import (
    BLOCK,
    LEAST_SHARE,
    add_statistics,
    fisher_gradients,
    fisher_tables,
)

N_COMPONENTS, N_VALUES, N_WORDS = 256, 80, 1024
VLFEAT = 0.2e6  # descriptors/s, K=256, D=80


def rows() -> list[Row]:
    """Return the rows: Fisher vectors and words."""
    threadpool_limits(1, user_api="blas")
    return [_fisher_row(), _words_row()]


@cache
def _descriptors(photo: Callable[[], NDArray[np.uint8]]) -> NDArray[np.float32]:
    image = photo()
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return dense_sift(grey, 4, 4, root=True).descriptors


def _fisher_row() -> Row:
    pca = PCA(N_VALUES, random_state=0)
    mixture = fit_mixture(pca.fit_transform(_descriptors(data.camera)), N_COMPONENTS, 0)
    x = pca.transform(_descriptors(data.astronaut)).astype(np.float32)
    gmm, regions, tables = (
        _as_scikit_learns(mixture),
        np.zeros(len(x), np.intp),
        fisher_tables(*mixture),
    )
    coefficients = tables.coefficients
    features = np.ones((BLOCK, coefficients.shape[1]), np.float32)
    scores = np.empty((N_COMPONENTS, BLOCK), np.float32)

    def ours() -> NDArray[np.float32]:
        statistics = np.zeros((1, *coefficients.shape), np.float32)
        add_statistics(x, regions, tables, statistics)
        return fisher_gradients(statistics, *mixture, len(x))[0]

    def products() -> None:
        for _ in range(0, len(x), BLOCK):
            np.matmul(coefficients, features.T, out=scores)

    def differences() -> dict[str, float]:
        theirs = feature.fisher_vector(x, gmm)[N_COMPONENTS:]
        theirs[theirs.size // 2 :] *= -1  # scikit-image's sign of the deviations
        return {"relative difference": float(_norm(ours() - theirs) / _norm(theirs))}

    return Row(
        title=f"Fisher encoding, K={N_COMPONENTS}, D={N_VALUES}, {len(x):,} descriptors",
        ours=ours,
        peers={"own products": products, "scikit-image": lambda: feature.fisher_vector(x, gmm)},
        work=_fisher_work(x, coefficients, gmm),
        goals={"own products": Goal(must=0.5, aim=0.75), "scikit-image": Goal(must=5, aim=10)},
        rate=Goal(must=2 * VLFEAT, aim=4 * VLFEAT),
        differences=differences,
        limits={"relative difference": 1e-4},
        n_items=len(x),
        item="descriptor",
    )


def _norm(vector: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(vector))


def _as_scikit_learns(mixture: Mixture) -> GaussianMixture:
    gmm = GaussianMixture(N_COMPONENTS, covariance_type="diag")
    gmm.weights_, gmm.means_, gmm.covariances_ = (a.astype(np.float64) for a in mixture)
    gmm.weights_ /= gmm.weights_.sum()
    gmm.precisions_cholesky_ = 1 / np.sqrt(gmm.covariances_)
    return gmm


def _fisher_work(x: NDArray[np.float32], table: NDArray[np.float32], gmm: GaussianMixture) -> Work:
    """Count the floor: descriptors read, the vector written; two products and two comparisons.

    The second product is counted for the posteriors that are not left out, each of which takes an
    exponential of 15 operations too.
    """
    posteriors = gmm.predict_proba(x)
    kept = float((posteriors > LEAST_SHARE * posteriors.max(axis=1, keepdims=True)).sum())
    return Work(
        n_bytes=x.nbytes + 8 * N_COMPONENTS * N_VALUES,
        operations=2 * table.size * len(x)
        + 2 * N_COMPONENTS * len(x)
        + (3 * table.shape[1] + 15) * kept,
    )


def _words_row() -> Row:
    x = _descriptors(data.astronaut)
    words = np.random.default_rng(0).choice(x, N_WORDS, replace=False)
    half_squares = 0.5 * (words**2).sum(axis=1)

    def whole() -> NDArray[np.intp]:
        return (half_squares - x @ words.T).argmin(axis=1)

    def bare() -> NDArray[np.intp]:
        return (x @ words.T).argmin(axis=1)

    def differences() -> dict[str, float]:
        theirs = pairwise_distances_argmin(x, words)
        found = nearest_words(x, words, half_squares)
        far = ((x - words[found]) ** 2).sum(axis=1) - ((x - words[theirs]) ** 2).sum(axis=1)
        return {"farther than scikit-learn's": float(far.max())}

    return Row(
        title=f"Nearest of {N_WORDS} words, D=128, {len(x):,} descriptors",
        ours=lambda: nearest_words(x, words, half_squares),
        peers={
            "sgemm + argmin": bare,
            "with |c|^2 / 2": whole,
            "scikit-learn": lambda: pairwise_distances_argmin(x, words),
        },
        work=Work(
            n_bytes=x.nbytes + words.nbytes + 8 * len(x),
            operations=(2 * 128 + 2) * N_WORDS * len(x),
        ),
        goals={"sgemm + argmin": Goal(must=1 / 1.2, aim=1), "scikit-learn": Goal(must=1.2, aim=2)},
        differences=differences,
        limits={"farther than scikit-learn's": 1e-6},
        n_items=len(x),
        item="descriptor",
    )
