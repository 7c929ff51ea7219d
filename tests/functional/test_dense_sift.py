"""`dense_sift` as its users see it, on photos."""

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from classicvis.exceptions import ImageError, ParameterError
from classicvis.functional._dense_sift import DenseSift, dense_sift
from tests.reference import dense_sift as twin


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(data.camera()[100:148, 200:264])


@pytest.mark.parametrize("window", ["flat", "gaussian"])
def test_equals_the_twin_on_a_photo(photo, window):
    """Frames, descriptors and norms are the twin's; norms are in units of the full range."""
    crop = photo[:24, :28]
    result = dense_sift(crop, step=3, bin_size=4, window=window)
    frames, descriptors, norms = twin.dense_sift(crop, 3, 4, window == "gaussian")
    np.testing.assert_array_equal(result.frames, frames)
    np.testing.assert_allclose(result.descriptors, descriptors, atol=2e-6)
    np.testing.assert_allclose(result.norms, norms / 255, rtol=1e-5)
    assert [part.dtype for part in result] == [np.float32] * 3


@pytest.mark.parametrize("window", ["flat", "gaussian"])
def test_resembles_opencv(window):
    """At the same frames of the same smoothed photo, OpenCV's descriptors point the same way.

    OpenCV smooths the image itself (from sigma 0.5 to 1.6) and counts angles upwards.
    """
    image = data.astronaut()[:128, 160:288]
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    smoothed = cv2.GaussianBlur(gray.astype(np.float32) / 255, None, np.sqrt(1.6**2 - 0.5**2))
    ours = dense_sift(np.clip(smoothed, 0, 1), step=8, bin_size=4, window=window)
    centers = ours.frames[:, :2]
    inner = np.all((centers > 16) & (centers < 112), axis=1) & (ours.norms > 0.01)
    keypoints = [cv2.KeyPoint(float(c), float(r), 8 / 3, 0.0) for r, c in centers[inner]]
    _, theirs = cv2.SIFT_create().compute(gray, keypoints)
    theirs = theirs.reshape(-1, 4, 4, 8)[..., (8 - np.arange(8)) % 8].reshape(-1, 128)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    cosines = np.sum(ours.descriptors[inner] * theirs, axis=1)
    assert len(cosines) > 50
    assert np.median(cosines) > (0.98 if window == "gaussian" else 0.96)


@pytest.mark.parametrize("window", ["flat", "gaussian"])
def test_several_sizes_are_those_of_each_alone(photo, window):
    """Sizes follow one another, share their first centre, and equal the twin at their offset."""
    crop = photo[:24, :26]
    sizes = (5, 3, 4.5)
    result = dense_sift(crop, step=4.5, bin_size=sizes, window=window)
    start = 0
    for size in sizes:
        frames, descriptors, norms = twin.dense_sift(
            crop, 4.5, size, window == "gaussian", offset=1.5 * (5 - size)
        )
        part = slice(start, start + len(frames))
        np.testing.assert_allclose(result.frames[part], frames, atol=1e-5)
        np.testing.assert_array_equal(result.frames[part][0], [7.5, 7.5, size])
        np.testing.assert_allclose(result.descriptors[part], descriptors, atol=2e-6)
        np.testing.assert_allclose(result.norms[part], norms / 255, rtol=1e-5)
        start = part.stop
    assert start == len(result.frames)


def test_number_of_descriptors_is_phows():
    """VLFeat's PHOW: grids from offsets 9, 6, 3 and 0 to the far border, each as far as it fits."""
    result = dense_sift(np.zeros((60, 80), np.uint8), step=2, bin_size=(4, 6, 8, 10))
    counts = [np.sum(result.frames[:, 2] == size) for size in (4, 6, 8, 10)]
    assert counts == [20 * 30, 18 * 28, 17 * 27, 15 * 25]


@pytest.mark.parametrize("window", ["flat", "gaussian"])
def test_a_plane_is_the_same_between_pixels(window):
    """On a plane that rises evenly every descriptor is the same, wherever its centre lies."""
    plane = np.add.outer(np.arange(40.0), 2 * np.arange(40.0)) / 120
    result = dense_sift(plane, step=1.3, bin_size=5, window=window)
    middle = np.all(np.abs(result.frames[:, :2] - 19.5) < 8, axis=1)
    assert middle.sum() > 50
    expected = np.tile(result.descriptors[middle][0], (middle.sum(), 1))
    np.testing.assert_allclose(result.descriptors[middle], expected, atol=2e-4)


def test_magnification_smooths_each_size(photo):
    """A size has the descriptors of the image smoothed to bin_size / magnification from 0.5."""
    image = photo.astype(np.float32) / 255
    result = dense_sift(photo, bin_size=(4, 6), magnification=3, step=3)
    for size in (4, 6):
        sigma = np.sqrt((size / 3) ** 2 - 0.25)
        smoothed = ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=4)
        offset = 3 if size == 4 else 0
        alone = dense_sift(np.clip(smoothed[offset:, offset:], 0, 1), bin_size=size, step=3)
        found = DenseSift(*(part[result.frames[:, 2] == size] for part in result))
        # the border of a cut image has one-sided gradients, which reach the first frames only
        inner = np.all(alone.frames[:, :2] > 2.5 * size, axis=1)
        assert inner.sum() > 20
        np.testing.assert_allclose(found.descriptors[inner], alone.descriptors[inner], atol=0.02)
        np.testing.assert_allclose(found.norms[inner], alone.norms[inner], rtol=0.02, atol=1e-4)


