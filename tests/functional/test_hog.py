"""``functional.hog`` against ``skimage.feature.hog``, argument by argument."""

import inspect

import numpy as np
import pytest
from skimage import data
from skimage.feature import hog as skimage_hog

from classicvis.functional._hog import HogVisualization, hog

SMALL = {"pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}


def image_of(dtype, shape=(24, 28), seed=0):
    values = np.random.default_rng(seed).integers(0, 256, shape)
    if np.dtype(dtype).kind == "f":
        return (values / 255).astype(dtype)
    return (values > 127 if np.dtype(dtype) == np.bool_ else values // 2).astype(dtype)


def assert_same(ours, theirs, tolerance):
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def test_the_signature_is_the_reference_signature():
    """Names, order, kinds and defaults of all parameters are those of scikit-image."""
    ours, theirs = inspect.signature(hog).parameters, inspect.signature(skimage_hog).parameters
    assert list(ours) == list(theirs)
    for name, parameter in ours.items():
        assert parameter.kind == theirs[name].kind
        assert parameter.default == theirs[name].default


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", "i4", "i8", "f2", "f4", "f8", ">f4", ">i2", "g"]
)
def test_every_dtype_gives_the_values_and_dtype_of_the_reference(dtype):
    """Integers, floats of every width and foreign byte orders."""
    image = image_of(dtype)
    tolerance = {"f2": 1e-7, "f4": 1e-7, ">f4": 1e-7, "u1": 1e-6}.get(dtype, 1e-12)
    assert_same(hog(image, **SMALL), skimage_hog(image, **SMALL), tolerance)


def test_bool_images_equal_the_reference():
    """Bool pixels count as 0 and 1."""
    image = image_of(bool)
    assert_same(hog(image, **SMALL), skimage_hog(image, **SMALL), 1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("norm", ["L1", "L1-sqrt", "L2", "L2-Hys"])
@pytest.mark.parametrize("root", [False, True])
def test_block_norms_and_square_roots(norm, root, dtype):
    """Every block norm, with and without ``transform_sqrt``."""
    image = image_of(dtype, seed=3)
    options = SMALL | {"block_norm": norm, "transform_sqrt": root}
    assert_same(hog(image, **options), skimage_hog(image, **options), 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("cell", [(1, 1), (3, 5), (7, 2), (8, 8)])
@pytest.mark.parametrize("block", [(1, 1), (3, 1), (1, 2)])
@pytest.mark.parametrize("orientations", [1, 4, 9, 13])
def test_cells_blocks_and_orientations(cell, block, orientations, dtype):
    """Odd and non-square cells and blocks, any number of bins, unflattened."""
    image = image_of(dtype, (25, 19), seed=1)
    ours = hog(image, orientations, cell, block, feature_vector=False)
    theirs = skimage_hog(image, orientations, cell, block, feature_vector=False)
    assert_same(ours, theirs, 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3, (0,)])
def test_channels_on_any_axis(axis, dtype):
    """The channel axis may be any one, negative or in a tuple."""
    position = axis[0] if isinstance(axis, tuple) else axis
    image = np.moveaxis(image_of(dtype, (20, 24, 3), seed=2), -1, position)
    options = SMALL | {"channel_axis": axis}
    assert_same(hog(image, **options), skimage_hog(image, **options), 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_visualize_returns_the_image_of_the_reference(dtype):
    """The drawing is that of scikit-image, and the result unpacks as a pair."""
    image = image_of(dtype, (24, 32))
    ours = hog(image, visualize=True, **SMALL | {"pixels_per_cell": (8, 6)})
    theirs = skimage_hog(image, visualize=True, **SMALL | {"pixels_per_cell": (8, 6)})
    assert isinstance(ours, HogVisualization)
    descriptor, hog_image = ours
    assert_same(descriptor, theirs[0], 1e-6)
    assert_same(hog_image, theirs[1], 1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1],
        lambda a: a[:, ::-2],
        lambda a: a.T,
        np.asfortranarray,
        lambda a: a[3:, 1:],
    ],
)
def test_strides_do_not_matter(view, dtype):
    """Flipped, stepped, transposed and Fortran-ordered arrays equal their plain copies."""
    image = view(image_of(dtype, (32, 48)))
    np.testing.assert_array_equal(hog(image, **SMALL), hog(image.copy(), **SMALL))
    assert_same(hog(image, **SMALL), skimage_hog(image, **SMALL), 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_image_is_not_changed_and_may_be_read_only(dtype):
    """A read-only image works; a writeable one is left as it was."""
    image = image_of(dtype)
    before = image.copy()
    expected = hog(image, transform_sqrt=True, **SMALL)
    np.testing.assert_array_equal(image, before)
    image.flags.writeable = False
    np.testing.assert_array_equal(hog(image, transform_sqrt=True, **SMALL), expected)


def test_lists_are_accepted():
    """A nested list is an image too."""
    image = image_of(np.int64)
    np.testing.assert_array_equal(hog(image.tolist(), **SMALL), hog(image, **SMALL))


def test_a_photo_scaled_to_floats_equals_the_reference():
    """Gradients that lie on the edge of a bin up to rounding fall as they do in the reference."""
    image = data.coins()[:96, :128] / 255
    options = SMALL | {"orientations": 8}
    assert_same(hog(image, **options), skimage_hog(image, **options), 1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("norm", ["L1", "L1-sqrt", "L2", "L2-Hys"])
def test_images_of_one_pixel_row_or_column(norm, shape, dtype):
    """The smallest images equal the reference, under every block norm."""
    image = image_of(dtype, shape)
    options = {"pixels_per_cell": (1, 1), "cells_per_block": (1, 1), "block_norm": norm}
    assert_same(hog(image, **options), skimage_hog(image, **options), 1e-6)


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_flat_images_have_zero_descriptors(dtype, root):
    """No gradient, no votes: exact zeros as in the reference."""
    image = np.full((24, 24), 7, dtype)
    ours = hog(image, transform_sqrt=root, **SMALL)
    np.testing.assert_array_equal(ours, skimage_hog(image, transform_sqrt=root, **SMALL))
    assert not ours.any()


def test_nan_spreads_as_in_the_reference():
    """A NaN pixel spoils the blocks it touches, and no others."""
    image = image_of(np.float64)
    image[9, 9] = np.nan
    ours = hog(image, **SMALL)
    assert np.isnan(ours).any()
    np.testing.assert_allclose(ours, skimage_hog(image, **SMALL), rtol=0, atol=1e-12)


def test_cells_too_large_for_float32_sums_stay_exact():
    """A cell of more than 4,096 pixels is summed as the reference does."""
    image = image_of(np.uint8, (80, 80))
    ours, theirs = (f(image, 9, (80, 80), (1, 1)) for f in (hog, skimage_hog))
    assert_same(ours, theirs, 1e-12)


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (np.zeros((15, 64), np.uint8), {}),
        (np.zeros((23, 24)), {}),
        (np.zeros((64, 64)), {"pixels_per_cell": (65, 8), "cells_per_block": (1, 1)}),
        (np.zeros((64, 64)), {"block_norm": "L3"}),
        (np.zeros((64, 64, 3), np.uint8), {}),
        (np.zeros((2, 64, 64, 3)), {"channel_axis": -1}),
        (np.zeros((64, 64)), {"channel_axis": -1}),
        (np.zeros((64, 64, 3)), {"channel_axis": 3}),
        (np.zeros((64, 64, 3)), {"channel_axis": (0, 1)}),
        (np.zeros((64, 64), complex), {}),
        (np.zeros(64, np.uint8), {}),
        (np.zeros((64, 64)), {"pixels_per_cell": (0, 8)}),
        (np.zeros((64, 64), np.uint8), {"pixels_per_cell": (0, 8)}),
    ],
)
def test_errors_are_of_the_reference_type(image, options):
    """Whatever the reference refuses is refused with an error of the same type."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011  # the type is what is compared
        skimage_hog(image, **options)
    with pytest.raises(theirs.type):
        hog(image, **options)


def test_messages_say_what_to_do():
    """The size error names the smallest size, an unknown norm proposes the nearest."""
    with pytest.raises(ValueError, match="at least: 24 rows and 24 cols"):
        hog(np.zeros((23, 23), np.uint8))
    with pytest.raises(ValueError, match="did you mean 'L2-Hys'"):
        hog(np.zeros((32, 32), np.uint8), block_norm="L2-hys")
