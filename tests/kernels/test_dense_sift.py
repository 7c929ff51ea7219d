"""The dense SIFT kernel against its naive twin."""

import numpy as np
import pytest

from classicvis.kernels.dense_sift import dense_sift_batch, dense_sift_length, dense_sift_shape
from classicvis.kernels.sift_math import normalize_descriptor, octant_fraction, root_batch
from tests.reference import dense_sift as twin


def compute(images, step, bin_size, gaussian=False, offset=0.0):
    n = dense_sift_length(*images.shape[1:], step, bin_size, offset)
    out = np.full((len(images), n, 128), np.nan, np.float32)
    norms = np.full((len(images), n), np.nan, np.float32)
    dense_sift_batch(images, step, bin_size, offset, gaussian, norms, out)
    return out, norms


@pytest.mark.parametrize("gaussian", [False, True])
@pytest.mark.parametrize(
    ("shape", "step", "bin_size"),
    [((20, 23), 4, 4), ((13, 17), 3, 2), ((12, 10), 1, 3), ((7, 9), 2, 1), ((19, 16), 7, 5)],
)
def test_equals_the_twin(shape, step, bin_size, gaussian):
    """Descriptors and norms are those of the double loop, for every geometry and window."""
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    out, norms = compute(image[np.newaxis], step, bin_size, gaussian)
    _, expected, expected_norms = twin.dense_sift(image, step, bin_size, gaussian)
    assert len(expected) > 0
    np.testing.assert_allclose(out[0], expected, atol=2e-6)
    np.testing.assert_allclose(norms[0], expected_norms, rtol=2e-6)


@pytest.mark.parametrize("gaussian", [False, True])
@pytest.mark.parametrize(
    ("shape", "step", "bin_size", "offset"),
    [
        ((17, 16), 4, 4, 1.5),  # whole sizes between pixels
        ((15, 17), 2.5, 3, 0),
        ((16, 19), 3, 4.25, 0.75),
        ((14, 12), 1.7, 2.6, 1),
        ((12, 40), 9, 1, 3),  # a step longer than the filters
        ((34, 13), 1, 4, 0),  # lines of many bands
    ],
)
def test_between_pixels_equals_the_twin(shape, step, bin_size, offset, gaussian):
    """Bins of any size at any place weigh each pixel by its true distance."""
    image = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    out, norms = compute(image[np.newaxis], step, bin_size, gaussian, offset)
    _, expected, expected_norms = twin.dense_sift(image, step, bin_size, gaussian, offset)
    assert len(expected) > 0
    np.testing.assert_allclose(out[0], expected, atol=2e-6)
    np.testing.assert_allclose(norms[0], expected_norms, rtol=2e-6)


def test_a_step_that_is_no_binary_fraction_reaches_the_last_frame():
    """Ten steps of 0.1 are one pixel, although their sum in floating point is not."""
    assert dense_sift_shape(14, 14, 0.1, 4) == (11, 11)
    assert dense_sift_shape(13, 14, 0.1, 4) == (1, 11)


def test_float_images_equal_the_twin():
    """A float32 image is taken as it is."""
    image = np.random.default_rng(1).random((16, 15), dtype=np.float32)
    out, norms = compute(image[np.newaxis], 2, 3)
    _, expected, expected_norms = twin.dense_sift(image, 2, 3)
    np.testing.assert_allclose(out[0], expected, atol=2e-6)
    np.testing.assert_allclose(norms[0], expected_norms, rtol=2e-6)


@pytest.mark.parametrize("angle", np.arange(16) * np.pi / 8)
def test_every_octant_equals_the_twin(angle):
    """A plane that rises in any direction, axes and diagonals included, fills the twin's bins."""
    rows, columns = np.mgrid[:13, :13]
    image = (np.sin(angle) * rows + np.cos(angle) * columns).astype(np.float32)
    out, _ = compute(image[np.newaxis], 4, 4)
    np.testing.assert_allclose(out[0], twin.dense_sift(image, 4, 4)[1], atol=2e-6)


def test_images_of_a_batch_do_not_touch_each_other():
    """A batch gives bit for bit what each image gives alone, and the images differ."""
    images = np.random.default_rng(2).integers(0, 256, (3, 18, 14), dtype=np.uint8)
    together, norms = compute(images, 3, 3)
    for k in range(3):
        alone, alone_norms = compute(images[k : k + 1], 3, 3)
        np.testing.assert_array_equal(together[k], alone[0])
        np.testing.assert_array_equal(norms[k], alone_norms[0])
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_read_only_images_are_accepted():
    """The kernel never writes to its input."""
    image = np.random.default_rng(3).integers(0, 256, (1, 13, 13), dtype=np.uint8)
    expected, _ = compute(image, 4, 4)
    image.flags.writeable = False
    out, _ = compute(image, 4, 4)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("gaussian", [False, True])
def test_flat_images_give_zeros(gaussian):
    """No gradient, no descriptor: zeros, finite, also where an edge was near."""
    image = np.zeros((1, 13, 40), np.uint8)
    image[:, :, :3] = 255
    out, norms = compute(image, 1, 4, gaussian)
    far = slice(10, None)  # the first bins begin beyond the edge's reach
    assert np.isfinite(out).all()
    assert (norms[0, :4] > 0).all()
    assert (out[0, far] == 0).all()
    assert (norms[0, far] == 0).all()


@pytest.mark.parametrize(
    ("shape", "n"), [((12, 40), 0), ((40, 12), 0), ((1, 1), 0), ((13, 13), 1), ((13, 17), 2)]
)
def test_smallest_image(shape, n):
    """One descriptor needs 3 bin sizes and a pixel; one pixel less gives none."""
    out, norms = compute(np.ones((1, *shape), np.uint8), 4, 4)
    assert dense_sift_length(*shape, 4, 4) == n
    assert out.shape == (1, n, 128)
    assert (out == 0).all()
    assert (norms == 0).all()


def test_number_of_descriptors_is_vlfeats():
    """512 x 512 pixels at step 4 and bin size 4 give VLFeat's 15,625 descriptors."""
    assert dense_sift_length(512, 512, 4, 4) == 15_625
    assert dense_sift_length(512, 512, 4, 8) == 14_884
    assert dense_sift_length(512, 512, 8, 8) == 3_721


def test_octant_fraction_is_the_arc_tangent():
    """The polynomial is within float32 rounding of 4 / pi * arctan."""
    low = np.linspace(0, 1, 1001, dtype=np.float32)
    found = [octant_fraction(value, np.float32(1)) for value in low]
    np.testing.assert_allclose(found, np.arctan(low.astype(np.float64)) * 4 / np.pi, atol=3e-7)


def test_normalisation_clips_and_rescales():
    """One value that dominates is clipped before the second normalisation."""
    descriptor = np.zeros(128, np.float32)
    descriptor[:3] = 10, 1, 1
    expected, expected_norm = twin.normalized(descriptor.astype(np.float64))
    norm = normalize_descriptor(descriptor)
    np.testing.assert_allclose(descriptor, expected, rtol=1e-6)
    assert norm == pytest.approx(expected_norm)


def test_root_of_a_row():
    """RootSIFT is the square root of the L1-normalised row; zeros stay zeros."""
    rows = np.random.default_rng(4).random((3, 128), dtype=np.float32)
    rows[1] = 0
    expected = np.sqrt(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-30))
    root_batch(rows)
    np.testing.assert_allclose(rows, expected, rtol=1e-5)