@pytest.mark.parametrize("sizes", [(4,), [4.0], np.array([4]), np.array(4), np.float32(4)])
def test_one_size_however_it_is_written(photo, sizes):
    """A sequence of one size, an array and a scalar of NumPy are that size."""
    expected = dense_sift(photo, bin_size=4)
    for found, part in zip(dense_sift(photo, bin_size=sizes), expected, strict=True):
        np.testing.assert_array_equal(found, part)


def test_magnification_never_sharpens(photo):
    """Where the blur asked for is below the camera's, the image stays as it is."""
    plain, same = dense_sift(photo), dense_sift(photo, magnification=8)
    np.testing.assert_array_equal(same.descriptors, plain.descriptors)
    assert np.abs(dense_sift(photo, magnification=6).descriptors - plain.descriptors).max() > 0.01


def test_contrast_and_brightness_do_not_matter(photo):
    """Half the contrast on a brighter ground gives the same descriptors and half the norms."""
    image = photo.astype(np.float64) / 255
    plain, faded = dense_sift(image), dense_sift(0.4 + 0.5 * image)
    np.testing.assert_allclose(faded.descriptors, plain.descriptors, atol=1e-4)
    np.testing.assert_allclose(faded.norms, plain.norms / 2, rtol=1e-3)


@pytest.mark.parametrize("window", ["flat", "gaussian"])
def test_a_quarter_turn_moves_bins_and_orientations(photo, window):
    """Turning the image by 90 degrees turns the bins and moves each orientation by two."""
    square = photo[:45, :45]
    upright = dense_sift(square, step=4, bin_size=4, window=window)
    turned = dense_sift(np.rot90(square), step=4, bin_size=4, window=window)
    grid = upright.descriptors.reshape(9, 9, 4, 4, 8)
    expected = np.roll(np.rot90(np.rot90(grid), axes=(2, 3)), -2, axis=-1)
    np.testing.assert_allclose(turned.descriptors.reshape(9, 9, 4, 4, 8), expected, atol=2e-6)


def test_rows_have_unit_norm(photo):
    """Descriptors and RootSIFT rows both have unit norm; the root is that of the plain rows."""
    plain, root = dense_sift(photo), dense_sift(photo, root=True)
    for result in (plain, root):
        np.testing.assert_allclose(np.linalg.norm(result.descriptors, axis=1), 1, atol=1e-5)
    l1 = plain.descriptors / plain.descriptors.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(root.descriptors, np.sqrt(l1), atol=1e-6)


def test_colour_and_depth(photo):
    """RGB goes through OpenCV's grey; uint16 and float are the same picture as uint8."""
    rgb = np.ascontiguousarray(data.astronaut()[:40, :40])
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(dense_sift(rgb).descriptors, dense_sift(gray).descriptors)
    expected = dense_sift(photo)
    for same in (photo.astype(np.uint16) * 257, photo / 255, photo[:, :, np.newaxis]):
        found = dense_sift(same)
        np.testing.assert_allclose(found.descriptors, expected.descriptors, atol=1e-5)
        np.testing.assert_allclose(found.norms, expected.norms, rtol=1e-4)


def test_memory_layout_does_not_matter(photo):
    """Non-contiguous, reversed, byte-swapped and read-only arrays give what a plain copy gives."""
    views = [photo[::2, ::2], photo[::-1, ::-1], photo.T, (photo / 255).astype(">f4")]
    for view in views:
        expected = dense_sift(np.array(view, dtype=view.dtype.newbyteorder("="), order="C"))
        view.flags.writeable = False
        np.testing.assert_array_equal(dense_sift(view).descriptors, expected.descriptors)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (12, 500), (500, 12)])
def test_small_images_have_no_descriptors(shape):
    """Where no descriptor fits, the arrays are empty and keep their widths."""
    result = dense_sift(np.zeros(shape, np.uint8))
    assert [part.shape for part in result] == [(0, 3), (0, 128), (0,)]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4, 4), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((20, 20), np.int32), "int32"),
        (np.full((20, 20), 2.0), r"expected \[0, 1\]"),
        (np.full((20, 20), np.nan), r"expected \[0, 1\]"),
    ],
)
def test_wrong_images_are_named(image, words):
    """An image that cannot be used raises an ImageError that says what was found."""
    with pytest.raises(ImageError, match=words):
        dense_sift(image)


def test_wrong_parameters_are_named():
    """A wrong parameter is named, and a near name is proposed."""
    image = np.zeros((20, 20), np.uint8)
    with pytest.raises(ParameterError, match="did you mean 'gaussian'"):
        dense_sift(image, window="gausian")
    for wrong in (
        {"step": 0},
        {"step": True},
        {"step": (4, 4)},
        {"step": np.nan},
        {"bin_size": 0.5},
        {"bin_size": ()},
        {"bin_size": (4, "6")},
        {"bin_size": "46"},
        {"bin_size": None},
        {"magnification": 0},
        {"magnification": np.inf},
    ):
        with pytest.raises(ParameterError, match=f"{next(iter(wrong))}="):
            dense_sift(image, **wrong)
