"""The scale space of SIFT: its blur, its windows, its size."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from classicvis.kernels.sift_blur import blur_rows, gaussian_taps, mirror, tap_spacing
from classicvis.kernels.sift_pyramid import Octave, first_blur, n_octaves, surroundings

SIGMA = 1.6


def camera(height, width):
    return data.camera()[:height, 200 : 200 + width].astype(np.float32)


def bands(octave):
    """Slide the window of an octave; yield the rows that have come to have their surroundings."""
    first = 0
    while first < octave.shape[0]:
        end = octave.slide(first)
        yield first, end
        first = end


def layers_of(octave):
    """Return the layers (6, height, width) of an octave, from the rows of all its bands."""
    height, width = octave.shape
    layers = octave.planes[-6:]
    whole = np.full((6, height, width), np.nan, np.float32)
    for first, end in bands(octave):
        for row in range(first, end):
            whole[:, row] = layers[:, row % layers.shape[1], :width]
    return whole


def first_octave(image, upsample):
    return Octave(image, first_blur(upsample), upsample, 3, SIGMA, surroundings(3, SIGMA))


@pytest.mark.parametrize("upsample", [True, False])
def test_first_layer_has_its_blur(upsample):
    """The image, doubled or not, is taken to be blurred by half a pixel and gets the rest."""
    image = camera(40, 40).astype(np.float64)
    found = layers_of(first_octave(camera(40, 40), upsample))[0]
    if upsample:
        places = np.meshgrid(*[(np.arange(80) + 0.5) / 2 - 0.5] * 2, indexing="ij")
        image = ndimage.map_coordinates(image, places, order=1, mode="nearest")
    blur = np.sqrt(SIGMA**2 - (1.0 if upsample else 0.5) ** 2)
    expected = ndimage.gaussian_filter(image, blur, mode="mirror", truncate=6)
    assert np.abs(found - expected).max() < 0.5  # of 255


@pytest.mark.parametrize("upsample", [True, False])
def test_layers_have_their_blur(upsample):
    """Each layer is the first one blurred to sigma * 2 ** (i / n), each octave half the last."""
    first = first_octave(camera(96, 80), upsample)
    pyramid = [layers_of(first)]
    pyramid.append(layers_of(Octave(first.next_image, 0.0, False, 3, SIGMA, 45)))
    for octave in pyramid:
        for i in range(1, 6):
            blur = SIGMA * np.sqrt(2 ** (2 * i / 3) - 1)
            expected = ndimage.gaussian_filter(octave[0], blur, mode="mirror", truncate=6)
            assert np.abs(octave[i] - expected).max() < 0.5  # of 255; kernels are cut at 4 sigma
    np.testing.assert_array_equal(pyramid[1][0], pyramid[0][3][::2, ::2])


def test_a_sliding_window_gives_the_whole_octave():
    """Rows that passed through a ring of few rows equal those of one that holds all."""
    image = camera(300, 24)
    narrow = Octave(image, 0.5, False, 3, SIGMA, margin=7)
    wide = Octave(image, 0.5, False, 3, SIGMA, margin=200)
    assert narrow.planes.shape[1] < 150 < wide.planes.shape[1] == 300
    np.testing.assert_array_equal(layers_of(narrow), layers_of(wide))
    np.testing.assert_array_equal(narrow.next_image, wide.next_image)
    assert np.isfinite(narrow.next_image).all()


def test_bands_hold_their_surroundings():
    """Around each row of a band, as many rows as the margin are in the window, unharmed."""
    image, margin = camera(300, 20), 9
    whole = layers_of(Octave(image, 0.5, False, 3, SIGMA, margin=200))
    octave = Octave(image, 0.5, False, 3, SIGMA, margin=margin)
    ends = []
    for first, end in bands(octave):
        ends.append(end)
        for row in range(max(first - margin, 0), min(end + margin, 300)):
            line = octave.planes[-6:, row % octave.planes.shape[1], :20]
            np.testing.assert_array_equal(line, whole[:, row])
    assert ends == sorted(set(ends))
    assert ends[-1] == 300
    assert len(ends) > 2


def test_memory_does_not_grow_with_the_height():
    """The window has the same size for an image ten times as high."""
    sizes = [
        Octave(np.zeros((height, 50), np.float32), 1.0, True, 3, SIGMA, 45).planes.nbytes
        for height in (500, 5000)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(("sigma", "spacing"), [(1.2, 1), (1.95, 2), (3.09, 3), (0.3, 1), (7.0, 1)])
@pytest.mark.parametrize("shape", [(40, 50), (1, 1), (1, 9), (5, 2), (3, 3)])
def test_blur_equals_the_correlation(sigma, spacing, shape):
    """Rows and columns are correlated with the taps, the image is mirrored, however small."""
    image = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    weights = gaussian_taps(sigma, spacing)
    taps = np.zeros(2 * (len(weights) - 1) * spacing + 1)
    taps[len(taps) // 2 :: spacing] = weights
    taps[: len(taps) // 2 + 1] = taps[len(taps) // 2 :][::-1]
    expected = image.astype(np.float64)
    for axis in (0, 1):
        expected = ndimage.correlate1d(expected, taps, axis, mode="mirror")
    out = np.empty_like(image)
    blur_rows(image.ravel(), shape, (0, shape[0]), weights.astype(np.float32), spacing, out)
    np.testing.assert_allclose(out, expected, rtol=1e-4)


def test_spaced_taps_blur_smooth_images_like_dense_ones():
    """On an image that is smooth already, taps left out change nothing that matters."""
    before, after = 4.03, 5.08
    spacing = tap_spacing(after)
    sigma = np.sqrt(after**2 - before**2)
    image = ndimage.gaussian_filter(camera(80, 80), before, mode="mirror")
    results = []
    for distance in (1, spacing):
        out = np.empty_like(image)
        weights = gaussian_taps(sigma, distance).astype(np.float32)
        blur_rows(image.ravel(), image.shape, (0, 80), weights, distance, out)
        results.append(out)
    assert spacing == 3
    assert tap_spacing(SIGMA) == 1
    assert np.abs(results[1] - results[0]).max() < 0.02  # of 255


@pytest.mark.parametrize(("sigma", "spacing"), [(1.2, 1), (2.45, 2), (3.09, 3), (0.1, 1)])
def test_taps_keep_mean_and_variance(sigma, spacing):
    """The weights sum to 1; spaced taps have the variance of the dense ones."""
    weights, dense = gaussian_taps(sigma, spacing), gaussian_taps(sigma, 1)
    assert weights[0] + 2 * weights[1:].sum() == pytest.approx(1)
    variances = [
        2 * (w * (np.arange(len(w)) * d) ** 2).sum() for w, d in ((weights, spacing), (dense, 1))
    ]
    assert variances[0] == pytest.approx(variances[1], rel=1e-3)
    if sigma > 1:
        assert variances[0] == pytest.approx(sigma**2, rel=0.01)


def test_mirror():
    """Indices beyond the ends turn back, as often as it takes; the ends are not repeated."""
    assert [mirror(i, 3) for i in range(-5, 8)] == [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]
    assert mirror(-7, 1) == mirror(4, 1) == 0


@pytest.mark.parametrize(
    ("height", "width", "upsample", "expected"),
    [
        (512, 512, True, 9),
        (512, 700, False, 7),
        (1, 1, True, 0),
        (1, 900, True, 0),
        (4, 4, False, 0),
    ],
)
def test_number_of_octaves(height, width, upsample, expected):
    """Octaves end where the shorter side is about 4 pixels; a tiny image has none."""
    assert n_octaves(height, width, upsample) == expected
