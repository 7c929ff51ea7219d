"""Learning a diagonal Gaussian mixture from many descriptors: k-means, then EM in float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils import check_random_state

from classicvis.exceptions import ParameterError
from classicvis.images._threads import one_thread_each
from classicvis.kernels.fisher import add_statistics, fisher_tables

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

MAX_ITERATIONS = 30
TOLERANCE = 1e-3  # of the mean log-likelihood, as scikit-learn's
VARIANCE_SHARE = 1e-4  # of the largest variance: the least one of a component, as VLFeat's
LEAST_VARIANCE = 1e-10  # where all descriptors are equal
_LEAST_MASS = 1e-3  # descriptors
_CHUNK = 16384  # descriptors summed in float32 before the sums go on in float64


class Mixture(NamedTuple):
    """A mixture of Gaussians with diagonal covariances."""

    weights: Floats
    means: Floats
    variances: Floats


def fit_mixture(
    descriptors: NDArray[Any],
    n_modes: int,
    random_state: Any = None,
    *,
    max_iterations: int = MAX_ITERATIONS,
) -> Mixture:
    """Fit a diagonal Gaussian mixture by expectation maximisation.

    Parameters
    ----------
    descriptors : ndarray of shape (n, d)
        At least `n_modes` of them, finite.
    n_modes : int
        Components.
    random_state : int, RandomState or None, default=None
        For k-means; EM itself draws nothing.
    max_iterations : int, default=30
        EM ends here, or once the mean log-likelihood gains less than 0.001.

    Returns
    -------
    Mixture
        ``weights`` (k,), ``means`` (k, d) and ``variances`` (k, d), float32.

    Raises
    ------
    ParameterError
        If there are fewer descriptors than components.

    Notes
    -----
    EM starts at the clusters of scikit-learn's `MiniBatchKMeans`. The expectation step is the
    kernel of Fisher vectors, whose sums are what the maximisation step needs. No variance falls
    below 1e-4 of the largest variance of a dimension over all descriptors, as in VLFeat's
    encoding; scikit-learn adds 1e-6 instead. A component that no descriptor belongs to keeps its
    mean and variances, and a weight of next to nothing.
    """
    if len(descriptors) < n_modes:
        raise ParameterError(
            f"n_modes={n_modes}: found {len(descriptors)} descriptors to learn from, expected at "
            "least as many as modes; use fewer modes, more images or a smaller step."
        )
    with one_thread_each():
        center = np.mean(descriptors, axis=0, dtype=np.float64)
        centered = np.subtract(descriptors, center, dtype=np.float32, casting="same_kind")
        mixture = _Learner(centered).fit(n_modes, random_state, max_iterations)
    return mixture._replace(means=(mixture.means + center).astype(np.float32))


class _Learner:
    """EM over centred descriptors."""

    def __init__(self, descriptors: Floats) -> None:
        self.descriptors = descriptors
        self.variance = np.var(descriptors, axis=0, dtype=np.float64)
        self.floor = max(VARIANCE_SHARE * float(self.variance.max()), LEAST_VARIANCE)

    def fit(self, n_modes: int, random_state: Any, max_iterations: int) -> Mixture:
        mixture, previous = self.start(n_modes, random_state), -np.inf
        for _ in range(max_iterations):
            statistics, log_likelihood = self.expect(mixture)
            mixture = self.maximize(statistics, mixture)
            if log_likelihood - previous < TOLERANCE:
                break
            previous = log_likelihood
        return mixture

    def start(self, n_modes: int, random_state: Any) -> Mixture:
        """Return the mixture of the clusters of k-means."""
        k_means = MiniBatchKMeans(
            n_modes, batch_size=4096, n_init=1, random_state=check_random_state(random_state)
        )
        words = k_means.fit_predict(self.descriptors)
        centers = k_means.cluster_centers_.astype(np.float32)
        statistics = np.zeros((n_modes, 1 + 2 * centers.shape[1]))
        for chunk in self._chunks():
            z = self.descriptors[chunk].astype(np.float64) - centers[words[chunk]]
            memberships = np.eye(n_modes)[words[chunk]]
            statistics += memberships.T @ np.hstack([np.ones((len(z), 1)), z, z * z])
        spread = np.broadcast_to(np.maximum(self.variance, self.floor), centers.shape)
        empty = Mixture(np.zeros(n_modes, np.float32), centers, spread.astype(np.float32))
        return self.maximize(statistics, empty)

    def expect(self, mixture: Mixture) -> tuple[Doubles, float]:
        """Return the statistics of all descriptors, and their mean log-likelihood."""
        tables = fisher_tables(*mixture)
        statistics, log_likelihood = np.zeros(tables.coefficients.shape), 0.0
        regions = np.zeros(_CHUNK, np.intp)
        sums = np.empty((1, *tables.coefficients.shape), np.float32)
        for chunk in self._chunks():
            sums[:] = 0
            x = self.descriptors[chunk]
            log_likelihood += add_statistics(x, regions[: len(x)], tables, sums)
            statistics += sums[0]
        return statistics, log_likelihood / len(self.descriptors)

    def maximize(self, statistics: Doubles, mixture: Mixture) -> Mixture:
        """Return the mixture of statistics about the means of another one.

        A component without descriptors stays as it is.
        """
        d = self.descriptors.shape[1]
        mass = statistics[:, 0]
        alive = (mass > _LEAST_MASS)[:, None]
        divisor = np.where(alive, mass[:, None], 1)
        shift = np.where(alive, statistics[:, 1 : 1 + d] / divisor, 0)
        means = mixture.means + shift
        variances = statistics[:, 1 + d :] / divisor - shift * shift
        variances = np.where(alive, np.maximum(variances, self.floor), mixture.variances)
        weights = np.maximum(mass, _LEAST_MASS)
        return Mixture(*(a.astype(np.float32) for a in (weights / weights.sum(), means, variances)))

    def _chunks(self) -> Iterator[slice]:
        for start in range(0, len(self.descriptors), _CHUNK):
            yield slice(start, start + _CHUNK)
