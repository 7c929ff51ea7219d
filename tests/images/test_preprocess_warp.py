"""Steps that move, turn or slant an image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data
from skimage.transform import AffineTransform, rotate, warp

from classicvis.exceptions import ParameterError
from classicvis.images._preprocess import Deskew, Warp


@pytest.fixture(scope="module")
def camera():
    return data.camera()[100:181, 200:301]


def test_whole_pixels_are_shifted(camera):
    """A shift by whole pixels is exact; the border is repeated into what is uncovered."""
    shifted = Warp(rows=2, cols=-3)(camera)
    assert_array_equal(shifted[2:, :-3], camera[:-2, 3:])
    assert_array_equal(shifted[0], shifted[2])
    assert_array_equal(shifted[:, -1], shifted[:, -4])


def test_mirror():
    """Mirroring exchanges left and right, whether the width is odd or even."""
    for width in (60, 61):
        image = data.astronaut()[:50, :width]
        assert_array_equal(Warp(mirror=True)(image), image[:, ::-1])


def test_turn_and_scale_agree_with_scikit_image(camera):
    """Turns are counter-clockwise about the centre, as in scikit-image, and so is the scale."""
    inside = np.s_[20:-20, 20:-20]
    turned = rotate(camera, 10, preserve_range=True)
    assert_allclose(Warp(angle=10)(camera)[inside], turned[inside], atol=3)
    centre = np.array([50, 40])
    larger = (
        AffineTransform(translation=-centre)
        + AffineTransform(scale=1.25)
        + AffineTransform(translation=centre)
    )
    scaled = warp(camera, larger.inverse, preserve_range=True)
    assert_allclose(Warp(scale=1.25)(camera)[inside], scaled[inside], atol=3)


def test_deskew_uprights_a_slanted_bar():
    """A bar that leans either way stands upright; rows keep their pixels."""
    bar = np.zeros((40, 40), np.uint8)
    bar[8:32, 18:22] = 255
    for slant in (0.4, -0.3):
        matrix = AffineTransform(matrix=np.array([[1, slant, -slant * 19.5], [0, 1, 0], [0, 0, 1]]))
        leaning = warp(bar, matrix, preserve_range=True).astype(np.uint8)
        assert np.abs(leaning.astype(int) - bar).max() > 200
        upright = Deskew()(leaning).astype(int)
        assert_allclose(upright.sum(axis=1)[10:30], leaning.sum(axis=1)[10:30], rtol=0.02)
        columns = upright[8:32] @ np.arange(40) / upright[8:32].sum(axis=1)
        assert np.ptp(columns) < 0.3


def test_deskew_of_nothing_to_upright():
    """A black image and one with a single bright row are given back."""
    for row in (slice(0, 0), slice(5, 6)):
        image = np.zeros((12, 12), np.uint8)
        image[row, 2:9] = 200
        assert Deskew()(image) is image


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rows": float("inf")}, "rows=inf: expected a finite number"),
        ({"angle": "left"}, "angle='left'"),
        ({"scale": 0}, "scale=0: expected a finite number above 0"),
    ],
)
def test_wrong_parameters(params, message):
    """A parameter out of its range is told by name."""
    with pytest.raises(ParameterError, match=message):
        Warp(**params)
