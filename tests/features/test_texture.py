"""Texture extractors: their values are those of scikit-image, and they tell textures apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import skimage.data
from skimage.color import rgb2gray
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import gabor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classicvis import GaborExtractor, HaralickExtractor, LbpExtractor, ParameterError


def test_lbp_counts_scikit_images_codes(camera):
    """Radius by radius and cell by cell, the histogram of scikit-image's codes."""
    image = camera[100:180, 200:290]
    extractor = LbpExtractor((1, 2.5), 10, "nri_uniform", grid=(2, 1), hellinger=False)
    row = extractor.fit_transform([image])[0]
    expected = []
    for radius in (1, 2.5):
        codes = local_binary_pattern(image, 10, radius, "nri_uniform").astype(int)
        cells = (codes[:40].ravel(), codes[40:].ravel())
        expected += [np.bincount(cell, minlength=93) / cell.size for cell in cells]
    shares = np.concatenate(expected).astype(np.float32)
    np.testing.assert_array_equal(row, shares)
    roots = extractor.set_params(hellinger=True).fit_transform([image])[0]
    np.testing.assert_array_equal(roots, np.sqrt(shares))


def test_lbp_ignores_brightness_contrast_and_quarter_turns(camera):
    """Half the contrast on a grey ground, or the picture turned: nearly the same histogram."""
    image = camera[100:180, 200:280] // 2 * 2
    changed = [image // 2 + 50, np.rot90(image)]
    rows = LbpExtractor((1,), 4, hellinger=False).fit_transform([image, *changed])
    inner = 4 * 79 / 80**2  # pixels at the border, which are compared with zeros outside
    assert np.abs(rows[1:] - rows[0]).sum(axis=1).max() < 2 * inner
    np.testing.assert_array_equal(rows[2], rows[0])


def test_haralick_is_the_mean_and_range_of_graycoprops(camera):
    """Per distance the means of scikit-image's properties over angles, then their ranges."""
    image = camera[::4, ::4]
    extractor = HaralickExtractor((1, 3), levels=16)
    row = extractor.fit_transform([image])[0].reshape(2, 2, 6)
    matrices = graycomatrix(image // 16, (1, 3), extractor.angles, 16, symmetric=True)
    largest = {"contrast": 15**2, "dissimilarity": 15, "entropy": math.log(16**2)}
    for i, name in enumerate(extractor.properties):
        by_angle = graycoprops(matrices, name) / largest.get(name, 1)
        np.testing.assert_allclose(row[:, 0, i], by_angle.mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(row[:, 1, i], np.ptp(by_angle, axis=1), rtol=1e-5, atol=1e-7)


def test_haralick_values_lie_between_0_and_1():
    """Checkers, stripes and noise reach the bounds of the properties and do not pass them."""
    row, col = np.indices((64, 64))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64))
    images = [((row + col) % 2 * 255), (row % 2 * 255), noise, np.full((64, 64), 255)]
    names = ("contrast", "dissimilarity", "homogeneity", "ASM", "energy", "entropy")
    extractor = HaralickExtractor(levels=4, properties=(*names, "mean", "variance", "std"))
    rows = extractor.fit_transform([image.astype(np.uint8) for image in images])
    assert rows.min() >= 0
    assert rows.max() <= 1 + 1e-6
    contrast = HaralickExtractor((1,), (0,), 2, ("contrast", "std")).fit_transform(
        [(col % 2 * 255).astype(np.uint8)]
    )
    np.testing.assert_allclose(contrast, [[1, 1, 0, 0]], atol=1e-3)


@pytest.mark.parametrize("shape", [(64, 80), (9, 7), (1, 1)])
def test_gabor_is_scikit_images_magnitude(shape):
    """Mean and deviation in each cell of scikit-image's filtered image, mirrored at its borders."""
    image = skimage.data.gravel()[: shape[0], : shape[1]]
    extractor = GaborExtractor((0.1, 0.3), 3, grid=(2, 1))
    row = extractor.fit_transform([image])[0]
    expected = []
    for frequency in (0.1, 0.3):
        for angle in np.arange(3) * np.pi / 3:
            magnitude = np.hypot(*gabor(image / 255, frequency, angle, mode="reflect"))
            for cell in np.split(magnitude, [shape[0] // 2]):
                expected += [cell.mean(), cell.std()] if cell.size else [0, 0]
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_gabor_finds_the_direction_and_frequency_of_waves():
    """Of all filters the one that made the waves responds most."""
    row, col = np.indices((64, 64))
    extractor = GaborExtractor((0.1, 0.2, 0.4), 4)
    for i, frequency in enumerate(extractor.frequencies):
        for j in range(4):
            angle = j * np.pi / 4
            phase = 2 * np.pi * frequency * (col * np.cos(angle) + row * np.sin(angle))
            waves = np.rint(127.5 + 127.5 * np.sin(phase)).astype(np.uint8)
            means = extractor.fit_transform([waves])[0, ::2]
            assert means.argmax() == 4 * i + j


@pytest.mark.parametrize("extractor", [LbpExtractor(), HaralickExtractor(), GaborExtractor()])
def test_textures_are_told_apart(extractor, texture_tiles):
    """Brick, grass and gravel in tiles of 64 x 64 pixels: nearly all are named right."""
    rows = extractor.fit_transform(texture_tiles[0])
    learner = make_pipeline(StandardScaler(), LogisticRegression())
    assert cross_val_score(learner, rows, texture_tiles[1], cv=4).mean() > 0.95


def test_colour_becomes_grey(flower):
    """RGB images have the rows of their grey versions (a level of rounding apart)."""
    tile = flower[100:164, 200:264]
    gray = np.rint(rgb2gray(tile, channel_axis=-1) * 255).astype(np.uint8)
    for extractor in (HaralickExtractor(), GaborExtractor()):
        rows = extractor.fit(tile[None]).transform([tile, gray])
        np.testing.assert_allclose(rows[0], rows[1], atol=0.06)


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (LbpExtractor(()), r"radii=\(\): expected a sequence"),
        (LbpExtractor(2), "radii=2: expected a sequence"),
        (LbpExtractor((1, -1)), "radii=-1: expected a number of pixels"),
        (LbpExtractor(n_points=17, method="default"), "at most 16"),
        (LbpExtractor(method="ror"), "expected one of uniform"),
        (LbpExtractor(hellinger=None), "hellinger=None: expected one of True, False"),
        (LbpExtractor(grid=(0, 1)), "grid=0: expected a positive integer"),
        (HaralickExtractor(levels=1), "expected 2 to 256 grey levels"),
        (HaralickExtractor(levels=257), "expected 2 to 256 grey levels"),
        (HaralickExtractor(()), r"distances=\(\): expected a sequence of numbers above 0"),
        (HaralickExtractor((0,)), "distances"),
        (HaralickExtractor(angles=("a",)), "angles=.*finite numbers"),
        (HaralickExtractor(properties="contrast"), "expected a sequence of names"),
        (HaralickExtractor(properties=("contrasts",)), "did you mean 'contrast'"),
        (GaborExtractor((0.6,)), "numbers from 0.01 to 0.5"),
        (GaborExtractor(0.1), "frequencies=0.1: expected a sequence"),
        (GaborExtractor(n_orientations=0), "n_orientations=0"),
        (GaborExtractor(bandwidth=0), "bandwidth=0"),
    ],
)
def test_bad_parameters_are_refused(extractor, message):
    """What cannot be used gets one sentence, at fit."""
    with pytest.raises(ParameterError, match=message):
        extractor.fit([np.zeros((8, 8), np.uint8)])
