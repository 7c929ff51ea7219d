"""Moments of shape and colour against scikit-image and NumPy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.measure import moments_central, moments_hu, moments_normalized

from classicvis import MomentsExtractor, ParameterError


def test_hu_moments_are_scikit_images(camera):
    """The logarithms of scikit-image's moments, with their signs, in thirtieths of a decade."""
    image = camera[100:260, 180:300]
    row = MomentsExtractor(color_space=None).fit_transform([image])[0]
    moments = moments_hu(moments_normalized(moments_central(image.astype(float))))
    assert (np.abs(moments) > 1e-28).all()
    expected = np.sign(moments) * (1 + np.log10(np.abs(moments)) / 30)
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_hu_moments_do_not_change_when_the_shape_moves():
    """A shape on black, moved, turned by a quarter or twice as large: the same first moments."""
    shape = np.zeros((60, 60), np.uint8)
    shape[10:30, 15:22] = shape[24:30, 15:35] = 200
    images = [
        shape,
        np.roll(shape, (20, 15), (0, 1)),
        np.rot90(shape),
        shape.repeat(2, 0).repeat(2, 1),
    ]
    rows = MomentsExtractor(color_space=None).fit_transform(images)
    np.testing.assert_allclose(rows[1:3], np.tile(rows[0], (2, 1)), atol=1e-5)
    np.testing.assert_allclose(rows[3, :4], rows[0, :4], atol=2e-3)


@pytest.mark.parametrize(
    ("space", "code"), [("rgb", None), ("hsv", cv2.COLOR_RGB2HSV_FULL), ("lab", cv2.COLOR_RGB2LAB)]
)
def test_colour_moments_are_numpys(space, code, flower):
    """Mean, deviation and the cube root of the third moment of each channel of each cell."""
    image = flower[100:150, 200:271]
    row = MomentsExtractor(hu=False, color_space=space, grid=(2, 3)).fit_transform([image])[0]
    pixels = (image if code is None else cv2.cvtColor(image, code)) / 255
    expected = []
    for i in range(2):
        for j in range(3):
            cell = pixels[25 * i : 25 * i + 25, 71 * j // 3 : 71 * (j + 1) // 3].reshape(-1, 3)
            for channel in cell.T:
                third = ((channel - channel.mean()) ** 3).mean()
                expected += [channel.mean(), channel.std(), np.cbrt(third)]
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_grey_black_and_tiny_images(camera):
    """Grey images count as equal channels, black ones have no moments, empty cells are zero."""
    gray = camera[:40, :50]
    extractor = MomentsExtractor(color_space="rgb", grid=(2, 2))
    same = extractor.fit_transform([gray, np.stack([gray] * 3, axis=-1)])
    np.testing.assert_array_equal(same[0], same[1])
    black, pixel = extractor.transform([np.zeros((5, 5), np.uint8), np.full((1, 1), 255, np.uint8)])
    assert not black.any()
    np.testing.assert_allclose(pixel[7:].reshape(4, 3, 3)[:, :, 0].sum(axis=0), 1)


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (MomentsExtractor(hu=False, color_space=None), "no features are left"),
        (MomentsExtractor(color_space="luv"), "unknown color_space 'luv'"),
        (MomentsExtractor(hu=2), "hu=2: expected one of True, False"),
        (MomentsExtractor(grid=(2,)), "expected 2 positive integers"),
    ],
)
def test_bad_parameters_are_refused(extractor, message):
    """What cannot be used gets one sentence, at fit."""
    with pytest.raises(ParameterError, match=message):
        extractor.fit([np.zeros((8, 8), np.uint8)])
