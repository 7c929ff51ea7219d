"""The colour spaces of the kernel against OpenCV, colour by colour."""

import cv2
import numba
import numpy as np
import pytest

from classicvis.kernels.color_spaces import COLOR_SPACES, split_channels

# All values of a channel where the kernel is compiled; as plain Python, every 15th.
VALUES = np.arange(0, 256, 15 if numba.config.DISABLE_JIT else 1, dtype=np.uint8)


def convert(image, space):
    """Return an image in a colour space, by the kernel."""
    channels = np.empty((3, image.size // 3), np.uint8)
    split_channels(image.reshape(-1), image.size // 3, COLOR_SPACES[space], *channels)
    return channels.T.reshape(image.shape)


@pytest.mark.parametrize(
    ("space", "code"), [("hsv", cv2.COLOR_RGB2HSV_FULL), ("lab", cv2.COLOR_RGB2LAB)]
)
def test_all_colours_equal_opencv(space, code):
    """Each of the 16,777,216 colours has OpenCV's hue, saturation and value, and its L, a and b."""
    image = np.empty((VALUES.size, VALUES.size, 3), np.uint8)
    image[..., 1], image[..., 2] = VALUES[:, None], VALUES
    for red in VALUES:
        image[..., 0] = red
        np.testing.assert_array_equal(convert(image, space), cv2.cvtColor(image, code))


def test_known_colours():
    """Hues of the pure colours in 256ths of a turn, and Lab of white, black and red."""
    pure = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    assert convert(pure, "hsv").tolist() == [
        [[0, 255, 255], [85, 255, 255], [171, 255, 255], [0, 0, 9]]
    ]
    shades = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    assert convert(shades, "lab").tolist() == [[[255, 128, 128], [0, 128, 128], [136, 208, 195]]]


def test_rgb_stays():
    """RGB is taken apart, not converted."""
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(convert(image, "rgb"), image)
