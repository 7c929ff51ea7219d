"""The colour histogram kernel against its slow twin, NumPy and OpenCV."""

import cv2
import numpy as np
import pytest
from skimage import data

from classicvis.exceptions import ParameterError
from classicvis.kernels.color_histogram import color_histogram_batch, color_histogram_length
from classicvis.kernels.color_spaces import COLOR_SPACES
from tests.reference.color_histogram import color_histogram as slow_histogram


def compute(images, bins=(8, 8, 8), joint=True, grid=(1, 1), dtype=np.float64, space="rgb"):
    out = np.full((len(images), color_histogram_length(bins, joint, grid)), np.nan, dtype)
    color_histogram_batch(images, COLOR_SPACES[space], bins, joint, grid, out)
    return out


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("bins", [(8, 8, 8), (1, 2, 3), (7, 1, 30), (1, 1, 256)])
@pytest.mark.parametrize(
    ("shape", "grid"),
    [
        ((2, 8, 8, 3), (1, 1)),
        ((1, 7, 11, 3), (3, 2)),
        ((1, 2, 3, 3), (4, 5)),
        ((3, 1, 1, 3), (1, 1)),
    ],
)
def test_kernel_equals_twin(shape, grid, bins, joint):
    """All bins and grids, divisible or not, larger than the image or not, give equal numbers."""
    images = noise(*shape)
    expected = [slow_histogram(image, bins, joint, grid) for image in images]
    np.testing.assert_array_equal(compute(images, bins, joint, grid), expected)


@pytest.mark.parametrize("bins", [(8, 8, 8), (4, 16, 5), (3, 7, 11)])
def test_joint_counts_equal_numpy_and_opencv(bins):
    """The counts are those of ``np.histogramdd`` and ``cv2.calcHist`` over [0, 256)."""
    image = data.astronaut()[::4, ::4]
    counts = compute(image[None], bins)[0] * image.shape[0] * image.shape[1]
    by_numpy, _ = np.histogramdd(image.reshape(-1, 3), bins, [(0, 256)] * 3)
    by_opencv = cv2.calcHist([image], [0, 1, 2], None, list(bins), [0, 256] * 3)
    np.testing.assert_allclose(counts, by_numpy.ravel(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(counts, by_opencv.ravel(), rtol=0, atol=1e-9)


def test_every_value_has_its_bin():
    """All 256 values of a channel, for every number of bins, split as evenly as 256 / n allows."""
    ramp = np.zeros((1, 1, 256, 3), np.uint8)
    ramp[..., 1] = np.arange(256)
    for n in (2, 3, 10, 100, 255, 256):
        counts = compute(ramp, (1, n, 1))[0] * 256
        expected = np.bincount([v * n // 256 for v in range(256)], minlength=n)
        np.testing.assert_allclose(counts, expected, rtol=0, atol=1e-9)


def test_float32_rows_are_those_of_single_images():
    """A batch equals its images one by one, bit for bit, in float32 too."""
    images = noise(5, 9, 14, 3)
    single = np.concatenate(
        [compute(image[None], grid=(2, 2), dtype=np.float32) for image in images]
    )
    np.testing.assert_array_equal(compute(images, grid=(2, 2), dtype=np.float32), single)


def test_each_pixel_is_in_one_grid_cell():
    """Weighted by the cells' areas, the cells of the grid add up to the whole histogram."""
    image = noise(1, 10, 13, 3)
    parts = compute(image, (4, 4, 4), grid=(3, 4)).reshape(12, -1)
    areas = np.outer([3, 3, 4], [3, 3, 3, 4]).ravel()
    np.testing.assert_allclose(areas @ parts / 130, compute(image, (4, 4, 4))[0], atol=1e-12)


def test_read_only_and_strided_images_are_accepted():
    """Read-only, non-contiguous and negatively strided batches give the numbers of plain copies."""
    images = noise(2, 12, 28, 3)[:, ::-1, ::-2]
    expected = compute(images.copy())
    np.testing.assert_array_equal(compute(images), expected)
    frozen = images.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(compute(frozen), expected)


def test_grey_batches_count_as_equal_channels():
    """A batch of shape (k, h, w) equals the one with its channel three times, in every space."""
    grey = noise(3, 6, 7)
    for space in COLOR_SPACES:
        expected = compute(np.stack([grey] * 3, axis=-1), space=space)
        np.testing.assert_array_equal(compute(grey, space=space), expected)


@pytest.mark.parametrize("space", COLOR_SPACES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 1, 1500, 3), (1, 40, 30, 3)])
def test_counts_in_all_spaces_equal_opencv(space, shape):
    """One pixel, one row longer than the kernel's runs, and runs over several rows: OpenCV's."""
    code = {"rgb": None, "hsv": cv2.COLOR_RGB2HSV_FULL, "lab": cv2.COLOR_RGB2LAB}[space]
    images = noise(*shape)
    for image, row in zip(images, compute(images, (5, 6, 7), space=space), strict=True):
        converted = image if code is None else cv2.cvtColor(image, code)
        expected = cv2.calcHist([converted], [0, 1, 2], None, [5, 6, 7], [0, 256] * 3)
        np.testing.assert_array_equal(
            np.rint(row * image.shape[0] * image.shape[1]), expected.ravel()
        )


def test_more_than_65536_joint_bins():
    """Places that need more than 16 bits are counted where they belong."""
    image = noise(1, 8, 9, 3)
    np.testing.assert_array_equal(
        compute(image, (64, 32, 256))[0], slow_histogram(image[0], (64, 32, 256))
    )


def test_a_flat_image_larger_than_the_copies():
    """All pixels in one bin: increments of all copies meet there, at every remainder of four."""
    for n in (1023, 1024, 1025, 1026):
        histogram = compute(np.full((1, 1, n, 3), 77, np.uint8), (2, 3, 2))[0]
        assert histogram.tolist() == [1] + [0] * 11


def test_no_images_give_no_rows():
    """An empty batch is not an error."""
    assert compute(np.empty((0, 4, 5, 3), np.uint8)).shape == (0, 512)


@pytest.mark.parametrize(
    ("bins", "grid", "message"),
    [
        ((0, 8, 8), (1, 1), r"bins=\(0, 8, 8\): expected three"),
        ((8, 8, 257), (1, 1), "1 to 256"),
        ((8, 8), (1, 1), "three numbers"),
        ((8, 8, 8), (0, 1), "at least one row"),
    ],
)
def test_bad_parameters_are_refused(bins, grid, message):
    """Bins outside 1 to 256 and grids without cells are errors."""
    with pytest.raises(ParameterError, match=message):
        color_histogram_length(bins, True, grid)


def test_a_wrong_out_is_refused():
    """An ``out`` of another shape or with gaps is an error, not a crash."""
    for out in (np.empty((1, 511)), np.empty((1, 1024))[:, ::2]):
        with pytest.raises(ParameterError, match=r"expected \(1, 512\), C-contiguous"):
            color_histogram_batch(noise(1, 4, 4, 3), 0, (8, 8, 8), True, (1, 1), out)


def test_an_unknown_space_is_refused():
    """A number that is no colour space is an error, not RGB."""
    with pytest.raises(ParameterError, match="COLOR_SPACES"):
        color_histogram_batch(noise(1, 4, 4, 3), 3, (8, 8, 8), True, (1, 1), np.empty((1, 512)))
