"""The patch kernels against their slow twins."""

import numpy as np
import pytest
from sklearn.feature_extraction.image import extract_patches_2d

from classicvis.exceptions import ParameterError
from classicvis.kernels.patches import (
    normalized_patches,
    patch_grid,
    pool_soft_threshold,
    pool_triangle,
)
from tests.reference import patches as slow


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def extract(image, size, stride=1, regularization=10.0):
    rows, cols = patch_grid(image.shape[:2], size, stride)
    channels = image.shape[2] if image.ndim == 3 else 1
    out = np.full((rows * cols, size * size * channels), np.nan, np.float32)
    normalized_patches(image, size, stride, regularization, out)
    return out


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize(
    ("shape", "size"), [((9, 11, 3), 4), ((8, 8), 3), ((5, 7, 3), 5), ((1, 1), 1), ((6, 4, 3), 1)]
)
def test_patches_equal_the_twin(shape, size, stride):
    """Colour and grey, one pixel, a patch as large as the image: the formula's numbers."""
    image = noise(*shape)
    expected = slow.normalized_patches(image, size, stride, 10.0)
    np.testing.assert_allclose(extract(image, size, stride), expected, atol=1e-5)


def test_patches_are_those_of_scikit_learn():
    """Order of patches and of the values in them is that of extract_patches_2d."""
    image = noise(8, 9, 3)
    patches = extract_patches_2d(image, (4, 4)).reshape(-1, 48).astype(float)
    patches -= patches.mean(axis=1, keepdims=True)
    expected = patches / np.sqrt(patches.var(axis=1, keepdims=True) + 10)
    np.testing.assert_allclose(extract(image, 4), expected, atol=1e-5)


@pytest.mark.parametrize("value", [0, 1, 77, 255])
def test_flat_patches_are_zero(value):
    """A flat image has patches of exact zeros, whatever its grey value."""
    assert not extract(np.full((9, 9, 3), value, np.uint8), 6).any()


def test_patches_of_read_only_and_strided_images():
    """Read-only, mirrored and strided images give the numbers of plain copies."""
    image = noise(16, 24, 3)[::2, ::-2]
    expected = extract(image.copy(), 4)
    np.testing.assert_array_equal(extract(image, 4), expected)
    frozen = image.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(extract(frozen, 4), expected)


@pytest.mark.parametrize("n_words", [1, 7, 40])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_soft_threshold_equals_the_twin(threshold, n_words):
    """Codes of both signs are added to what the cells hold, in any order of cells."""
    responses, cells = normal(30, n_words), np.arange(30) * 7 % 4
    out = np.ones((5, 2 * n_words), np.float32)
    pool_soft_threshold(responses, cells, threshold, out)
    codes = slow.soft_threshold(responses.astype(float), threshold)
    expected = 1 + np.array([codes[cells == cell].sum(axis=0) for cell in range(5)])
    np.testing.assert_allclose(out, expected, rtol=1e-5)


@pytest.mark.parametrize("n_words", [1, 7, 40])
def test_triangle_equals_the_twin(n_words):
    """Distances from products are those between patches and words."""
    patches, words = normal(30, 12), normal(n_words, 12, seed=1)
    cells = np.arange(30) * 7 % 4
    out = np.ones((5, n_words), np.float32)
    squares = (patches**2).sum(axis=1), (words**2).sum(axis=1)
    pool_triangle(patches @ words.T, *squares, cells, out)
    codes = slow.triangle(patches.astype(float), words.astype(float))
    expected = 1 + np.array([codes[cells == cell].sum(axis=0) for cell in range(5)])
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


def test_triangle_of_a_patch_that_is_a_word():
    """A distance of zero, which rounding takes below, is finite."""
    words = 100 * normal(6, 9)
    out = np.zeros((1, 6), np.float32)
    squares = (words**2).sum(axis=1)
    pool_triangle(words @ words.T, squares, squares, np.zeros(6, np.intp), out)
    assert np.isfinite(out).all()


def test_arguments_that_do_not_fit_are_refused():
    """An image smaller than a patch, a wrong `out` and cells outside of it are sentences."""
    with pytest.raises(ParameterError, match="5x9 pixels"):
        patch_grid((5, 9), 6, 1)
    with pytest.raises(ParameterError, match="out has shape"):
        normalized_patches(noise(8, 8), 6, 1, 10.0, np.empty((9, 35), np.float32))
    responses, squares = normal(3, 4), np.ones(4, np.float32)
    with pytest.raises(ParameterError, match="out has shape"):
        pool_soft_threshold(responses, np.zeros(3, np.intp), 0.0, np.empty((2, 4), np.float32))
    for cells in ([0, 1], [0, 1, 2], [-1, 0, 1]):
        with pytest.raises(ParameterError, match="cells: expected 3 numbers of the 2 rows"):
            pool_soft_threshold(responses, np.array(cells), 0.0, np.zeros((2, 8), np.float32))
        with pytest.raises(ParameterError, match="cells: expected 3 numbers of the 2 rows"):
            pool_triangle(
                responses, squares[:3], squares, np.array(cells), np.zeros((2, 4), np.float32)
            )
