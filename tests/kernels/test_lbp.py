"""The kernel of local binary patterns against its slow twin and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.feature import local_binary_pattern

from classicvis.exceptions import ParameterError
from classicvis.kernels.lbp import METHODS, lbp_histogram_batch, lbp_image, lbp_length
from tests.reference.lbp import lbp as slow_lbp

CIRCLES = [(8, 1), (4, 1), (12, 2.5), (5, 0.3), (1, 1), (2, 3)]


def compute(image, n_points, radius, method):
    out = np.full(image.shape, -1.0)
    lbp_image(image, n_points, radius, METHODS[method], out)
    return out


def histograms(images, n_points, radius, method, grid=(1, 1)):
    length = grid[0] * grid[1] * lbp_length(n_points, METHODS[method])
    out = np.full((len(images), length), np.nan, np.float32)
    lbp_histogram_batch(images, n_points, radius, METHODS[method], grid, out)
    return out


def noise(*shape, levels=256):
    return np.random.default_rng(0).integers(0, levels, shape, dtype=np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n_points", "radius"), CIRCLES)
def test_equals_the_naive_twin(method, n_points, radius):
    """Noise, two levels with many ties, a flat image, one pixel, a row: equal bit for bit."""
    images = [noise(9, 11), noise(8, 7, levels=2), np.full((6, 5), 77, np.uint8)]
    images += [noise(1, 1), noise(1, 9), noise(9, 1), noise(7, 8) / 7]
    for image in images:
        found = compute(image, n_points, radius, method)
        np.testing.assert_array_equal(found, slow_lbp(image, n_points, radius, method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n_points", "radius"), [(8, 1), (16, 2), (24, 3)])
def test_equals_scikit_image_on_photos(method, n_points, radius):
    """Photos with flat parts, where rounding decides: equal in every pixel."""
    for photo in (data.camera()[::12, ::16], data.moon()[200:230, 300:340], data.page()[:30, :40]):
        image = np.ascontiguousarray(photo)
        expected = local_binary_pattern(image, n_points, radius, method)
        np.testing.assert_array_equal(compute(image, n_points, radius, method), expected)


def test_positions_that_round_differently():
    """Rounding depends on the position, so the far end of a long image tells."""
    image = noise(3, 1500, levels=3)
    for picture in (image, np.ascontiguousarray(image.T)):
        expected = local_binary_pattern(picture, 16, 2, "uniform")
        np.testing.assert_array_equal(compute(picture, 16, 2, "uniform"), expected)


@pytest.mark.parametrize("n_points", [31, 32, 40, 53])
def test_long_codes_do_not_overflow(n_points):
    """Codes of up to 53 bits are those of Python's integers."""
    image = noise(5, 6)
    for method in ("default", "ror"):
        found = compute(image, n_points, 2, method)
        np.testing.assert_array_equal(found, slow_lbp(image, n_points, 2, method))
    assert compute(np.full((9, 9), 3, np.uint8), n_points, 1, "default")[0, 0] >= 0


def test_many_points_are_counted_right():
    """Counters hold more than 255 ones and changes."""
    bright = np.zeros((3, 3), np.uint8)
    assert compute(bright, 700, 1, "uniform")[1, 1] == 700
    assert compute(bright, 700, 1, "nri_uniform")[1, 1] == 700 * 699 + 1


@pytest.mark.parametrize("method", ["default", "uniform", "nri_uniform"])
@pytest.mark.parametrize("grid", [(1, 1), (3, 2), (20, 30)])
def test_histograms_are_counts_of_the_codes(method, grid):
    """Each cell holds the shares of its codes; cells without pixels hold zeros."""
    images = noise(2, 17, 23)
    found = histograms(images, 6, 1.5, method, grid)
    for image, row in zip(images, found.reshape(2, *grid, -1), strict=True):
        codes = compute(image, 6, 1.5, method).astype(int)
        for i in range(grid[0]):
            for j in range(grid[1]):
                rows = slice(i * 17 // grid[0], (i + 1) * 17 // grid[0])
                cols = slice(j * 23 // grid[1], (j + 1) * 23 // grid[1])
                cell = codes[rows, cols].ravel()
                expected = np.bincount(cell, minlength=row.shape[-1]) / max(1, cell.size)
                np.testing.assert_array_equal(row[i, j], expected.astype(np.float32))


def test_read_only_and_strided_images():
    """Views and read-only arrays give the numbers of their copies."""
    view = noise(2, 20, 30)[:, ::-1, ::-2]
    expected = histograms(np.ascontiguousarray(view), 8, 1, "uniform")
    np.testing.assert_array_equal(histograms(view, 8, 1, "uniform"), expected)
    frozen = np.ascontiguousarray(view)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(histograms(frozen, 8, 1, "uniform"), expected)
    assert histograms(view[:0], 8, 1, "uniform").shape == (0, 10)


def test_a_wrong_out_is_refused():
    """An ``out`` of another length is an error, not a crash."""
    with pytest.raises(ParameterError, match=r"expected \(1, 10\)"):
        lbp_histogram_batch(
            noise(1, 4, 4), 8, 1, METHODS["uniform"], (1, 1), np.empty((1, 9), "f4")
        )
