"""The views of `benchmarks.matching`: what the homography says is what the image shows."""

import cv2
import numpy as np
import pytest

from benchmarks.matching._judge import judge
from benchmarks.matching._methods import opencv
from benchmarks.matching._views import (
    CASES,
    TRANSFORMATIONS,
    photos,
    rotate,
    tilt,
    translation,
    views,
    zoom,
)

BY_NAME = {transformation.name: transformation for transformation in TRANSFORMATIONS}
GEOMETRIC = ("viewpoint", "scale", "rotation")


@pytest.fixture(scope="module")
def photo():
    return photos()["coins"]


def blob(shape, x, y):
    """Return an image, dark but for a round blob of 2 pixels at (x, y)."""
    rows, columns = np.indices(shape)
    return np.rint(250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)).astype(np.uint8)


def centre_of_mass(image, near):
    """Return (x, y) of what is bright within 12 pixels of a place."""
    rows, columns = np.indices(image.shape)
    mass = image * (np.hypot(columns - near[0], rows - near[1]) < 12)
    return np.array([np.sum(mass * columns), np.sum(mass * rows)]) / mass.sum()


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize(("x", "y"), [(100, 75), (85.5, 60.25), (120, 90)])
def test_blobs_land_where_the_homography_says(name, x, y):
    """The centre of mass of a small blob moves as its centre."""
    for strength in BY_NAME[name].strengths:
        image, homography = BY_NAME[name].apply(
            blob((150, 200), x, y), strength, np.random.default_rng(0)
        )
        expected = cv2.perspectiveTransform(np.array([[[x, y]]], np.float64), homography)[0, 0]
        np.testing.assert_allclose(centre_of_mass(image, expected), expected, atol=0.1)


def test_a_quarter_turn_is_one(photo):
    """By 90 degrees, the columns' direction turns to the rows': ``np.rot90`` the other way."""
    square = photo[:200, :200]
    image, homography = rotate(square, 90, None)
    assert np.abs(image.astype(int) - np.rot90(square, -1)).mean() < 2
    np.testing.assert_allclose(homography @ (1, 0, 0), (0, 1, 0), atol=1e-12)


def test_canvases_hold_the_photo_or_its_middle(photo):
    """A reduced photo fills its view; a magnified one shows its middle at the photo's size."""
    height, width = photo.shape
    small, large = zoom(photo, 0.5, None).image, zoom(photo, 2, None)
    assert small.shape == (round(height / 2), width // 2)
    assert large.image.shape == photo.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    np.testing.assert_allclose(large.homography @ middle, middle, atol=0.5)


def test_reduction_does_not_alias():
    """A pattern finer than the view's pixels becomes even grey."""
    stripes = np.tile(np.array([0, 255], np.uint8), (200, 100))
    view = zoom(stripes, 0.4, None).image
    assert 255 / 2 - 40 < view.min() <= view.max() < 255 / 2 + 40


def test_tilts_grow_and_differ_by_seed(photo):
    """The photo's area in the view shrinks with the angle; the axis comes from the seed."""
    areas = []
    for degrees in BY_NAME["viewpoint"].strengths:
        homography = tilt(photo, degrees, np.random.default_rng(3)).homography
        corners = np.array([[[0, 0], [383, 0], [383, 302], [0, 302]]], np.float32)
        areas.append(cv2.contourArea(cv2.perspectiveTransform(corners, homography)))
    assert (np.diff(areas) < 0).all()
    assert areas[-1] == pytest.approx(383 * 302 * np.cos(np.pi / 3), rel=0.15)
    other = tilt(photo, 60, np.random.default_rng(4)).homography
    assert not np.allclose(homography, other, atol=0.1)


@pytest.mark.parametrize("name", ["blur", "noise", "JPEG"])
def test_other_changes_stay_in_place_and_grow(photo, name):
    """The homography is the identity, and each strength is further from the photo."""
    errors = []
    for strength in BY_NAME[name].strengths:
        image, homography = BY_NAME[name].apply(photo, strength, np.random.default_rng(0))
        np.testing.assert_array_equal(homography, np.eye(3))
        assert image.dtype == np.uint8
        errors.append(np.std(image.astype(float) - photo))
    assert errors[0] > 1
    assert (np.diff(errors) > 0).all()


def test_views_are_reproducible(photo):
    """One view per case; the same seed gives the same ones, another seed other noise."""
    small = photo[:80, :100]
    first, again, other = (list(views(small, seed)) for seed in (5, 5, 6))
    assert len(first) == len(CASES)
    for view, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(view.image, same.image)
        np.testing.assert_array_equal(view.homography, same.homography)
    noisy = [name for name, _ in CASES].index("noise")
    assert (first[noisy].image != other[noisy].image).any()


def test_photos_are_grey_and_small():
    """At least eight photos, none above 640 pixels."""
    found = photos()
    assert len(found) >= 8
    for photo in found.values():
        assert photo.ndim == 2
        assert photo.dtype == np.uint8
        assert max(photo.shape) <= 640


@pytest.mark.parametrize("name", GEOMETRIC)
def test_opencv_finds_points_again_and_not_under_a_wrong_homography(photo, name):
    """On real views OpenCV's SIFT is mostly right; 20 pixels beside, it is mostly wrong."""
    image, homography = BY_NAME[name].apply(
        photo, BY_NAME[name].strengths[2], np.random.default_rng(0)
    )
    features = opencv(photo), opencv(image)
    shapes = photo.shape, image.shape
    right = judge(*features, homography, shapes)
    wrong = judge(*features, translation((20, 0)) @ homography, shapes)
    assert right.repeatability > 0.6
    assert right.correct_share > 0.8
    assert wrong.repeatability < 0.25
    assert wrong.correct_share < 0.1
