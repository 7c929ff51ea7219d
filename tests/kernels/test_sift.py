"""The SIFT kernels, stage by stage, against their naive twins."""

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from classicvis.kernels.sift_describe import describe_batch
from classicvis.kernels.sift_detect import find_extrema, orient_points, refine_extrema
from classicvis.kernels.sift_math import to_polar
from classicvis.kernels.sift_pyramid import gaussian_pyramid, n_octaves
from tests.reference import sift as twin

SIGMA = 1.6
CONTRAST = 0.04 * 255 / 3


@pytest.fixture(scope="module")
def octave():
    """Return the first octave (6, 56, 60) of a piece of a photo with much detail."""
    image = data.gravel()[70:98, 210:240].astype(np.float32)
    return gaussian_pyramid(image, 3, SIGMA, True)[0]


@pytest.fixture(scope="module")
def points(octave):
    extrema = find_extrema(octave, 1)
    out = np.empty((len(extrema), 4))
    return out[: refine_extrema(octave, extrema, CONTRAST, 10.0, out)]


def test_extrema_equal_the_twin(octave):
    """The same pixels are extrema as by looking at all 26 neighbours of every pixel."""
    for threshold in (0.0, 1.0, 3.0):
        expected = twin.find_extrema(octave, threshold)
        assert len(expected) > 3
        np.testing.assert_array_equal(find_extrema(octave, threshold), expected)


def test_extrema_of_noise_equal_the_twin():
    """Dense extrema, odd width: the mask is read to its end; the list grows as needed."""
    layers = np.random.default_rng(0).normal(size=(5, 34, 139)).astype(np.float32)
    expected = twin.find_extrema(layers, 0.1)
    assert len(expected) > 256
    np.testing.assert_array_equal(find_extrema(layers, 0.1), expected)


@pytest.mark.parametrize("shape", [(1, 1), (10, 30), (30, 10), (11, 11), (3, 200)])
def test_small_octaves_have_few_or_no_extrema(shape):
    """Within 5 pixels of the border nothing is sought, in images of any size."""
    layers = np.random.default_rng(1).normal(size=(6, *shape)).astype(np.float32)
    np.testing.assert_array_equal(find_extrema(layers, 0.0), twin.find_extrema(layers, 0.0))


def test_refinement_equals_the_twin(octave):
    """The same extrema survive, at the same place, with the same response."""
    extrema = find_extrema(octave, 0.0)
    for contrast, edge in ((CONTRAST, 10.0), *((0.0, 1.0 + 0.25 * k) for k in range(1, 12))):
        out = np.empty((len(extrema), 4))
        count = refine_extrema(octave, extrema, contrast, edge, out)
        expected = [twin.refine(octave, extremum, contrast, edge) for extremum in extrema]
        expected = np.array([point for point in expected if point is not None])
        assert 0 < len(expected) < len(extrema)
        np.testing.assert_allclose(out[:count], expected, rtol=1e-9)


def test_refinement_finds_the_top_of_a_blob():
    """The extremum of a quadratic difference of Gaussians is found between the pixels."""
    layer, row, column = np.mgrid[:5, :21, :21].astype(np.float64)
    top = (10.3, 9.8, 2.2)
    dog = 50 - (row - top[0]) ** 2 - 1.2 * (column - top[1]) ** 2 - 3 * (layer - top[2]) ** 2
    gaussians = np.concatenate([np.zeros((1, 21, 21)), np.cumsum(dog, axis=0)])
    out = np.empty((1, 4))
    extrema = np.array([[11, 9, 2]])
    assert refine_extrema(gaussians.astype(np.float32), extrema, 1.0, 10.0, out) == 1
    np.testing.assert_allclose(out[0], (*top, 50), atol=1e-3)


def test_flat_refinement_is_defined():
    """Where the Hessian is zero there is no step, no division by zero and no keypoint."""
    out = np.empty((1, 4))
    flat = np.zeros((6, 16, 16), np.float32)
    assert refine_extrema(flat, np.array([[8, 8, 2]]), 0.0, 10.0, out) == 0


def test_orientations_equal_the_twin(octave, points):
    """Every point has the twin's orientations, detected or anywhere; some have several."""
    rng = np.random.default_rng(5)
    height, width = octave.shape[1:]
    anywhere = rng.uniform((5, 5, 0.5, 1), (height - 6, width - 6, 3.4, 9), (60, 4))
    points = np.concatenate([points, anywhere])
    found = orient_points(octave, points, SIGMA)
    expected = [
        (*point, angle)
        for point in points
        for angle in twin.orientations(
            octave[round(point[2])],
            round(point[0]),
            round(point[1]),
            SIGMA * 2 ** (point[2] / 3),
        )
    ]
    assert len(expected) > len(points) + 5
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_several_orientations():
    """A corner has two dominant orientations, and the point appears once for each."""
    image = np.zeros((41, 41), np.float32)
    image[20:, 20:] = 100
    layers = np.stack([cv2.GaussianBlur(image, (0, 0), 2)] * 6)
    found = orient_points(layers, np.array([[20.0, 20.0, 1.0, 5.0]]), SIGMA)
    # The blur rounds the corner, which turns both towards the diagonal.
    np.testing.assert_allclose(np.sort(found[:, 4]), [0, np.pi / 2], atol=0.25)
    np.testing.assert_array_equal(found[:, :4], [[20, 20, 1, 5]] * 2)


