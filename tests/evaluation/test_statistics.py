"""Tests and intervals equal those of other libraries and of the papers."""

from __future__ import annotations

import baycomp
import mlxtend.evaluate
import numpy as np
import pytest
from scipy import stats

from classicvis.evaluation._statistics import (
    accuracy_interval,
    bayesian_comparison,
    bootstrap_interval,
    corrected_resampled_ttest,
    holm,
    mcnemar,
)
from classicvis.exceptions import ParameterError


def pairs(only_a, only_b, both=20, neither=4):
    """Return two vectors of right and wrong with such counts."""
    a = np.repeat([True, False, True, False], [only_a, only_b, both, neither])
    b = np.repeat([False, True, True, False], [only_a, only_b, both, neither])
    return a, b


def test_wilson_interval_of_a_published_example():
    """Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263."""
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    low, high = accuracy_interval(50, 50)
    assert low < 0.95
    assert high == 1.0


@pytest.mark.parametrize(("method", "p"), [("mid-p", 0.039), ("exact", 0.070), ("chi2", 0.077)])
def test_mcnemar_of_a_published_example(method, p):
    """Fagerland et al. 2013, table 1 and its p-values: 1 and 7 discordant pairs."""
    assert mcnemar(*pairs(1, 7), method=method) == pytest.approx(p, abs=5e-4)


@pytest.mark.parametrize("counts", [(1, 7), (30, 12), (5, 5), (0, 3), (120, 95)])
def test_mcnemar_equals_mlxtend(counts):
    """Exact and corrected chi-squared values are those of mlxtend."""
    only_a, only_b = counts
    table = np.array([[20, only_a], [only_b, 4]])
    a, b = pairs(*counts)
    exact = mlxtend.evaluate.mcnemar(table, exact=True)[1]
    assert mcnemar(a, b, method="exact") == pytest.approx(min(exact, 1.0))
    corrected = mlxtend.evaluate.mcnemar(table, corrected=True)[1]
    if only_a != only_b:  # where |a - b| < 1 the correction overshoots, in mlxtend as well
        assert mcnemar(a, b, method="chi2") == pytest.approx(corrected)


def test_mcnemar_is_symmetric_and_knows_equals():
    """The order does not matter; models that are right about the same images do not differ."""
    a, b = pairs(9, 3)
    assert mcnemar(a, b) == mcnemar(b, a)
    assert mcnemar(a, a) == 1.0
    assert mcnemar(*pairs(6, 6)) == 1.0
    with pytest.raises(ParameterError, match="mid-p"):
        mcnemar(a, b, method="wald")


def test_ttest_without_correction_is_the_paired_one():
    """A share of 0 gives SciPy's paired t-test; a share above it a larger p-value."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.9, 0.02, 10), rng.normal(0.88, 0.02, 10)
    plain = stats.ttest_rel(a, b).pvalue
    assert corrected_resampled_ttest(a - b, 0.0) == pytest.approx(plain)
    assert corrected_resampled_ttest(a - b, 1 / 9) > 1.5 * plain


def test_ttest_by_its_formula():
    """Nadeau and Bengio 2003, section 3: t = mean / sqrt((1/J + n2/n1) s^2)."""
    differences = np.array([0.02, 0.01, 0.03, -0.01, 0.02])
    s2 = ((differences - 0.014) ** 2).sum() / 4
    t = 0.014 / np.sqrt((1 / 5 + 1 / 4) * s2)
    expected = 2 * (1 - stats.t.cdf(t, 4))
    assert corrected_resampled_ttest(differences, 1 / 4) == pytest.approx(expected)


def test_folds_without_spread_have_defined_answers():
    """Equal folds are no difference, or a certain one."""
    assert corrected_resampled_ttest(np.zeros(5), 0.25) == 1.0
    assert corrected_resampled_ttest(np.full(5, 0.1), 0.25) == 0.0
    assert bayesian_comparison(np.zeros(5), 0.25, 0.01) == (0.0, 1.0, 0.0)
    assert bayesian_comparison(np.full(5, 0.1), 0.25, 0.01) == (1.0, 0.0, 0.0)
    with pytest.raises(ParameterError, match="at least 2"):
        corrected_resampled_ttest(np.array([0.1]), 0.25)


@pytest.mark.parametrize("rope", [0.0, 0.01, 0.03])
def test_bayesian_comparison_equals_baycomp(rope):
    """Ten runs of ten folds: the three probabilities are those of the authors' package."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.90, 0.03, 100), rng.normal(0.885, 0.03, 100)
    found = bayesian_comparison(a - b, 1 / 9, rope)
    expected = baycomp.two_on_single(b, a, rope=rope, runs=10)  # (left, rope, right)
    if rope == 0:
        expected = (expected[0], 0.0, expected[1])
    assert found == pytest.approx((expected[2], expected[1], expected[0]), abs=1e-9)
    assert sum(found) == pytest.approx(1)


def test_holm_of_a_known_example():
    """The values of R's ``p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")``."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert len(holm([])) == 0


def test_bootstrap_of_a_mean_is_near_the_normal_interval():
    """For the mean of many numbers both intervals agree."""
    values = np.random.default_rng(3).exponential(size=2000)
    low, high = bootstrap_interval(lambda draw: values[draw].mean(), 2000)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.2 * half)


def test_bootstrap_keeps_groups_together():
    """Every image four times is no more than once: the interval stays as wide."""
    values = np.random.default_rng(4).normal(size=200)
    alone = bootstrap_interval(lambda draw: values[draw].mean(), 200)
    copies, groups = np.tile(values, 4), np.tile(np.arange(200), 4)
    together = bootstrap_interval(lambda draw: copies[draw].mean(), 800, groups=groups)
    naive = bootstrap_interval(lambda draw: copies[draw].mean(), 800)
    width = alone.high - alone.low
    assert together.high - together.low == pytest.approx(width, rel=0.15)
    assert naive.high - naive.low < 0.6 * width
