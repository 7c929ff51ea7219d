"""The parameters of HogExtractor: what each variant makes of them, and which it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from skimage.feature import hog as skimage_hog

from classicvis import HogExtractor, ImageError, ParameterError
from classicvis.features.hog import VARIANTS
from classicvis.kernels.hog_blocks import BLOCK_NORMS
from tests.reference.hog_trilinear import hog_trilinear
from tests.reference.hog_uoctti import hog_uoctti
from tests.reference.hog_votes import hog_votes


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[60:108, 180:220])


def row(image: np.ndarray, **parameters: object) -> np.ndarray:
    return HogExtractor(**parameters).fit_transform(image[None])[0]


def test_defaults_follow_the_size_of_the_images(photo):
    """An eighth of the shorter side: a step of the box, a cell of the other variants."""
    box = hog_votes(photo, 12, (5, 5), (2, 2), (2, 2), "L2-Hys", True, True)
    np.testing.assert_allclose(row(photo), box, atol=1e-6)
    trilinear = hog_trilinear(photo, 9, (5, 5), (2, 2), (5, 5))
    np.testing.assert_allclose(row(photo, variant="dalal_triggs"), trilinear.ravel(), atol=1e-6)
    uoctti = hog_uoctti(photo, 9, (5, 5))
    np.testing.assert_allclose(row(photo, variant="uoctti"), uoctti.ravel(), atol=1e-6)


@pytest.mark.parametrize("norm", BLOCK_NORMS)
def test_cells_of_a_given_size_are_those_of_scikit_image(photo, norm):
    """With pixels_per_cell the box is the reference's, unsigned and hard."""
    ours = row(photo, pixels_per_cell=(8, 8), block_norm=norm)
    theirs = skimage_hog(photo, 9, (8, 8), (2, 2), norm, channel_axis=-1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("soft", [False, True])
def test_signed_gradients(photo, soft):
    """Signed bins tell an image from its negative, whose directions are opposite; others do not."""
    options = {"orientations": 8, "pixels_per_cell": (8, 8), "soft_votes": soft}
    # Hard bins contain one of their edges, which is another one after a half turn.
    tolerance = 1e-6
    unsigned = row(photo, **options), row(255 - photo, **options)
    np.testing.assert_allclose(*unsigned, atol=tolerance)
    signed = row(photo, signed=True, **options), row(255 - photo, signed=True, **options)
    turned = np.roll(signed[1].reshape(-1, 8), 4, axis=1).ravel()
    np.testing.assert_allclose(signed[0], turned, atol=tolerance)
    assert np.abs(signed[0] - signed[1]).max() > 0.1


def test_signed_bins_fold_to_unsigned_ones(photo):
    """Before normalisation (one cell, L1) opposite directions add up to an orientation."""
    options = {"pixels_per_cell": (40, 40), "cells_per_block": (1, 1), "block_norm": "L1"}
    signed = row(photo, orientations=18, signed=True, **options)
    np.testing.assert_allclose(signed[:9] + signed[9:], row(photo, **options), atol=1e-6)


@pytest.mark.parametrize("soft", [False, True])
def test_finer_steps_contain_the_coarse_ones(photo, soft):
    """Every second block of half steps is a block of whole steps."""
    options = {"pixels_per_cell": (8, 8), "soft_votes": soft, "signed": True, "orientations": 12}
    coarse = row(photo, **options).reshape(5, 4, -1)
    fine = row(photo, cell_step=(4, 4), **options).reshape(9, 7, -1)
    np.testing.assert_allclose(fine[::2, ::2], coarse, atol=1e-6)


def test_finer_strides_of_dalal_triggs(photo):
    """Its stride may be any divisor of the block: half a cell, or a whole block."""
    options = {"variant": "dalal_triggs", "pixels_per_cell": (8, 8)}
    coarse = row(photo, cell_step=(16, 16), **options).reshape(3, 2, -1)
    fine = row(photo, cell_step=(4, 4), **options).reshape(9, 7, -1)
    np.testing.assert_allclose(fine[::4, ::4], coarse, atol=1e-6)


def test_square_roots(photo):
    """transform_sqrt is scikit-image's for the box, and the twin's for Dalal and Triggs."""
    ours = row(photo, pixels_per_cell=(8, 8), transform_sqrt=True)
    theirs = skimage_hog(photo, 9, (8, 8), (2, 2), transform_sqrt=True, channel_axis=-1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    ours = row(photo, variant="dalal_triggs", transform_sqrt=True)
    theirs = hog_trilinear(photo, 9, (5, 5), (2, 2), (5, 5), transform_sqrt=True)
    np.testing.assert_allclose(ours, theirs.ravel(), atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "uoctty"}, "did you mean 'uoctti'"),
        ({"block_norm": "l2"}, "did you mean 'L2'"),
        ({"variant": "uoctti", "block_norm": "L1"}, r"block_norm='L1': variant='uoctti' leaves no"),
        ({"variant": "uoctti", "cells_per_block": (3, 3)}, r"expected the default, \(2, 2\)"),
        ({"variant": "uoctti", "signed": True}, "signed=True: variant='uoctti'"),
        ({"variant": "uoctti", "soft_votes": False}, "soft_votes=False"),
        ({"variant": "uoctti", "cell_step": (4, 4)}, "cell_step"),
        ({"variant": "uoctti", "transform_sqrt": True}, "transform_sqrt"),
        ({"variant": "dalal_triggs", "block_norm": "L2"}, "block_norm='L2'"),
        ({"variant": "dalal_triggs", "soft_votes": True}, "soft_votes=True"),
        (
            {"variant": "dalal_triggs", "pixels_per_cell": (8, 8), "cell_step": (3, 8)},
            r"cell_step=\(3, 8\): expected divisors of pixels_per_cell \* .*=\(16, 16\)",
        ),
        (
            {"pixels_per_cell": (8, 8), "cell_step": (16, 16)},
            r"cell_step=\(16, 16\): expected divisors of pixels_per_cell=\(8, 8\)",
        ),
        ({"transform_sqrt": True}, "expected cells without overlap"),
        ({"orientations": 0}, "orientations=0"),
        ({"pixels_per_cell": (8,)}, "pixels_per_cell"),
        ({"signed": "yes"}, "signed='yes'"),
    ],
)
def test_meaningless_parameters_are_refused(photo, parameters, message):
    """The message names the parameter, what was found and what was expected."""
    with pytest.raises(ParameterError, match=message):
        HogExtractor(**parameters).fit(photo[None])


