"""The Fisher kernels against their slow twin, and on awkward input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data

from classicvis.exceptions import ParameterError
from classicvis.functional import dense_sift
from classicvis.kernels.fisher import add_statistics, fisher_gradients, fisher_tables
from tests.reference import fisher as slow


def mixture(k, d, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 1.5, k)
    return weights / weights.sum(), rng.normal(size=(k, d)), rng.uniform(0.3, 1, (k, d))


def points(n, d, seed=1):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def compute(descriptors, regions, n_regions, parameters, dtype=np.float32, **options):
    tables = fisher_tables(*parameters, dtype)
    out = np.zeros((n_regions, *tables.coefficients.shape), dtype)
    return out, add_statistics(descriptors, regions, tables, out, **options)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize(("n", "k", "d"), [(1, 1, 1), (7, 3, 2), (70, 5, 4), (300, 2, 3)])
def test_statistics_equal_the_twin(n, k, d, dtype, rtol):
    """One block, parts of blocks and several blocks give the twin's sums and log-likelihood."""
    x, parameters = points(n, d), mixture(k, d)
    regions = np.random.default_rng(2).integers(0, 3, n)
    out, log_likelihood = compute(x, regions, 3, parameters, dtype, least_share=1e-16)
    expected, expected_log = slow.statistics(x, regions, 3, *parameters)
    assert_allclose(out, expected, rtol=rtol, atol=rtol * n / k)
    assert log_likelihood == pytest.approx(expected_log, rel=rtol)


def test_runs_of_one_region_equal_the_twin():
    """Descriptors sorted by region, in runs that four does not divide, count where they belong."""
    x, parameters = points(130, 3), mixture(4, 3)
    regions = np.repeat([2, 0, 1], [61, 6, 63])
    out, _ = compute(x, regions, 4, parameters)
    expected, _ = slow.statistics(x, regions, 4, *parameters)
    assert_allclose(out, expected, rtol=1e-5, atol=1e-4)
    assert not out[3].any()


def test_gradients_of_real_descriptors_equal_the_twin():
    """Dense SIFT of a photo, means and variances of parts of it: the formula of the paper."""
    descriptors = dense_sift(data.camera()[::4, ::4], 12, 4).descriptors
    parts = np.array_split(descriptors.astype(float), 3)
    means, variances = np.stack([p.mean(0) for p in parts]), np.stack([p.var(0) for p in parts])
    parameters = np.full(3, 1 / 3), means, variances + 1e-3
    out, _ = compute(descriptors, np.zeros(len(descriptors), np.intp), 1, parameters)
    found = fisher_gradients(out, *parameters, len(descriptors))
    expected = slow.gradients(descriptors, *parameters)
    assert found.dtype == np.float32
    assert found.shape == (1, 2 * 3 * 128)
    assert_allclose(found[0], expected, atol=2e-5 * np.abs(expected).max())


def test_small_posteriors_are_left_out():
    """A share below the least one counts for nothing, one above it fully."""
    parameters = np.array([0.5, 0.5]), np.array([[0.0], [4.0]]), np.ones((2, 1))
    x = np.array([[1.0]], np.float32)  # its posteriors are as exp(-1/2) to exp(-9/2): 0.018
    region = np.zeros(1, np.intp)
    kept, _ = compute(x, region, 1, parameters, least_share=0.018)
    left, _ = compute(x, region, 1, parameters, least_share=0.019)
    share = np.exp(-4)
    assert_allclose(kept[0, :, 0], np.array([1, share]) / (1 + share), rtol=1e-6)
    assert_array_equal(left[0, :, 0], [1, 0])


def test_sums_are_added():
    """What `out` holds already stays in it."""
    x, parameters = points(5, 2), mixture(2, 2)
    once, _ = compute(x, np.zeros(5, np.intp), 1, parameters)
    out = once.copy()
    add_statistics(x, np.zeros(5, np.intp), fisher_tables(*parameters), out)
    assert_allclose(out, 2 * once, rtol=1e-6)


def test_regions_add_up():
    """The statistics of all regions together are those of one region."""
    x, parameters = points(500, 4), mixture(6, 4)
    parts, _ = compute(x, np.arange(500) % 7, 7, parameters)
    whole, _ = compute(x, np.zeros(500, np.intp), 1, parameters)
    assert_allclose(parts.sum(axis=0), whole[0], rtol=1e-5, atol=1e-4)


def test_layout_changes_nothing():
    """Strided, read-only and float64 descriptors give the numbers of a plain copy, bit for bit."""
    parameters, regions = mixture(3, 4), np.arange(90) % 2
    x = points(180, 8)[::2, ::-2]
    expected, _ = compute(x.copy(), regions, 2, parameters)
    frozen = x.copy()
    frozen.flags.writeable = False
    regions.flags.writeable = False
    for layout in (x, frozen, np.asfortranarray(x), x.astype(np.float64)):
        assert_array_equal(compute(layout, regions, 2, parameters)[0], expected)


def test_no_descriptors_add_nothing():
    """An empty image has statistics, and gradients, of zeros."""
    parameters = mixture(2, 3)
    out, log_likelihood = compute(points(0, 3), np.zeros(0, np.intp), 2, parameters)
    assert log_likelihood == 0
    assert not out.any()
    assert not fisher_gradients(out, *parameters, 0).any()


def test_far_descriptors_are_finite():
    """A descriptor far from all components belongs to the nearest; an empty component is inert."""
    parameters = np.array([0.0, 0.5, 0.5]), *mixture(3, 2)[1:]
    x = np.array([[1e4, -1e4], [0, 0]], np.float32)
    out, log_likelihood = compute(x, np.zeros(2, np.intp), 1, parameters)
    assert np.isfinite(log_likelihood)
    assert_allclose(out[0, :, 0].sum(), 2, rtol=1e-6)
    found = fisher_gradients(out, *parameters, 2)
    assert np.isfinite(found).all()
    assert not found.reshape(2, 3, 2)[:, 0].any()


def test_gradients_of_regions_have_their_own_numbers():
    """Each region is divided by its own number of descriptors."""
    x, parameters = points(30, 2), mixture(2, 2)
    regions = np.repeat([0, 1], [10, 20])
    out, _ = compute(x, regions, 2, parameters)
    found = fisher_gradients(out, *parameters, np.array([10, 20]))
    for region, row in enumerate(found):
        assert_allclose(row, slow.gradients(x[regions == region], *parameters), atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"descriptors": points(4, 2)}, r"expected \(n, 3\) and \(n,\)"),
        ({"regions": np.zeros(3, np.intp)}, r"regions \(3,\): expected"),
        ({"regions": np.full(4, 1)}, "regions lie in 1 to 1: expected 0 to 0"),
        ({"regions": np.full(4, -1)}, "regions lie in -1 to -1: expected 0 to 0"),
        ({"out": np.zeros((1, 2, 7))}, r"float64: expected \(1, 2, 7\) of float32"),
        ({"out": np.zeros((1, 3, 7), np.float32)}, r"expected \(1, 2, 7\) of float32"),
        ({"out": np.zeros((1, 2, 14), np.float32)[..., ::2]}, "C-contiguous"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    """Wrong shapes, types and regions are errors, never writes outside of `out`."""
    arguments = {
        "descriptors": points(4, 3),
        "regions": np.zeros(4, np.intp),
        "tables": fisher_tables(*mixture(2, 3)),
        "out": np.zeros((1, 2, 7), np.float32),
    } | changes
    with pytest.raises(ParameterError, match=message):
        add_statistics(**arguments)