def test_flat_surroundings_have_no_orientation():
    """Without gradients there is no direction, hence no keypoint."""
    flat = np.full((6, 30, 30), 7, np.float32)
    assert orient_points(flat, np.array([[15.0, 15.0, 1.0, 5.0]]), SIGMA).shape == (0, 5)


def test_descriptors_equal_the_twin(octave):
    """At any place, scale and orientation, also where the window leaves the image."""
    rng = np.random.default_rng(2)
    n = 8
    height, width = octave.shape[1:]
    points = np.column_stack(
        [
            rng.uniform(5, height - 5, n),
            rng.uniform(5, width - 5, n),
            rng.uniform(0.5, 3.4, n),
            np.ones(n),
            np.append(rng.uniform(0, 2 * np.pi, n - 4), np.arange(4) * np.pi / 2),
        ]
    )
    out = np.full((n, 128), np.nan, np.float32)
    describe_batch(octave, points, SIGMA, out)
    for descriptor, (row, column, layer, _, angle) in zip(out, points, strict=True):
        scale = SIGMA * 2 ** (layer / 3)
        expected = twin.describe(octave[round(layer)], round(row), round(column), scale, angle)
        np.testing.assert_allclose(descriptor, expected, atol=2e-5)


def test_flat_surroundings_give_a_zero_descriptor():
    """No gradient, no descriptor: zeros, finite."""
    out = np.full((1, 128), np.nan, np.float32)
    flat = np.full((6, 30, 30), 7, np.float32)
    describe_batch(flat, np.array([[15.0, 15.0, 1.0, 5.0, 0.3]]), SIGMA, out)
    assert (out == 0).all()


def test_kernels_leave_their_input_alone(octave, points):
    """All stages take read-only arrays."""
    layers, fixed = octave.copy(), points.copy()
    layers.flags.writeable = fixed.flags.writeable = False
    extrema = find_extrema(layers, 1.0)
    extrema.flags.writeable = False
    out = np.empty((len(extrema), 4))
    assert refine_extrema(layers, extrema, CONTRAST, 10.0, out) == len(points)
    oriented = orient_points(layers, fixed, SIGMA)
    oriented.flags.writeable = False
    descriptors = np.empty((len(oriented), 128), np.float32)
    describe_batch(layers, oriented, SIGMA, descriptors)
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-5)


def test_polar_is_arctan2():
    """Magnitude and angle are those of hypot and arctan2 in all octants, zero included."""
    angles = np.linspace(0, 2 * np.pi, 257)[:-1]
    x, y = 3 * np.cos(angles).astype(np.float32), 3 * np.sin(angles).astype(np.float32)
    x, y = np.append(x, np.float32(0)), np.append(y, np.float32(0))
    expected = np.arctan2(y.astype(np.float64), x) / (np.pi / 4) % 8
    expected_magnitude = np.hypot(x, y)
    to_polar(x, y)
    np.testing.assert_allclose(x, expected_magnitude, rtol=1e-6)
    np.testing.assert_allclose((y - expected + 4) % 8 - 4, 0, atol=2e-6)


@pytest.mark.parametrize("upsample", [True, False])
def test_first_layer_has_its_blur(upsample):
    """The image, doubled or not, is taken to be blurred by half a pixel and gets the rest."""
    image = data.camera()[:40, 200:240].astype(np.float32)
    found = gaussian_pyramid(image, 3, SIGMA, upsample)[0][0]
    if upsample:
        places = np.meshgrid(*[(np.arange(80) + 0.5) / 2 - 0.5] * 2, indexing="ij")
        image = ndimage.map_coordinates(image, places, order=1, mode="nearest")
    blur = np.sqrt(SIGMA**2 - (1.0 if upsample else 0.5) ** 2)
    expected = ndimage.gaussian_filter(image, blur, mode="mirror", truncate=6)
    assert np.abs(found - expected).max() < 0.5  # of 255


@pytest.mark.parametrize("upsample", [True, False])
def test_layers_have_their_blur(upsample):
    """Each layer is the first one blurred to sigma * 2 ** (i / n), each octave half the last."""
    image = data.camera()[:96, 200:280].astype(np.float32)
    pyramid = gaussian_pyramid(image, 3, SIGMA, upsample)
    assert len(pyramid) == n_octaves(96, 80, upsample)
    for octave in pyramid[:2]:
        for i in range(1, 6):
            blur = SIGMA * np.sqrt(2 ** (2 * i / 3) - 1)
            expected = ndimage.gaussian_filter(octave[0], blur, mode="mirror", truncate=6)
            assert np.abs(octave[i] - expected).max() < 0.5  # of 255; kernels are cut at 4 sigma
    np.testing.assert_array_equal(pyramid[1][0], pyramid[0][3][::2, ::2])


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


def test_gradients_on_the_rim_stay_inside():
    """Where float32 rounds a position onto the outer edge of the bins, nothing is written beyond.

    Here pixels lie at 2.5 bins from the centre, less one unit in the last place of float64.
    """
    layers = np.random.default_rng(3).normal(size=(6, 60, 60)).astype(np.float32)
    scale = 4 / 3 + 1e-15
    assert 2.5 - 1e-12 < 10 / (3 * scale) < 2.5
    out = np.empty((1, 128), np.float32)
    describe_batch(layers, np.array([[30.0, 30.0, 0.0, 1.0, 0.0]]), scale, out)
    np.testing.assert_allclose(out[0], twin.describe(layers[0], 30, 30, scale, 0.0), atol=2e-5)
