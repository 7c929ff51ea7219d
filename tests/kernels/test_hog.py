"""The HOG kernel against its slow twin and against scikit-image."""

import tracemalloc

import numpy as np
import pytest
from skimage import data
from skimage.feature import hog as skimage_hog

from classicvis.exceptions import ImageError, ParameterError
from classicvis.kernels import hog as hog_kernels
from classicvis.kernels.hog import hog_batch, hog_length
from classicvis.kernels.hog_blocks import BLOCK_NORMS
from tests.reference.hog import hog as slow_hog

JIT_OFF = not hasattr(hog_kernels._sum_votes, "nopython_signatures")
full_size = pytest.mark.skipif(JIT_OFF, reason="too slow without the compiler")


def compute(images, n=9, cell=(8, 8), block=(2, 2), norm="L2-Hys", signed=False, root=False):
    length = hog_length(*images.shape[1:3], n, cell, block)
    out = np.full((len(images), length), np.nan, np.float32)
    hog_batch(images, n, cell, block, BLOCK_NORMS[norm], signed, root, out)
    return out


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("norm", BLOCK_NORMS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shape", [(1, 17, 23), (2, 12, 16, 3), (1, 13, 11, 2)])
def test_kernel_equals_twin(shape, signed, norm):
    """Grey, RGB and other channel counts, whole and partial cells, give the twin's numbers."""
    images = noise(*shape)
    expected = [slow_hog(image, 10, (4, 5), (2, 1), norm, signed) for image in images]
    actual = compute(images, 10, (4, 5), (2, 1), norm, signed)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 3)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_tiny_images_equal_twin(shape, channels):
    """Images of one pixel, row or column, whose borders meet, give the twin's numbers."""
    image = noise(*shape, *channels)
    actual = compute(image[None], 6, (1, 1), (1, 1))
    np.testing.assert_allclose(actual[0], slow_hog(image, 6, (1, 1), (1, 1), "L2-Hys"), atol=1e-6)


@pytest.mark.parametrize("value", [0, 137, 255])
@pytest.mark.parametrize("norm", BLOCK_NORMS)
def test_flat_images_give_zeros(value, norm):
    """A flat image has no gradient: exact zeros, nothing undefined."""
    assert not compute(np.full((1, 16, 16), value, np.uint8), norm=norm).any()


@pytest.mark.parametrize("slab", [1, 40, 100, 300])
def test_slab_size_changes_nothing(slab, monkeypatch):
    """The result does not depend on how many rows are worked on at once."""
    images = noise(2, 19, 21, 3)
    expected = compute(images, 9, (4, 4), (2, 2))
    monkeypatch.setattr(hog_kernels, "_SLAB", slab)
    np.testing.assert_allclose(compute(images, 9, (4, 4), (2, 2)), expected, atol=1e-7)


@full_size
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n_bins", [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 18, 24, 36, 90, 180])
def test_every_gradient_falls_into_the_bin_of_the_reference(n_bins, signed):
    """All 511 x 511 gradients of uint8 images have the bin that arctan2 and float32 edges give."""
    steps = np.arange(-255, 256, dtype=np.int16)
    g_row, g_col = (np.ascontiguousarray(g.ravel()) for g in np.meshgrid(steps, steps))
    bins, n_all = np.empty_like(g_row), n_bins * (1 + signed)
    slopes = hog_kernels._slopes(n_bins)
    hog_kernels._orientation_bins(g_row, g_col, slopes, n_all, signed, np.empty_like(bins), bins)
    period = 360 if signed else 180
    degrees = np.arctan2(g_row.astype(float), g_col.astype(float)) * (180 / np.pi) % period
    edges = np.float32(180.0 / n_bins * np.arange(n_all + 1))
    expected = np.searchsorted(edges.astype(float), degrees, side="right") - 1
    moving = (g_row != 0) | (g_col != 0)  # the zero gradient votes with nothing
    np.testing.assert_array_equal(bins[moving], expected[moving])
    assert set(bins) == set(range(n_all))


@full_size
@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("name", ["camera", "astronaut", "coffee", "chelsea", "brick"])
def test_photos_equal_scikit_image(name, root):
    """On real photos, grey and RGB, the float32 batch is within 1e-6 of scikit-image."""
    image = getattr(data, name)()
    axis = None if image.ndim == 2 else -1
    expected = skimage_hog(image, cells_per_block=(2, 2), transform_sqrt=root, channel_axis=axis)
    assert np.abs(compute(image[None], root=root)[0] - expected).max() <= 1e-6


