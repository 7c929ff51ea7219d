"""Random changes of training images."""

from __future__ import annotations

import numpy as np
import pytest

from classicvis.backbones._augmentation import PRESETS, Augmentation, make_augmentation
from classicvis.exceptions import ParameterError
from classicvis.images import Warp


@pytest.fixture
def photos(flower) -> np.ndarray:
    return np.stack([flower[20 * i : 20 * i + 40, 100:160] for i in range(8)])


def test_nothing_asked_for_is_nothing_done(photos):
    """An augmentation without any change returns the images."""
    out = Augmentation()(photos, np.random.default_rng(0))
    assert out is not photos
    np.testing.assert_array_equal(out, photos)


def test_flips_mirror_about_half_of_the_images(photos):
    """With flip alone every image is itself or its mirror image, and both occur."""
    out = Augmentation(flip=True)(photos, np.random.default_rng(0))
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(out, photos, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(out, photos, strict=True)]
    assert all(np.logical_xor(mirrored, same))
    assert any(mirrored)
    assert any(same)


def test_shifts_are_whole_pixels_and_reflect_the_border(photos):
    """A shifted image is a window of the image with its border reflected: nothing is blurred."""
    out = Augmentation(shift=0.1)(photos, np.random.default_rng(0))
    places = []
    for image, copy in zip(photos, out, strict=True):
        wide = np.pad(image, ((4, 4), (6, 6), (0, 0)), mode="reflect")
        windows = {(r, c): wide[r : r + 40, c : c + 60] for r in range(9) for c in range(13)}
        places += [place for place, window in windows.items() if np.array_equal(window, copy)]
    assert len(places) == len(photos)
    assert len(set(places)) > 4


@pytest.mark.parametrize("channels", [1, 3])
def test_turns_and_scales_are_those_of_warp(photos, channels):
    """A turned and scaled copy is what `Warp` makes of the image, but for its border."""
    photos = photos[:, :, :40, :channels]
    out = Augmentation(rotation=20, scale=0.3)(photos, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    angles, zooms = 20 * rng.uniform(-1, 1, 8), 1.3 ** rng.uniform(-1, 1, 8)
    for image, copy, angle, zoom in zip(photos, out, angles, zooms, strict=True):
        expected = Warp(angle=angle, scale=zoom)(image.squeeze())
        difference = np.abs(copy.squeeze().astype(int) - expected)[12:28, 12:28]
        assert difference.max() <= 3
        assert np.abs(copy.squeeze().astype(int) - image.squeeze()).mean() > 3


def test_colors_follow_the_formula(photos):
    """Brightness, contrast and saturation are those of a slow twin with the same draws."""
    out = Augmentation(color=0.4)(photos, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    rng.uniform(-1, 1, 8), rng.uniform(-1, 1, 8), rng.random(8), rng.uniform(-1, 1, (8, 2))
    for image, copy, *factors in zip(
        photos, out, *1 + 0.4 * rng.uniform(-1, 1, (3, 8)), strict=True
    ):
        brightness, contrast, saturation = factors
        grey = (image @ [0.299, 0.587, 0.114])[..., None]
        changed = grey + saturation * (image - grey)
        changed = brightness * (127.5 + contrast * (changed - 127.5))
        np.testing.assert_allclose(copy, changed.clip(0, 255), atol=0.51)


def test_every_epoch_changes_anew_and_a_seed_repeats(photos):
    """The same generator gives other changes in the next call, the same seed the same ones."""
    rng = np.random.default_rng(0)
    first, second = (PRESETS["photo"](photos, rng) for _ in range(2))
    assert not np.array_equal(first, second)
    again = PRESETS["photo"](photos, np.random.default_rng(0))
    np.testing.assert_array_equal(again, first)


def test_names_and_mappings():
    """An augmentation is a preset, a mapping of its parameters, or None."""
    assert make_augmentation(None) is None
    assert make_augmentation("crop") is PRESETS["crop"]
    assert make_augmentation({"flip": True}) == Augmentation(flip=True)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mildly", "did you mean 'mild'"),
        ({"rotate": 3}, "did you mean 'rotation'"),
        ({"scale": -1}, "scale=-1: expected a number from 0 to 10"),
        ({"shift": float("nan")}, "shift=nan: expected"),
        (3, "augment=3: expected"),
    ],
)
def test_unusable_augmentations(spec, message):
    """What cannot be done is said in one sentence."""
    with pytest.raises(ParameterError, match=message):
        make_augmentation(spec)
