"""Felzenszwalb's HOG against its naive twin, and what mirrors do to it."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from classicvis import ImageError
from classicvis.kernels.hog_uoctti import hog_uoctti_batch, hog_uoctti_shape
from tests.reference.hog_uoctti import hog_uoctti


def batch(images, orientations=9, cell=(8, 8)):
    shape = hog_uoctti_shape(images.shape[1:3], orientations, cell)
    out = np.full((len(images), np.prod(shape)), np.nan, np.float32)
    hog_uoctti_batch(images, orientations, cell, out)
    return out.reshape(-1, *shape)


@pytest.mark.parametrize(
    ("orientations", "cell"), [(9, (8, 8)), (9, (5, 7)), (6, (7, 4)), (4, (3, 6)), (3, (6, 6))]
)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_equals_the_naive_twin(orientations, cell, channels):
    """Random, flat and faint images of odd sizes, grey and colour; 6 orientations have ties."""
    images = np.random.default_rng(0).integers(0, 256, (3, 25, 29, *channels), dtype=np.uint8)
    images[1] = 77
    images[2] //= 64  # many equal gradients
    expected = [hog_uoctti(image, orientations, cell) for image in images]
    np.testing.assert_allclose(batch(images, orientations, cell), expected, atol=1e-6)


def test_values_of_a_ramp():
    """Brightness that grows to the right votes for direction 0 alone, in every cell alike.

    A cell holds 8 * 8 votes of 2; the four cells of a block make its share 1/2, cut to 0.2.
    """
    ramp = np.tile(np.arange(40, dtype=np.uint8), (40, 1))[None]
    middle = batch(ramp)[0][1, 1]
    expected = np.zeros(31)
    expected[[0, 18]] = 0.5 * 4 * 0.2
    expected[27:] = 0.2357 * 0.2
    np.testing.assert_allclose(middle, expected, atol=1e-6)


def test_a_mirror_permutes_the_values():
    """Left and right swap directions d and 8 - d, and the blocks on either side (VLFeat's rule).

    With 8 orientations; with 9 a vertical gradient lies between two, and goes to the first.
    """
    image = skimage.data.astronaut()[60:116, 180:244]
    directions = [(8 - d) % 16 for d in range(16)]
    orientations = [16 + (8 - o) % 8 for o in range(8)]
    permutation = [*directions, *orientations, 26, 27, 24, 25]
    ours, mirrored = batch(np.stack([image, image[:, ::-1]]), 8)
    np.testing.assert_allclose(ours, mirrored[:, ::-1][..., permutation], atol=1e-6)
    assert np.abs(ours - mirrored[:, ::-1]).max() > 0.1


def test_directions_and_orientations_belong_together(camera):
    """Where nothing is cut, the two directions of an orientation add up to it."""
    values = batch(camera[None, 100:164, 200:264])[0]
    sums = values[..., :9] + values[..., 9:18]
    assert (values[..., 18:27] <= sums + 1e-6).all()
    uncut = values[..., 18:27] < 0.1
    assert uncut.any()
    np.testing.assert_allclose(sums[uncut], values[..., 18:27][uncut], atol=1e-6)
    assert values[..., :27].max() <= 0.4 + 1e-6


def test_a_batch_is_its_images():
    """Nothing of one image is left for the next, whatever the order."""
    photograph = skimage.data.astronaut()
    images = np.stack([photograph[r : r + 40, r : r + 56] for r in (0, 100, 200)])
    together = batch(images)
    np.testing.assert_array_equal(together, [batch(images[i : i + 1])[0] for i in range(3)])
    np.testing.assert_array_equal(batch(images[::-1]), together[::-1])


def test_wide_images_are_worked_in_slabs(camera):
    """An image of several slabs has the values of its parts."""
    image = np.tile(camera[:48], (1, 2))  # 49,152 pixels
    whole, part = batch(image[None])[0], batch(image[None, :, 96:256])[0]
    np.testing.assert_allclose(whole[:, 13:29], part[:, 1:17], atol=1e-6)


def test_strided_and_read_only_input(camera):
    """Views and read-only arrays give the values of their copies."""
    view = camera[:80:2, 80:0:-2][None]
    expected = batch(np.ascontiguousarray(view))
    np.testing.assert_array_equal(batch(view), expected)
    frozen = np.ascontiguousarray(view)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(batch(frozen), expected)
    assert batch(view[:0]).shape == (0, *expected.shape[1:])


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (23, 40), (40, 23)])
def test_an_image_of_less_than_three_cells_is_refused(shape):
    """The message has both sizes; the smallest image that fits has one cell in the middle."""
    with pytest.raises(ImageError, match=f"{shape[0]}x{shape[1]} pixels, expected at least 24x24"):
        hog_uoctti_shape(shape, 9, (8, 8))
    assert hog_uoctti_shape((24, 24), 9, (8, 8)) == (1, 1, 31)
    assert batch(np.full((1, 3, 3), 9, np.uint8), 9, (1, 1)).max() == 0
