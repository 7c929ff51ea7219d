"""`fisher_vector` and `learn_gmm` against scikit-image's, on descriptors of a photo."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data, feature
from sklearn.mixture import GaussianMixture

from classicvis.exceptions import ParameterError
from classicvis.functional import dense_sift, fisher_vector, learn_gmm


@pytest.fixture(scope="module")
def descriptors():
    return dense_sift(data.camera()[::2, ::2], 16, 4, root=True).descriptors[:, :24].astype(float)


@pytest.fixture(scope="module")
def gmm(descriptors):
    return learn_gmm(descriptors, n_modes=5, gm_args={"random_state": 0})


@pytest.mark.parametrize("improved", [False, True])
@pytest.mark.parametrize("alpha", [0.5, 0.3, 1.0])
def test_vectors_are_scikit_images(descriptors, gmm, improved, alpha):
    """Plain and improved vectors of part of the descriptors."""
    part = descriptors[10:70]
    expected = feature.fisher_vector(part, gmm, improved=improved, alpha=alpha)
    found = fisher_vector(part, gmm, improved=improved, alpha=alpha)
    assert found.dtype == expected.dtype
    # The power lifts what is nearly zero, and with it the rounding of both.
    assert_allclose(found, expected, atol=1e-9 if not improved or alpha == 1 else 1e-4)
    assert np.abs(expected).max() > 0.1


def test_float32_descriptors_are_squared_in_float64(descriptors, gmm):
    """They give what scikit-image gives for the same values in float64, and in its type."""
    part = descriptors[10:70].astype(np.float32)
    found = fisher_vector(part, gmm)
    assert found.dtype == feature.fisher_vector(part, gmm).dtype
    assert_allclose(found, feature.fisher_vector(part.astype(float), gmm), atol=1e-9)
    assert_allclose(found, feature.fisher_vector(part, gmm), atol=1e-6)


def test_vectors_of_a_float32_mixture_are_scikit_images(descriptors):
    """A mixture learnt in float32: scikit-image's type, and its numbers but for its rounding."""
    gmm = learn_gmm(descriptors.astype(np.float32), n_modes=5, gm_args={"random_state": 0})
    for dtype in (np.float32, np.float64):
        part = descriptors[10:70].astype(dtype)
        expected = feature.fisher_vector(part, gmm)
        found = fisher_vector(part, gmm)
        assert found.dtype == expected.dtype
        assert_allclose(found, expected, atol=1e-5)


def test_narrow_components_are_scikit_images():
    """Components of one descriptor each, with next to no variance: float64 is enough for them."""
    points = np.random.default_rng(0).random((40, 16))
    gmm = feature.learn_gmm(points, n_modes=12)
    expected = feature.fisher_vector(points[:25], gmm)
    assert_allclose(fisher_vector(points[:25], gmm), expected, atol=1e-6 * np.abs(expected).max())


def test_mixtures_are_scikit_images(descriptors, gmm):
    """`learn_gmm` gives scikit-image's mixture, for an array and for a list of arrays."""
    arguments = {"covariance_type": "diag", "random_state": 0}
    expected = feature.learn_gmm(descriptors, n_modes=5, gm_args=arguments)
    for found in (gmm, learn_gmm(np.array_split(descriptors, 3), n_modes=5, gm_args=arguments)):
        for name in ("weights_", "means_", "covariances_"):
            assert_array_equal(getattr(found, name), getattr(expected, name))
    assert learn_gmm(descriptors[:50]).n_components == 32


def test_layout_changes_nothing(descriptors, gmm):
    """Strided and read-only descriptors give the numbers of a plain copy, bit for bit."""
    expected = fisher_vector(descriptors[::2].copy(), gmm)
    frozen = descriptors[::2].copy()
    frozen.flags.writeable = False
    assert_array_equal(fisher_vector(descriptors[::2], gmm), expected)
    assert_array_equal(fisher_vector(frozen, gmm), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"descriptors": [[1.0] * 24]}, r"descriptors of list: expected a NumPy array"),
        ({"descriptors": np.zeros((0, 24))}, r"shape \(0, 24\): expected"),
        ({"descriptors": np.zeros((3, 23))}, r"expected a NumPy array of shape \(n, 24\)"),
        ({"descriptors": np.zeros(24)}, r"descriptors of shape \(24,\)"),
        ({"gmm": "gmm"}, "gmm='gmm': expected a sklearn.mixture.GaussianMixture"),
        ({"gmm": GaussianMixture(2)}, "covariance_type='diag', such as"),
        ({"improved": True, "alpha": 1}, "alpha=1: expected a float"),
    ],
)
def test_bad_arguments_are_refused(descriptors, gmm, arguments, message):
    """What is no matrix of the mixture's columns, or no diagonal mixture, gets one sentence."""
    with pytest.raises(ParameterError, match=message):
        fisher_vector(**{"descriptors": descriptors, "gmm": gmm, **arguments})


def test_errors_of_learning_are_scikit_images(descriptors):
    """A covariance that is not diagonal, and no number of modes, are refused as there."""
    with pytest.raises(Exception, match='Covariance type must be "diag"'):
        learn_gmm(descriptors, gm_args={"covariance_type": "full"})
    with pytest.raises(Exception, match="n_modes is a positive integer"):
        learn_gmm(descriptors, n_modes=0)
    with pytest.raises(Exception, match="NumPy array, or a list of NumPy arrays"):
        learn_gmm((descriptors,))
