"""Steps that change colour, contrast and noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import median_filter
from skimage import color, data, exposure
from skimage.metrics import peak_signal_noise_ratio
from sklearn.datasets import load_digits

from classicvis.images._preprocess import (
    BilateralDenoise,
    Clahe,
    ConvertColor,
    EqualizeHistogram,
    MedianDenoise,
    NonLocalMeansDenoise,
    Normalize,
)


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[::4, ::4].copy()


def lightness(image):
    return color.rgb2lab(image)[..., 0]


def test_rgb_repeats_grey():
    """Grey becomes three equal channels, RGB stays itself."""
    grey = data.coins()[:20, :30].copy()
    assert_array_equal(ConvertColor("rgb")(grey), np.repeat(grey[..., None], 3, axis=2))
    image = np.zeros((2, 2, 3), np.uint8)
    assert ConvertColor("rgb")(image) is image


def test_gray_is_luma(photo):
    """Grey is the BT.601 luma, rounded; a grey image stays itself."""
    out = ConvertColor("gray")(photo)
    assert_allclose(out, photo @ [0.299, 0.587, 0.114], atol=0.52)
    assert ConvertColor("gray")(out) is out


def test_hsv_fills_the_byte(photo):
    """All channels of HSV are those of scikit-image times 255; hue is compared on its circle."""
    out = ConvertColor("hsv")(photo).astype(float)
    reference = color.rgb2hsv(photo) * 255
    assert_allclose(out[..., 1:], reference[..., 1:], atol=1)
    turn = (out[..., 0] - reference[..., 0] + 128) % 256 - 128
    assert np.abs(turn).max() <= 1.5
    assert out[..., 0].max() > 180  # beyond the range of OpenCV's plain HSV


def test_lab_is_scaled_to_bytes(photo):
    """L, a, b are those of scikit-image, scaled and shifted into 0..255."""
    reference = color.rgb2lab(photo) * [255 / 100, 1, 1] + [0, 128, 128]
    error = np.abs(ConvertColor("lab")(photo) - reference)
    assert error.max() < 3
    assert error.mean() < 0.6


def test_grey_converts_to_every_space():
    """A grey image has no saturation and no chroma."""
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert_array_equal(ConvertColor("hsv")(grey)[..., 1], 0)
    assert_array_equal(ConvertColor("lab")(grey)[..., 1:], 128)


@pytest.mark.parametrize("percentiles", [(0, 100), (1, 99), (10, 60)])
@pytest.mark.parametrize("source", [data.astronaut, data.camera])
def test_normalize_minmax(source, percentiles):
    """The percentiles are mapped to 0 and 255 as by scikit-image's rescale_intensity."""
    image = (source()[::4, ::4] * 0.5 + 40).astype(np.uint8)
    low, high = np.percentile(image, percentiles)
    reference = exposure.rescale_intensity(
        image.astype(float), in_range=(low, high), out_range=(0, 255)
    )
    assert_allclose(Normalize(percentiles=percentiles)(image), reference, atol=0.501)


def test_normalize_standard(photo):
    """The mean goes to the middle and three standard deviations to the ends."""
    out = Normalize("standard")(photo)
    score = (photo - photo.mean()) / photo.std()
    assert_allclose(out, np.clip(127.5 + 127.5 * score / 3, 0, 255), atol=0.501)


@pytest.mark.parametrize("method", ["minmax", "standard"])
def test_normalize_ignores_exposure(method, photo):
    """A darker copy with less contrast is normalised to the same picture, but for rounding."""
    dark = np.rint(photo * 0.5 + 30).astype(np.uint8)
    step = Normalize(method)
    assert_allclose(step(dark).astype(int), step(photo), atol=3)
    assert np.abs(dark.astype(int) - photo).max() > 50


@pytest.mark.parametrize("method", ["minmax", "standard"])
def test_normalize_per_channel(method, photo):
    """Each channel is normalised as the grey image that it is."""
    step = Normalize(method, per_channel=True)
    channels = [step(np.ascontiguousarray(photo[..., c])) for c in range(3)]
    assert_array_equal(step(photo), np.stack(channels, axis=2))
    assert not np.array_equal(step(photo), Normalize(method)(photo))


@pytest.mark.parametrize("method", ["minmax", "standard"])
def test_normalize_leaves_a_flat_channel(method, photo):
    """A channel without contrast stays while the others are stretched."""
    image = photo // 2
    image[..., 1] = 33
    out = Normalize(method, per_channel=True)(image)
    assert_array_equal(out[..., 1], 33)
    assert out[..., 0].max() > image[..., 0].max()


def test_normalize_without_spread_between_percentiles():
    """Few bright pixels beyond the percentiles are no contrast: the image stays."""
    image = np.zeros((50, 50), np.uint8)
    image[0, :5] = 200
    assert_array_equal(Normalize()(image), image)
    assert Normalize(percentiles=(0, 100))(image).max() == 255


