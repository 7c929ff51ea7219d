"""Uncertainty of figures, and paired tests between models.

Plain functions of numbers: who compares what is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from classicvis.exceptions import ParameterError

N_RESAMPLES = 1000


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Posterior(NamedTuple):
    """Probabilities of the three answers of a Bayesian comparison; they sum to one."""

    better: float
    equivalent: float
    worse: float


def accuracy_interval(n_correct: int, n_samples: int, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of an accuracy.

    Parameters
    ----------
    n_correct, n_samples : int
        How many of how many predictions are right.
    level : float, default=0.95
        Probability that the interval is to cover.

    Returns
    -------
    Interval
        Named tuple (low, high), fractions.

    Notes
    -----
    It is about other images of the same kind and this one training. It does not know how much
    another training set would have changed the model.
    """
    found = stats.binomtest(int(n_correct), int(n_samples)).proportion_ci(level, method="wilson")
    return Interval(float(found.low), float(found.high))


def bootstrap_interval(
    statistic: Callable[[np.ndarray], float],
    n_samples: int,
    *,
    groups: np.ndarray | None = None,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a figure of many images.

    Parameters
    ----------
    statistic : callable
        Takes positions of images, int64 of shape (n,) with repetitions, and returns the figure.
    n_samples : int
        Number of images.
    groups : ndarray of shape (n_samples,), default=None
        Images of one group (near-duplicates) are drawn together, since they are not independent.
    level : float, default=0.95
        Probability that the interval is to cover.
    n_resamples : int, default=1000
        How often images are drawn.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    Interval
        Named tuple (low, high).

    References
    ----------
    B. Efron, "Better bootstrap confidence intervals", JASA 82, 1987,
    DOI 10.1080/01621459.1987.10478410: the percentile method is its starting point.
    """
    rng = np.random.default_rng(random_state)
    if groups is None:
        draws = (rng.integers(0, n_samples, n_samples) for _ in range(n_resamples))
    else:
        members = _members(groups)
        draws = (
            np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
            for _ in range(n_resamples)
        )
    values = [statistic(draw) for draw in draws]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def mcnemar(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    *,
    method: Literal["mid-p", "exact", "chi2"] = "mid-p",
) -> float:
    """Return the p-value of McNemar's test that two models are right equally often.

    Parameters
    ----------
    correct_a, correct_b : ndarray of shape (n_images,), bool
        Whether each model is right about each of the same images.
    method : {"mid-p", "exact", "chi2"}, default="mid-p"
        The binomial test of the images about which one model alone is right: less half the
        probability of what was found [1]_, as it is, or its approximation with Edwards'
        continuity correction.

    Returns
    -------
    float
        Two-sided; 1 where the models are right about the same images.

    Notes
    -----
    The exact test raises false alarms in clearly less than the stated share of cases; the mid-p
    value comes close to it.

    References
    ----------
    .. [1] M. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs data",
       BMC Medical Research Methodology 13:91, 2013, DOI 10.1186/1471-2288-13-91
    """
    only_a = int(np.sum(correct_a & ~correct_b))
    only_b = int(np.sum(correct_b & ~correct_a))
    n = only_a + only_b
    if n == 0:
        return 1.0
    if method == "chi2":
        return float(stats.chi2.sf(max(abs(only_a - only_b) - 1, 0) ** 2 / n, df=1))
    if method not in ("mid-p", "exact"):
        raise ParameterError(f"method={method!r}: expected 'mid-p', 'exact' or 'chi2'")
    fewer = min(only_a, only_b)
    p = min(1.0, 2 * float(stats.binom.cdf(fewer, n, 0.5)))
    if method == "exact":
        return p
    if only_a == only_b:
        return 1.0
    return float(p - stats.binom.pmf(fewer, n, 0.5))


def corrected_resampled_ttest(differences: np.ndarray, test_to_train: float) -> float:
    """Return the p-value of the corrected resampled t-test.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,), float
        Accuracy of one model less that of the other, on each fold of all repetitions.
    test_to_train : float
        Number of test images over number of training images: 1 / (k - 1) for k folds. 0 gives
        the ordinary paired t-test, whose false alarms are far too many, since training sets
        overlap.

    Returns
    -------
    float
        Two-sided; 1 where all differences are zero, 0 where they are one other number.

    References
    ----------
    C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003,
    DOI 10.1023/A:1024068626366. For repeated folds: R. Bouckaert, E. Frank, "Evaluating the
    replicability of significance tests for comparing learning algorithms", PAKDD 2004,
    DOI 10.1007/978-3-540-24775-3_3.
    """
    mean, scale, df = _student(differences, test_to_train)
    if scale == 0:
        return float(mean == 0)
    return float(2 * stats.t.sf(abs(mean) / scale, df))


def bayesian_comparison(
    differences: np.ndarray, test_to_train: float, rope: float = 0.01
) -> Posterior:
    """Return how probable it is that a model is better, equivalent or worse.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,), float
        Accuracy of one model less that of the other, on each fold of all repetitions.
    test_to_train : float
        Number of test images over number of training images: 1 / (k - 1) for k folds.
    rope : float, default=0.01
        Region of practical equivalence: differences of accuracy up to this count as none.

    Returns
    -------
    Posterior
        Named tuple (better, equivalent, worse), of the model whose accuracy came first.

    References
    ----------
    G. Corani, A. Benavoli, "A Bayesian approach for comparing cross-validated algorithms on
    multiple data sets", Machine Learning 100, 2015, DOI 10.1007/s10994-015-5486-z
    """
    mean, scale, df = _student(differences, test_to_train)
    if scale == 0:
        return Posterior(float(mean > rope), float(abs(mean) <= rope), float(mean < -rope))
    better = float(stats.t.sf(rope, df, mean, scale))
    worse = float(stats.t.cdf(-rope, df, mean, scale))
    return Posterior(better, max(0.0, 1 - better - worse), worse)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values adjusted for their number.

    Parameters
    ----------
    p_values : sequence of float
        Of tests that are read together.

    Returns
    -------
    ndarray of shape (n,), float64
        In the same order: with all of those below 0.05 the chance of a single false alarm is at
        most 5 %.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _student(differences: np.ndarray, test_to_train: float) -> tuple[float, float, int]:
    """Return mean, corrected standard error and degrees of freedom."""
    differences = np.asarray(differences, dtype=np.float64)
    n = len(differences)
    if n < 2:
        raise ParameterError(f"found {n} fold, expected at least 2 to know how much folds differ")
    variance = float(differences.var(ddof=1))
    if variance <= (1e-12 * np.abs(differences).max()) ** 2:  # equal but for rounding
        variance = 0.0
    return float(differences.mean()), float(np.sqrt((1 / n + test_to_train) * variance)), n - 1


def _members(groups: np.ndarray) -> list[np.ndarray]:
    """Return the positions of each group."""
    _, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
