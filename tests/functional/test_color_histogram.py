"""``functional.color_histogram``: one image in, one flat histogram out."""

import tracemalloc

import cv2
import numpy as np
import pytest
from skimage import data

from classicvis.exceptions import ImageError, ParameterError
from classicvis.functional._color_histogram import color_histogram


def photo():
    return data.astronaut()[:100:3, :150:3]


def test_rgb_counts_equal_numpy():
    """By default, the joint 8x8x8 counts of ``np.histogramdd``, divided by the pixels."""
    image = photo()
    expected, _ = np.histogramdd(image.reshape(-1, 3), (8, 8, 8), [(0, 256)] * 3)
    histogram = color_histogram(image)
    assert histogram.dtype == np.float64
    np.testing.assert_allclose(histogram, expected.ravel() / expected.sum(), rtol=1e-14)


@pytest.mark.parametrize(
    ("space", "code"), [("hsv", cv2.COLOR_RGB2HSV_FULL), ("lab", cv2.COLOR_RGB2LAB)]
)
def test_other_spaces_equal_opencv(space, code):
    """HSV and Lab are ``cv2.cvtColor`` followed by ``cv2.calcHist``."""
    image = photo()
    expected = cv2.calcHist([cv2.cvtColor(image, code)], [0, 1, 2], None, [6, 5, 4], [0, 256] * 3)
    histogram = color_histogram(image, (6, 5, 4), space)
    np.testing.assert_allclose(histogram, expected.ravel() / expected.sum(), rtol=1e-6)


def test_hues_fill_all_bins_evenly():
    """A turn around the colour circle puts nearly equal counts into every hue bin."""
    hue = np.linspace(0, 2 * np.pi, 1800, endpoint=False)
    phase = hue[:, None] * 3 / np.pi - [0, 2, 4]  # red, green and blue, 120 degrees apart
    wheel = np.clip(2 - np.abs((phase + 3) % 6 - 3), 0, 1)
    image = np.rint(wheel * 255).astype(np.uint8)[None]
    histogram = color_histogram(image, (8, 1, 1), "hsv")
    np.testing.assert_allclose(histogram, 1 / 8, atol=0.01)


@pytest.mark.parametrize("space", ["rgb", "hsv", "lab"])
@pytest.mark.parametrize("joint", [True, False])
def test_every_histogram_sums_to_one(joint, space):
    """Each grid cell, and without ``joint`` each channel of it, sums to 1."""
    histogram = color_histogram(photo(), (4, 3, 2), space, joint=joint, grid=(2, 3))
    cells = histogram.reshape(6, -1)
    parts = [cells] if joint else [cells[:, :4], cells[:, 4:7], cells[:, 7:]]
    for part in parts:
        np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-12)


def test_channels_apart_are_the_margins_of_the_joint_histogram():
    """Without ``joint``, the three marginal distributions follow each other."""
    cube = color_histogram(photo(), (4, 3, 2)).reshape(4, 3, 2)
    margins = [cube.sum((1, 2)), cube.sum((0, 2)), cube.sum((0, 1))]
    apart = color_histogram(photo(), (4, 3, 2), joint=False)
    np.testing.assert_allclose(apart, np.concatenate(margins), rtol=1e-12)


def test_grey_counts_as_equal_channels():
    """(h, w) and (h, w, 1) equal the image with its channel three times."""
    grey = photo()[..., 0]
    expected = color_histogram(np.dstack([grey] * 3), 4)
    np.testing.assert_array_equal(color_histogram(grey, 4), expected)
    np.testing.assert_array_equal(color_histogram(grey[..., None], 4), expected)


def test_one_pixel_on_a_grid_is_finite():
    """A grid larger than the image gives one histogram and zeros in the cells without pixels."""
    histogram = color_histogram(np.full((1, 1, 3), 200, np.uint8), 2, grid=(2, 2))
    assert histogram.tolist() == [0] * 31 + [1]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((4, 4), bool),
    ],
)
def test_other_images_are_refused(image):
    """Other dtypes, four channels and empty images raise an error that says what was expected."""
    with pytest.raises(ImageError, match="expected"):
        color_histogram(image)


def test_bad_parameters_are_refused():
    """Unknown spaces propose the nearest; impossible or fractional bins name the range."""
    with pytest.raises(ParameterError, match="did you mean 'hsv'"):
        color_histogram(photo(), color_space="hvs")
    with pytest.raises(ParameterError, match="1 to 256"):
        color_histogram(photo(), bins=300)
    with pytest.raises(ParameterError, match="whole numbers"):
        color_histogram(photo(), bins=7.5)


@pytest.mark.parametrize("space", ["rgb", "hsv", "lab"])
def test_working_memory_does_not_grow_with_the_image(space):
    """Two megapixels (6 MB) take less than 0.1 MB beside the image, conversion included."""
    image = np.broadcast_to(np.uint8(90), (1000, 2000, 3)).copy()
    image.flags.writeable = False
    color_histogram(image[:1], color_space=space)  # compiles
    tracemalloc.start()
    try:
        color_histogram(image, color_space=space)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000
