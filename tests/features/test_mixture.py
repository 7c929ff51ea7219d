"""The mixture behind Fisher vectors against scikit-learn's, and on descriptors that collapse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from classicvis.exceptions import ParameterError
from classicvis.features._mixture import fit_mixture
from classicvis.functional import dense_sift


@pytest.fixture(scope="module")
def descriptors():
    """RootSIFT of two photos on 16 principal components."""
    photos = [data.camera()[::2, ::2], data.coins()]
    found = np.concatenate([dense_sift(p, 6, (4, 8), root=True).descriptors for p in photos])
    return PCA(16, random_state=0).fit_transform(found).astype(np.float32)


def score(mixture, descriptors):
    """Return scikit-learn's mean log-likelihood of descriptors under a mixture."""
    gmm = GaussianMixture(len(mixture.weights), covariance_type="diag")
    gmm.weights_ = mixture.weights.astype(float) / mixture.weights.sum(dtype=float)
    gmm.means_, gmm.covariances_ = mixture.means.astype(float), mixture.variances.astype(float)
    gmm.precisions_cholesky_ = 1 / np.sqrt(gmm.covariances_)
    return gmm.score(descriptors)


def continued(mixture, descriptors, n_iterations, **options):
    """Return scikit-learn's mixture after further iterations, in float64."""
    gmm = GaussianMixture(
        len(mixture.weights),
        covariance_type="diag",
        max_iter=n_iterations,
        weights_init=mixture.weights.astype(float) / mixture.weights.sum(dtype=float),
        means_init=mixture.means.astype(float),
        precisions_init=1 / mixture.variances.astype(float),
        **options,
    )
    return gmm.fit(descriptors.astype(float))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", [0, 1])
def test_the_likelihood_is_scikit_learns(descriptors, seed):
    """From one start, thirty iterations come within 0.1 % of scikit-learn's in float64."""
    start = fit_mixture(descriptors, 32, seed, max_iterations=0)
    expected = continued(start, descriptors, 30).score(descriptors)
    found = score(fit_mixture(descriptors, 32, seed), descriptors)
    assert found == pytest.approx(expected, rel=1e-3)
    assert found > score(start, descriptors) + 0.1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_iteration_is_scikit_learns(descriptors):
    """One more iteration from a mixture is scikit-learn's step from the same mixture."""
    start = fit_mixture(descriptors, 6, 0, max_iterations=3)
    expected = continued(start, descriptors, 1, reg_covar=0)
    found = fit_mixture(descriptors, 6, 0, max_iterations=4)
    assert_allclose(found.weights, expected.weights_, rtol=1e-4)
    assert_allclose(found.means, expected.means_, atol=1e-5)
    assert_allclose(found.variances, expected.covariances_, rtol=1e-3)
    assert np.abs(found.means - start.means).max() > 1e-4


def test_a_seed_fixes_the_mixture(descriptors):
    """Equal seeds give equal bits, other seeds another mixture, all float32 of the right shapes."""
    first, again, other = (fit_mixture(descriptors[:500], 4, seed) for seed in (0, 0, 1))
    for one, two in zip(first, again, strict=True):
        assert one.dtype == np.float32
        assert_array_equal(one, two)
    assert not np.array_equal(first.means, other.means)
    assert [a.shape for a in first] == [(4,), (4, 16), (4, 16)]
    assert first.weights.sum() == pytest.approx(1, abs=1e-6)


def test_the_place_of_the_origin_does_not_matter(descriptors):
    """Descriptors moved by a hundred standard deviations have the mixture moved as far."""
    part = descriptors[:800].astype(float)
    near, far = fit_mixture(part, 3, 0), fit_mixture(part + 16, 3, 0)
    assert_allclose(far.means - 16, near.means, atol=1e-4)
    assert_allclose(far.variances, near.variances, rtol=1e-2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kinds", [1, 2])
def test_equal_descriptors_give_a_finite_mixture(kinds):
    """Fewer kinds of descriptors than components: finite, positive variances, weights of sum 1."""
    points = np.repeat(np.eye(kinds, 4, dtype=np.float32), 20, axis=0)
    mixture = fit_mixture(points, 5, 0)
    assert all(np.isfinite(a).all() for a in mixture)
    assert (mixture.variances > 0).all()
    assert mixture.weights.sum() == pytest.approx(1, abs=1e-6)
    assert np.isfinite(score(mixture, points))


def test_a_constant_column_gives_a_finite_mixture(descriptors):
    """A dimension without variance is floored, not divided by."""
    part = descriptors[:300].copy()
    part[:, 3] = 7
    mixture = fit_mixture(part, 3, 0)
    assert_allclose(mixture.means[:, 3], 7, rtol=1e-6)
    assert_allclose(mixture.variances[:, 3], 1e-4 * part.var(axis=0).max(), rtol=1e-4)


def test_fewer_descriptors_than_modes_are_refused():
    """The sentence names both numbers."""
    with pytest.raises(ParameterError, match="n_modes=4: found 3 descriptors"):
        fit_mixture(np.zeros((3, 2), np.float32), 4)
    assert np.isfinite(fit_mixture(np.eye(4, dtype=np.float32), 4, 0).variances).all()