def test_a_default_may_be_written_out(photo):
    """What a variant leaves no choice of may be given, if it is the default, as a list too."""
    given = row(photo, variant="uoctti", cells_per_block=[2, 2], block_norm="L2-Hys")
    np.testing.assert_array_equal(given, row(photo, variant="uoctti"))


OPTIONS = [
    {},
    {"pixels_per_cell": (5, 7)},
    {"pixels_per_cell": (6, 9), "cell_step": (3, 9), "soft_votes": True},
    {"variant": "dalal_triggs"},
    {"variant": "dalal_triggs", "pixels_per_cell": (5, 7), "cell_step": (2, 7)},
    {"variant": "dalal_triggs", "pixels_per_cell": (5, 7), "transform_sqrt": True},
    {"variant": "uoctti"},
    {"variant": "uoctti", "pixels_per_cell": (5, 7)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize("value", [0, 200, 255])
def test_flat_images_are_zero(options, value):
    """An image without gradients has no features, and no division by zero."""
    assert not row(np.full((31, 37, 3), value, np.uint8), **options).any()


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_any_layout_of_memory(photo, options):
    """Read-only, non-contiguous, mirrored and Fortran-ordered images are their copies."""
    image = photo[1::2, ::-1]
    expected = row(image.copy(), **options)
    assert np.isfinite(expected).all()
    assert np.any(expected)
    frozen = image.copy()
    frozen.flags.writeable = False
    for same in (image, frozen, np.asfortranarray(image)):
        np.testing.assert_array_equal(row(same, **options), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 1)])
def test_images_of_a_pixel_or_a_row(variant, shape):
    """They are smaller than a block of whole cells: the message has the size that is needed."""
    image = np.zeros(shape, np.uint8)
    with pytest.raises(ImageError, match=r"expected at least|at least: "):
        row(image, variant=variant)
    with pytest.raises(ImageError, match=r"16x16|24x24|16 rows and 16 cols"):
        row(image, variant=variant, pixels_per_cell=(8, 8))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(4, 4), (4, 90), (7, 5)])
def test_tiny_images(variant, shape):
    """From 4x4 pixels on every variant gives finite values by default."""
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    values = row(image, variant=variant)
    assert np.isfinite(values).all()
    assert values.size > 0


@pytest.mark.parametrize("orientations", [1, 2, 300])
@pytest.mark.parametrize(
    "options",
    [
        {"soft_votes": False, "cell_step": (4, 4)},
        {"soft_votes": True},
        {"variant": "dalal_triggs"},
        {"variant": "uoctti"},
    ],
    ids=repr,
)
def test_any_number_of_orientations(photo, orientations, options):
    """One bin, and more than a byte can number."""
    values = row(photo, orientations=orientations, pixels_per_cell=(8, 8), **options)
    assert np.isfinite(values).all()
    last = values[: values.size // orientations * orientations].reshape(-1, orientations)
    assert orientations < 300 or last[:, 256:].any()