def test_equalize_is_histogram_equalisation():
    """Grey levels follow the cumulative histogram, as in scikit-image."""
    image = data.moon()
    reference = exposure.equalize_hist(image) * 255
    # OpenCV starts its cumulative sum above the darkest level: it maps that level to 0.
    share = np.mean(image == image.min())
    expected = (reference / 255 - share) / (1 - share) * 255
    assert_allclose(EqualizeHistogram()(image), expected, atol=1.01)


@pytest.mark.parametrize("step", [EqualizeHistogram(), Clahe()], ids=repr)
def test_only_lightness_is_equalised(step, photo):
    """In colour, the lightness gains contrast and the chroma of 8-bit Lab stays."""
    dark = (photo * 0.5 + 60).astype(np.uint8)
    out = step(dark)
    assert lightness(out).std() > 1.1 * lightness(dark).std()
    inside = (out > 0).all(axis=2) & (out < 255).all(axis=2)  # not cut off at the gamut
    chroma = color.rgb2lab(out)[..., 1:] - color.rgb2lab(dark)[..., 1:]
    assert np.abs(chroma[inside]).mean() < 1


@pytest.mark.parametrize("step", [EqualizeHistogram(), Clahe()], ids=repr)
def test_equalisation_of_grey_and_of_equal_channels_agree(step):
    """An RGB image without colour is equalised without gaining any."""
    out = step(np.repeat(data.camera()[::4, ::4, None], 3, axis=2)).astype(int)
    assert np.ptp(out, axis=2).max() <= 1


def test_clahe_is_opencvs():
    """Grey images get OpenCV's CLAHE, with tiles counted down, then across."""
    image = data.camera()[:120, :200].copy()
    expected = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(4, 2)).apply(image)
    assert_array_equal(Clahe(3.0, tiles=(2, 4))(image), expected)
    assert not np.array_equal(Clahe(3.0, tiles=(4, 2))(image), expected)


def test_clahe_of_small_images():
    """An 8x8 digit stays readable, which it does not under tiles of one pixel."""
    digit = np.rint(load_digits().images[0] * 255 / 16).astype(np.uint8)

    def likeness(image):
        return np.corrcoef(image.ravel(), digit.ravel())[0, 1]

    assert likeness(Clahe()(digit)) > 0.95
    assert likeness(cv2.createCLAHE(2.0, (8, 8)).apply(digit)) < 0.5
    crop = data.camera()[:20, :36].copy()
    assert_array_equal(Clahe()(crop), Clahe(tiles=(2, 4))(crop))
    assert_array_equal(Clahe()(crop), cv2.createCLAHE(2.0, (4, 2)).apply(crop))


@pytest.mark.parametrize("step", [EqualizeHistogram(), Clahe()], ids=repr)
def test_equalisation_leaves_flat_colour(step):
    """A flat colour image is not even rounded."""
    image = np.full((20, 30, 3), (200, 90, 40), dtype=np.uint8)
    assert step(image) is image


@pytest.mark.parametrize("size", [3, 5])
def test_median_is_the_median(size, photo):
    """Every channel is the median of its neighbourhood, borders repeated, as in SciPy."""
    expected = [median_filter(photo[..., c], size, mode="nearest") for c in range(3)]
    assert_array_equal(MedianDenoise(size)(photo), np.stack(expected, axis=2))


def test_bilateral_follows_its_formula():
    """An inner pixel is the mean of its disc, weighted by distance and by difference."""
    image = np.random.default_rng(0).integers(90, 160, (9, 9), dtype=np.uint8)
    row, col = np.mgrid[-2:3, -2:3]
    near = image[2:7, 2:7].astype(float)
    weight = np.exp(-(row**2 + col**2) / (2 * 2**2) - (near - near[2, 2]) ** 2 / (2 * 30**2))
    weight[row**2 + col**2 > 4] = 0
    expected = (weight * near).sum() / weight.sum()
    assert abs(float(BilateralDenoise()(image)[4, 4]) - expected) < 0.6


@pytest.mark.parametrize(
    ("step", "source"),
    [
        (BilateralDenoise(), data.camera),
        (BilateralDenoise(), data.astronaut),
        (NonLocalMeansDenoise(10), data.camera),
        (NonLocalMeansDenoise(5), data.astronaut),
    ],
)
def test_denoisers_remove_noise(step, source):
    """Gaussian noise of 10 grey levels on a photo is reduced by more than 2 decibels."""
    clean = source()[100:260, 150:310]
    noise = np.random.default_rng(0).normal(0, 10, clean.shape)
    noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
    before = peak_signal_noise_ratio(clean, noisy)
    assert peak_signal_noise_ratio(clean, step(noisy)) > before + 2


def test_nlmeans_takes_rgb():
    """OpenCV's own function, which takes BGR, gives the same on reordered channels."""
    image = data.astronaut()[100:164, 200:264]
    bgr = np.ascontiguousarray(image[..., ::-1])
    expected = cv2.fastNlMeansDenoisingColored(bgr, None, 8, 8, 5, 11)[..., ::-1]
    assert_array_equal(NonLocalMeansDenoise(8, patch_size=5, search_size=11)(image), expected)
