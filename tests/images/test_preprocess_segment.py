"""Steps that separate foreground from background."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage import data
from skimage.color import rgb2gray
from skimage.filters import threshold_otsu

from classicvis.images._preprocess import GrabCutForeground, OtsuForeground


@pytest.fixture(scope="module")
def disc():
    """Return a noisy orange disc on noisy blue ground, and its mask."""
    row, col = np.mgrid[:80, :100]
    mask = (row - 38) ** 2 + (col - 55) ** 2 < 22**2
    image = np.where(mask[..., None], [220, 140, 40], [40, 60, 120])
    image = image + np.random.default_rng(0).normal(0, 8, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), mask


@pytest.mark.parametrize("source", [data.coins, data.camera, data.page])
def test_otsu_threshold_is_scikit_images(source):
    """What is kept on the bright side is above the threshold of scikit-image."""
    image = source()
    expected = np.where(image > threshold_otsu(image), image, 0)
    assert_array_equal(OtsuForeground(foreground="bright")(image), expected)


def test_otsu_sides_are_complements():
    """Bright and dark together are the image."""
    image = data.coins()
    bright, dark = (OtsuForeground(foreground=side)(image) for side in ("bright", "dark"))
    assert_array_equal(bright + dark, image)
    assert bright.any()
    assert dark.any()


def test_otsu_auto_keeps_what_is_not_on_the_edge(disc):
    """The object is found whether it is brighter or darker than its ground."""
    image, mask = disc
    for picture in (image, 255 - image):
        out = OtsuForeground(background=(1, 2, 3))(picture)
        assert_array_equal(out[mask], picture[mask])
        assert_array_equal(out[~mask], np.broadcast_to([1, 2, 3], out[~mask].shape))


def test_otsu_colour_is_parted_by_luma():
    """A colour image is parted where its luma is, all channels together."""
    image = data.coffee()[::4, ::4].copy()
    out = OtsuForeground(foreground="bright")(image)
    kept = out.any(axis=2)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert grey[kept].min() > grey[~kept].max()
    assert_array_equal(out[kept], image[kept])
    assert np.corrcoef(rgb2gray(image).ravel(), kept.ravel())[0, 1] > 0.5


@pytest.mark.parametrize("step", [OtsuForeground, GrabCutForeground])
def test_crop_to_the_foreground(step, disc):
    """Cropping leaves the bounding box of the foreground."""
    image, mask = disc
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    out = step(crop=True)(image)
    assert_array_equal(out, step()(image)[box])
    assert not np.shares_memory(out, image)


@pytest.mark.parametrize("step", [OtsuForeground, GrabCutForeground])
def test_mean_background(step, disc):
    """The background can be the rounded mean colour of the image."""
    image, _ = disc
    out = step(background="mean")(image)
    assert_array_equal(out[0, 0], np.rint(image.reshape(-1, 3).mean(axis=0)))
    assert_array_equal(out[38, 55], image[38, 55])


@pytest.mark.parametrize("step", [OtsuForeground(crop=True), GrabCutForeground(crop=True)])
@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 3), (1, 1), (2, 9, 3)])
def test_no_foreground_leaves_the_image(step, shape):
    """Where there is nothing to find, the image is given back whole."""
    image = np.full(shape, 90, dtype=np.uint8)
    assert step(image) is image


def test_grabcut_finds_the_object(disc):
    """GrabCut finds the disc, in colour and in grey, to a pixel of its outline."""
    image, mask = disc
    for picture in (image, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)):
        out = GrabCutForeground()(picture)
        found = out.reshape(80, 100, -1).any(axis=2)
        assert (found & mask).sum() / (found | mask).sum() > 0.98
        assert_array_equal(out[found], picture[found])


def test_grabcut_at_working_size(disc):
    """The cut of a large image is made on a small copy and has the outline of the large one."""
    image, mask = (np.kron(a, np.ones((4, 4, *[1] * (a.ndim - 2)), a.dtype)) for a in disc)
    found = GrabCutForeground(working_size=100)(image).any(axis=2)
    assert (found & mask).sum() / (found | mask).sum() > 0.95


def test_grabcut_of_a_thin_image():
    """A strip keeps an inside when it is shrunk, and what lies there is found."""
    strip = np.full((6, 900, 3), (40, 60, 120), dtype=np.uint8)
    strip[2:4, 300:600] = (220, 140, 40)
    found = GrabCutForeground(working_size=150)(strip).any(axis=2)
    assert found[2:4, 310:590].all()
    assert not found[:, :290].any()
    assert not found[:, 610:].any()


def test_grabcut_border_is_background():
    """Pixels of the border never belong to the foreground."""
    image = data.chelsea()[::6, ::6].copy()
    found = GrabCutForeground(border=0.2)(image).any(axis=2)
    height, width = found.shape
    inside = np.zeros_like(found)
    inside[round(0.2 * height) : -round(0.2 * height), round(0.2 * width) : -round(0.2 * width)] = 1
    assert found.any()
    assert not found[~inside].any()


def test_grabcut_is_the_same_in_every_thread():
    """One image, whose cut depends on the seed, is cut alike for any thread, order and history."""
    image = cv2.resize(data.astronaut(), (96, 96), interpolation=cv2.INTER_AREA)
    step = GrabCutForeground()
    expected = step(image)

    def after_other_draws(seed):
        cv2.setRNGSeed(seed)
        cv2.randu(np.zeros(seed + 1, np.uint8), 0, 255)
        return step(image)

    with ThreadPoolExecutor(4) as pool:
        for out in pool.map(after_other_draws, range(12)):
            assert_array_equal(out, expected)


def test_grabcut_does_not_depend_on_opencv_threads():
    """The number of threads inside OpenCV does not change the cut."""
    image = cv2.resize(data.astronaut(), (96, 96), interpolation=cv2.INTER_AREA)
    before = cv2.getNumThreads()
    try:
        cuts = []
        for n_threads in (1, 2, 4):
            cv2.setNumThreads(n_threads)
            cuts.append(GrabCutForeground()(image))
    finally:
        cv2.setNumThreads(before)
    assert_array_equal(cuts[0], cuts[1])
    assert_array_equal(cuts[0], cuts[2])


def test_opencv_generators_are_per_thread():
    """The premise of the two tests above: seeding in one thread leaves the others alone."""

    def draw():
        return cv2.randu(np.zeros(8, np.uint8), 0, 255).ravel()

    cv2.setRNGSeed(7)
    expected = draw()
    cv2.setRNGSeed(7)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(cv2.setRNGSeed, 3).result()
    assert_array_equal(draw(), expected)
    cv2.setRNGSeed(3)
    assert not np.array_equal(draw(), expected)
