"""HOG with shared votes and overlapping cells against its naive twin and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import hog as skimage_hog

from classicvis import ImageError
from classicvis.kernels.hog_blocks import BLOCK_NORMS
from classicvis.kernels.hog_votes import hog_votes_batch, hog_votes_shape, vote_table
from tests.reference.hog_votes import hog_votes


def batch(images, orientations, step, steps, block, norm, signed, soft):
    rows, cols = hog_votes_shape(images.shape[1:3], step, steps, block)
    length = rows * cols * block[0] * block[1] * orientations
    out = np.full((len(images), length), np.nan, np.float32)
    hog_votes_batch(images, orientations, step, steps, block, BLOCK_NORMS[norm], signed, soft, out)
    return out


@pytest.mark.parametrize("norm", BLOCK_NORMS)
@pytest.mark.parametrize(
    ("orientations", "step", "steps", "block", "signed", "soft"),
    [
        (12, (4, 4), (2, 2), (2, 2), True, True),
        (9, (3, 5), (2, 1), (1, 2), False, True),
        (8, (4, 4), (1, 2), (2, 1), True, False),
        (1, (7, 3), (1, 1), (1, 1), False, True),
    ],
)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_equals_the_naive_twin(norm, orientations, step, steps, block, signed, soft, channels):
    """Random, flat, and odd-sized images, grey and colour, all norms."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 19, 22, *channels), dtype=np.uint8)
    images[1] = 77
    images[2] //= 64  # many equal gradients
    args = (orientations, step, steps, block, norm, signed, soft)
    expected = np.stack([hog_votes(image, *args) for image in images])
    # L1-sqrt has an infinite slope at 0, where float32 sums differ most.
    tolerance = 2e-4 if norm == "L1-sqrt" else 1e-6
    np.testing.assert_allclose(batch(images, *args), expected, atol=tolerance)


@pytest.mark.parametrize("norm", BLOCK_NORMS)
def test_without_sharing_and_overlap_it_is_scikit_image(norm, camera):
    """Hard votes and cells side by side give the numbers of scikit-image."""
    image = camera[::8, ::8]
    ours = batch(image[None], 9, (8, 8), (1, 1), (2, 2), norm, False, False)[0]
    theirs = skimage_hog(image, 9, (8, 8), (2, 2), norm)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_votes_sum_to_the_magnitude():
    """Whatever the sharing, a pixel's votes add up to its gradient's magnitude."""
    g = np.arange(-255, 256)
    magnitude = np.hypot(g[:, None], g[None, :]).ravel()
    for signed in (False, True):
        bins, shares = vote_table(12, signed, True)
        np.testing.assert_allclose(shares.sum(axis=1), magnitude, rtol=1e-6)
        assert bins.max() == 11


def test_strided_and_read_only_input(camera):
    """Views and read-only arrays give the values of their copies."""
    args = (12, (4, 4), (2, 2), (2, 2), "L2-Hys", True, True)
    view = camera[:80:2, 80:0:-2][None]
    expected = batch(np.ascontiguousarray(view), *args)
    np.testing.assert_array_equal(batch(view, *args), expected)
    frozen = np.ascontiguousarray(view)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(batch(frozen, *args), expected)


def test_an_image_smaller_than_a_block_is_refused():
    """The message has both sizes."""
    with pytest.raises(ImageError, match="15x40 pixels, expected at least 16x16"):
        hog_votes_shape((15, 40), (4, 4), (2, 2), (2, 2))
    assert hog_votes_shape((16, 16), (4, 4), (2, 2), (2, 2)) == (1, 1)
