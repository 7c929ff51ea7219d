"""HOG with shared votes and overlapping cells against its naive twin and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import hog as skimage_hog

from classicvis import ImageError
from classicvis.kernels.hog_blocks import BLOCK_NORMS
from classicvis.kernels.hog_polar import soft_votes
from classicvis.kernels.hog_votes import hog_votes_batch, hog_votes_shape
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


@pytest.mark.parametrize(("n_bins", "signed"), [(12, True), (9, False), (1, False)])
def test_votes_of_gradients(n_bins, signed):
    """The two votes sum to the magnitude, and share it as the angle says; ends of the circle too.

    The directions include all multiples of 45 degrees, and some next to them.
    """
    steps = np.array([-255, -254, -128, -100, -3, -1, 0, 1, 2, 7, 99, 254, 255], np.int16)
    g_row, g_col = (np.ascontiguousarray(g.ravel()) for g in np.meshgrid(steps, steps))
    n = g_row.size
    places, low, high = np.empty(n, np.uint32), np.empty(n, np.float32), np.empty(n, np.float32)
    soft_votes(g_row, g_col, n_bins, signed, np.full(n, 5, np.uint32), places, low, high)
    rows, cols = g_row.astype(float), g_col.astype(float)
    np.testing.assert_allclose(low + high, np.hypot(rows, cols), rtol=1e-6)
    assert places.min() >= 5
    assert places.max() < 5 + n_bins

    period = 2 * np.pi if signed else np.pi
    votes, expected = np.zeros((2, n, n_bins))
    for bins, shares in ((places - 5, low), ((places - 4) % n_bins, high)):
        np.add.at(votes, (np.arange(n), bins.astype(int)), shares)
    turn = np.arctan2(rows, cols) % period / period * n_bins
    lower, share = np.floor(turn - 0.5), (turn - 0.5) % 1
    for bins, shares in ((lower, 1 - share), (lower + 1, share)):
        np.add.at(
            expected, (np.arange(n), bins.astype(int) % n_bins), shares * np.hypot(rows, cols)
        )
    np.testing.assert_allclose(votes, expected, atol=1e-3)


@pytest.mark.parametrize("rows_per_step", [16, 64])
def test_wide_images_are_worked_in_slabs(camera, rows_per_step):
    """Slabs of 32 rows hold two steps, or half of one."""
    image = camera[:64]
    args = (6, (rows_per_step, 16), (1, 2), (1, 1), "L2", True, True)
    np.testing.assert_allclose(batch(image[None], *args)[0], hog_votes(image, *args), atol=1e-6)


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
