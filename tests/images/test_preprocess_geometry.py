"""Steps that change the size of an image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data
from skimage.transform import downscale_local_mean, resize

from classicvis.images._preprocess import AddBorder, CenterCrop, CropBorder, Resize, Shrink


def random_image(shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("mode", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (1, 1), (1, 5000), (5000, 1), (200, 3)])
@pytest.mark.parametrize("size", [(32, 32), (1, 1), (7, 90)])
def test_resize_gives_the_size_asked_for(mode, shape, size):
    """Every image comes out at the size asked for, whatever its own."""
    assert Resize(size, mode)(random_image((*shape, 3))).shape == (*size, 3)
    assert Resize(size, mode)(random_image(shape)).shape == size


@pytest.mark.parametrize("mode", ["stretch", "letterbox", "crop"])
def test_resize_of_the_right_size_is_free(mode):
    """An image that has the size already is given back itself."""
    image = random_image((9, 12, 3))
    assert Resize((9, 12), mode)(image) is image


@pytest.mark.parametrize(
    ("shape", "size"),
    [((300, 200), (60, 40)), ((200, 301, 3), (40, 60)), ((1, 5000), (1, 60)), ((61, 7), (60, 7))],
)
def test_large_images_shrink_in_their_proportions(shape, size):
    """The longest side becomes the one asked for, the other follows, at least one pixel."""
    image = random_image(shape)
    shrunk = Shrink(60)(image)
    assert shrunk.shape[:2] == size
    assert_array_equal(shrunk, Resize(size)(image))


def test_small_images_do_not_grow():
    """An image within the size is given back itself."""
    for shape in ((60, 60, 3), (60, 3), (1, 1)):
        image = random_image(shape)
        assert Shrink(60)(image) is image


def test_shrinking_averages_areas():
    """Shrinking by a whole factor is the mean of the blocks, as in scikit-image."""
    image = data.astronaut()
    reference = downscale_local_mean(image, (8, 4, 1))
    assert_allclose(Resize((64, 128))(image), reference, atol=0.51)


def test_enlarging_interpolates_linearly():
    """Enlarging is the linear interpolation of scikit-image, to one grey level of rounding."""
    image = random_image((12, 10, 3))
    reference = resize(image, (37, 24), order=1, mode="edge", preserve_range=True)
    assert_allclose(Resize((37, 24))(image), reference, atol=1)


def test_one_axis_shrinks_while_the_other_grows():
    """An axis that shrinks is averaged even where the other one grows: no stripe is skipped."""
    stripes = np.tile(np.array([0, 255], np.uint8), (4, 64))
    out = Resize((8, 16))(stripes)
    assert_allclose(out, 127.5, atol=0.51)


def test_letterbox_keeps_the_aspect_ratio():
    """The whole image lies in the middle of a border of the fill colour."""
    image = random_image((20, 40, 3))
    out = Resize((40, 40), "letterbox", fill=(9, 8, 7))(image)
    assert_array_equal(out[10:30], image)
    assert_array_equal(out[:10], np.broadcast_to([9, 8, 7], (10, 40, 3)))
    assert_array_equal(out[30:], out[:10])


def test_letterbox_fill_defaults_to_the_mean_colour():
    """The default border is the rounded mean colour of the image."""
    image = random_image((20, 40, 3))
    corner = Resize((40, 40), "letterbox")(image)[0, 0]
    assert_array_equal(corner, np.rint(image.reshape(-1, 3).mean(axis=0)))
    grey = image[..., 0]
    assert Resize((40, 40), "letterbox")(grey)[0, 0] == np.rint(grey.mean())


def test_crop_keeps_the_aspect_ratio():
    """The shorter side fits and the longer one loses both ends."""
    image = random_image((20, 61))
    assert_array_equal(Resize((20, 20), "crop")(image), image[:, 20:40])
    assert_array_equal(Resize((10, 10), "crop")(image), Resize((10, 10))(image[:, 20:40]))


def test_add_border():
    """The image is inside, the border is the value; a colour on a grey image is its luma."""
    image = random_image((5, 6, 3))
    out = AddBorder(2, (1, 2, 3))(image)
    assert out.shape == (9, 10, 3)
    assert_array_equal(out[2:-2, 2:-2], image)
    assert_array_equal(out[:2], np.broadcast_to([1, 2, 3], (2, 10, 3)))
    assert_array_equal(out[:, -2:], np.broadcast_to([1, 2, 3], (9, 2, 3)))
    grey = AddBorder(1, (200, 100, 50))(image[..., 0])
    assert grey[0, 0] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert AddBorder(0)(image) is image


def test_crop_border():
    """Pixels or a part of each side are cut off all around."""
    image = random_image((20, 40))
    assert_array_equal(CropBorder(3)(image), image[3:-3, 3:-3])
    assert_array_equal(CropBorder(fraction=0.1)(image), image[2:-2, 4:-4])
    assert_array_equal(CropBorder(2)(AddBorder(2)(image)), image)
    assert CropBorder(0)(image) is image


@pytest.mark.parametrize(("shape", "left"), [((1, 9), (1, 1)), ((4, 9), (2, 1)), ((21, 5), (1, 1))])
def test_crop_border_leaves_the_middle(shape, left):
    """A border wider than the image leaves its middle row and column."""
    assert CropBorder(100)(random_image(shape)).shape == left


def test_center_crop():
    """The middle is kept; an axis that is shorter than asked for stays whole."""
    image = random_image((21, 40, 3))
    assert_array_equal(CenterCrop((10, 20))(image), image[5:15, 10:30])
    assert_array_equal(CenterCrop((30, 20))(image), image[:, 10:30])
    assert CenterCrop((30, 50))(image) is image


def test_crops_do_not_hold_the_whole_image():
    """A crop owns its pixels, so the memory of the large image can be freed."""
    image = random_image((100, 100))
    assert not np.shares_memory(CenterCrop((10, 10))(image), image)
    assert not np.shares_memory(CropBorder(40)(image), image)
