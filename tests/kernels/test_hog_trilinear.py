"""Dalal and Triggs' HOG against its naive twin and OpenCV's descriptor."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from classicvis import ImageError
from classicvis.kernels.hog_trilinear import hog_trilinear_batch, hog_trilinear_shape
from tests.reference.hog_trilinear import hog_trilinear


def batch(images, orientations, cell, cells, stride, signed=False, transform_sqrt=False):
    blocks = hog_trilinear_shape(images.shape[1:3], cell, cells, stride)
    length = np.prod((*blocks, *cells, orientations))
    out = np.full((len(images), length), np.nan, np.float32)
    hog_trilinear_batch(images, orientations, cell, cells, stride, signed, transform_sqrt, out)
    return out.reshape(-1, *blocks, *cells, orientations)


def opencv(image, orientations, cell, cells, stride, signed=False, transform_sqrt=False):
    """OpenCV's values in our order; its window is what the blocks cover."""
    blocks = hog_trilinear_shape(image.shape[:2], cell, cells, stride)
    block = [a * b for a, b in zip(cell, cells, strict=True)]
    window = [(n - 1) * s + b for n, s, b in zip(blocks, stride, block, strict=True)]
    descriptor = cv2.HOGDescriptor(
        window[::-1], block[::-1], stride[::-1], cell[::-1], orientations,
        1, -1, cv2.HOGDESCRIPTOR_L2HYS, 0.2, transform_sqrt, 64, signed,
    )  # fmt: skip
    values = descriptor.compute(image, winStride=stride[::-1])
    n_values = descriptor.getDescriptorSize()
    values = values.ravel()[:n_values].reshape(*blocks[::-1], *cells[::-1], orientations)
    return values.transpose(1, 0, 3, 2, 4)


def opencv_angle(g_row, g_col):
    """The approximation of the arctangent that OpenCV votes by."""
    return float(cv2.cartToPolar(np.float32([g_col]), np.float32([g_row]))[1].item())


LAYOUTS = [
    (9, (8, 8), (2, 2), (8, 8)),
    (9, (4, 6), (3, 2), (4, 3)),
    (7, (5, 3), (1, 2), (2, 6)),
    (1, (4, 4), (2, 2), (8, 8)),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("transform_sqrt", [False, True])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_equals_the_naive_twin(layout, signed, transform_sqrt, channels):
    """Random, flat and faint images of odd sizes, grey and colour."""
    images = np.random.default_rng(0).integers(0, 256, (3, 19, 22, *channels), dtype=np.uint8)
    images[1] = 77
    images[2] //= 64  # many equal gradients
    expected = [hog_trilinear(image, *layout, signed, transform_sqrt) for image in images]
    np.testing.assert_allclose(batch(images, *layout, signed, transform_sqrt), expected, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS[:2])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("transform_sqrt", [False, True])
def test_equals_opencv(layout, signed, transform_sqrt, camera):
    """Values are OpenCV's but for its arctangent, which is off by up to 0.01 degrees."""
    image = camera[100:164, 200:280]
    theirs = opencv(image, *layout, signed, transform_sqrt)
    ours = batch(image[None], *layout, signed, transform_sqrt)[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert np.abs(ours - theirs).mean() < 1e-4


@pytest.mark.parametrize("transform_sqrt", [False, True])
def test_what_differs_from_opencv_is_its_arctangent(transform_sqrt, camera):
    """The twin, voting by OpenCV's own angles, has OpenCV's values."""
    image = camera[130:146, 220:252]
    layout = (9, (4, 4), (2, 2), (4, 4), False, transform_sqrt)
    expected = hog_trilinear(image, *layout, angle=opencv_angle)
    np.testing.assert_allclose(opencv(image, *layout), expected, atol=2e-6)


def test_the_first_of_equal_channels_votes():
    """Where channels tie, their order decides which direction is voted for."""
    image = np.zeros((8, 8, 2), np.uint8)
    image[:4, :, 0] = 100
    image[:, :4, 1] = 100
    layout = (4, (4, 4), (2, 2), (4, 4))
    first, second = batch(image[None], *layout), batch(image[None, ..., ::-1], *layout)
    np.testing.assert_allclose(first[0], hog_trilinear(image, *layout), atol=1e-6)
    assert np.abs(first - second).max() > 0.01


def test_a_batch_is_its_images():
    """Nothing of one image is left for the next, whatever the order."""
    photograph = skimage.data.astronaut()
    images = np.stack([photograph[r : r + 40, r : r + 56] for r in (0, 100, 200)])
    layout = (9, (8, 8), (2, 2), (4, 8))
    together = batch(images, *layout)
    alone = [batch(images[i : i + 1], *layout)[0] for i in range(3)]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(batch(images[::-1], *layout), together[::-1])


def test_wide_images_are_worked_in_slabs(camera):
    """An image of several slabs has the values of its parts."""
    image = np.tile(camera[:48], (1, 2))  # 49,152 pixels
    layout = (9, (8, 8), (2, 2), (8, 8))
    whole = batch(image[None], *layout)[0]
    part = batch(image[None, :, 96:256], *layout)[0]
    np.testing.assert_allclose(whole[:, 13:30], part[:, 1:18], atol=1e-6)


def test_strided_and_read_only_input(camera):
    """Views, byte-swapped views and read-only arrays give the values of their copies."""
    layout = (9, (8, 8), (2, 2), (8, 8))
    view = camera[:80:2, 80:0:-2][None]
    expected = batch(np.ascontiguousarray(view), *layout)
    np.testing.assert_array_equal(batch(view, *layout), expected)
    frozen = np.ascontiguousarray(view)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(batch(frozen, *layout), expected)
    assert batch(view[:0], *layout).shape == (0, *expected.shape[1:])


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (15, 40), (40, 15)])
def test_an_image_smaller_than_a_block_is_refused(shape):
    """The message has both sizes; the smallest image that fits is one block."""
    with pytest.raises(ImageError, match=f"{shape[0]}x{shape[1]} pixels, expected at least 16x16"):
        hog_trilinear_shape(shape, (8, 8), (2, 2), (8, 8))
    assert hog_trilinear_shape((16, 16), (8, 8), (2, 2), (8, 8)) == (1, 1)
    one = np.full((1, 1, 1), 9, np.uint8)
    assert batch(one, 9, (1, 1), (1, 1), (1, 1)).max() == 0