@full_size
def test_memory_is_bounded():
    """A large image needs the memory that the docstring states beside itself and the result."""
    image = np.tile(data.camera(), (4, 4))[None]
    out = np.empty((1, hog_length(*image.shape[1:], 9, (8, 8), (2, 2))), np.float32)
    options = (9, (8, 8), (2, 2), 3, False, False, out)
    hog_batch(image, *options)
    tracemalloc.start()
    try:
        hog_batch(image, *options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 4 * (2 * 9 + 3) * (image.size // 64) + 30 * 4096 + 20_000


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_do_not_depend_on_the_dtype_of_out(dtype):
    """float64 results are the float32 ones, converted."""
    images = noise(2, 16, 24)
    out = np.empty((2, hog_length(16, 24, 9, (4, 4), (2, 2))), dtype)
    hog_batch(images, 9, (4, 4), (2, 2), BLOCK_NORMS["L2-Hys"], False, False, out)
    np.testing.assert_array_equal(out, compute(images, cell=(4, 4)).astype(dtype))


@pytest.mark.parametrize("norm", BLOCK_NORMS)
def test_images_that_wait_together_change_nothing(norm, monkeypatch):
    """The result does not depend on how many images are normalised at once."""
    images = noise(5, 12, 12)
    expected = compute(images, cell=(4, 4), norm=norm)
    monkeypatch.setattr(hog_kernels, "_CELLS", 200)
    np.testing.assert_array_equal(compute(images, cell=(4, 4), norm=norm), expected)


@full_size
def test_every_row_is_the_descriptor_of_its_image():
    """A batch equals its images one by one, bit for bit."""
    images = noise(7, 32, 32, 3)
    single = np.concatenate([compute(image[None]) for image in images])
    np.testing.assert_array_equal(compute(images), single)


def test_signed_bins_tell_opposite_edges_apart():
    """A rising and a falling ramp share a bin unsigned and lie half a turn apart when signed."""
    ramp = np.tile(np.arange(8, dtype=np.uint8) * 20, (8, 1))
    up_down = np.stack([ramp, ramp[:, ::-1]])
    unsigned = compute(up_down, 9, (8, 8), (1, 1))
    signed = compute(up_down, 18, (8, 8), (1, 1), signed=True)
    np.testing.assert_array_equal(unsigned[0], unsigned[1])
    assert signed.argmax(axis=1).tolist() == [0, 9]


@pytest.mark.parametrize("signed", [False, True])
def test_roots_of_perfect_squares_equal_the_roots_as_image(signed):
    """Taking square roots inside equals an image that holds the roots."""
    roots = noise(2, 16, 16) // 16
    direct = compute(roots, 8, signed=signed)
    np.testing.assert_allclose(compute(roots**2, 8, signed=signed, root=True), direct, atol=1e-6)


def test_read_only_and_strided_images_are_accepted():
    """Read-only and non-contiguous batches give the numbers of plain copies."""
    images = noise(2, 20, 40, 3)[:, ::-1, ::2]
    expected = compute(images.copy(), 9, (4, 4))
    np.testing.assert_array_equal(compute(images, 9, (4, 4)), expected)
    frozen = images.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(compute(frozen, 9, (4, 4)), expected)


def test_an_empty_batch_is_empty():
    """No images give no rows."""
    assert compute(np.empty((0, 16, 16), np.uint8)).shape == (0, 36)


def test_an_image_smaller_than_a_block_is_refused():
    """The message of the reference, naming the smallest size that would do."""
    with pytest.raises(ImageError, match=r"too small.*at least: 16 rows and 24 cols"):
        hog_length(15, 64, 9, (8, 8), (2, 3))


def test_bad_parameters_are_refused():
    """An odd number of signed bins, no bins, or an ``out`` of another shape is an error."""
    images = noise(1, 16, 16)
    with pytest.raises(ParameterError, match="orientations=9: expected an even number"):
        compute(images, 9, signed=True)
    with pytest.raises(ParameterError, match="orientations=0"):
        compute(images, 0)
    with pytest.raises(ParameterError, match=r"out has shape \(1, 5\): expected \(1, 36\)"):
        hog_batch(images, 9, (8, 8), (2, 2), 3, False, False, np.empty((1, 5), np.float32))
