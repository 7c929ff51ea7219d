"""The SIFT kernels, stage by stage, against their naive twins."""

import math

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from classicvis.kernels.sift_describe import describe_batch
from classicvis.kernels.sift_detect import extrema_buffers, find_extrema, refine_extrema
from classicvis.kernels.sift_gradients import decay
from classicvis.kernels.sift_math import octants
from classicvis.kernels.sift_orient import MOST_ORIENTATIONS, orient_points
from tests.reference import sift as twin

SIGMA = 1.6
CONTRAST = 0.04 * 255 / 3


@pytest.fixture(scope="module")
def octave():
    """Return an octave (6, 56, 60) of a piece of a photo with much detail."""
    image = cv2.resize(data.gravel()[70:98, 210:240].astype(np.float32), (60, 56))
    blurs = [math.sqrt((SIGMA * 2 ** (i / 3)) ** 2 - 1) for i in range(6)]  # it has 1 already
    return np.stack([ndimage.gaussian_filter(image, blur) for blur in blurs])


@pytest.fixture(scope="module")
def points(octave):
    return refine(octave, find(octave, 1), CONTRAST, 10.0)


def ring(layers, n_rows=None):
    """Return a window that holds the last rows of the layers, with some columns behind each."""
    n_layers, height, width = layers.shape
    n_rows = n_rows or height
    rows = np.full((n_layers, n_rows, width + 16), np.nan, np.float32)
    for row in range(height - n_rows, height):
        rows[:, row % n_rows, :width] = layers[:, row]
    return rows


def find(layers, threshold):
    height, width = layers.shape[1:]
    return find_in(ring(layers), (height, width), (0, height), threshold)


def find_in(window, shape, rows, threshold, room=2000):
    """Return the extrema of a window, from tables with room for so many."""
    buffers = extrema_buffers(len(window) - 3, shape[1])
    out = np.full((room, 3), -1)
    n = find_extrema(window, shape, rows, threshold, *buffers, out)
    assert n <= room
    return out[:n]


def refine(layers, extrema, contrast, edge):
    out = np.empty((len(extrema), 4))
    return out[: refine_extrema(ring(layers), layers.shape[1:], extrema, contrast, edge, out)]


def orient(layers, points):
    out = np.empty((MOST_ORIENTATIONS * len(points), 5))
    return out[: orient_points(ring(layers), layers.shape[1:], points, SIGMA, out)]


def describe(layers, points, sigma=SIGMA):
    out = np.full((len(points), 128), np.nan, np.float32)
    describe_batch(ring(layers), layers.shape[1:], points, sigma, out)
    return out


def test_extrema_equal_the_twin(octave):
    """The same pixels are extrema as by looking at all 26 neighbours of every pixel."""
    for threshold in (0.0, 1.0, 3.0):
        expected = twin.find_extrema(octave, threshold)
        assert len(expected) > 3
        np.testing.assert_array_equal(find(octave, threshold), expected)


def test_extrema_of_noise_equal_the_twin():
    """Dense extrema, odd width: the mask is read to its end."""
    layers = np.random.default_rng(0).normal(size=(5, 34, 139)).astype(np.float32)
    expected = twin.find_extrema(layers, 0.1)
    assert len(expected) > 256
    np.testing.assert_array_equal(find(layers, 0.1), expected)


def test_extrema_without_room_are_counted():
    """A table that is too short gets the first extrema, and the number of all is returned."""
    layers = np.random.default_rng(0).normal(size=(5, 34, 60)).astype(np.float32)
    expected = twin.find_extrema(layers, 0.1)
    out = np.full((10, 3), -1)
    buffers = extrema_buffers(2, 60)
    n = find_extrema(ring(layers), (34, 60), (0, 34), 0.1, *buffers, out[:7])
    assert n == len(expected) > 10
    np.testing.assert_array_equal(out[:7], expected[:7])
    assert (out[7:] == -1).all()


@pytest.mark.parametrize("shape", [(1, 1), (10, 30), (30, 10), (11, 11), (3, 200)])
def test_small_octaves_have_few_or_no_extrema(shape):
    """Within 5 pixels of the border nothing is sought, in images of any size."""
    layers = np.random.default_rng(1).normal(size=(6, *shape)).astype(np.float32)
    np.testing.assert_array_equal(find(layers, 0.0), twin.find_extrema(layers, 0.0))


def test_refinement_equals_the_twin(octave):
    """The same extrema survive, at the same place, with the same response."""
    extrema = find(octave, 0.0)
    for contrast, edge in ((CONTRAST, 10.0), *((0.0, 1.0 + 0.25 * k) for k in range(1, 12))):
        found = refine(octave, extrema, contrast, edge)
        expected = [twin.refine(octave, extremum, contrast, edge) for extremum in extrema]
        expected = np.array([point for point in expected if point is not None])
        assert 0 < len(expected) < len(extrema)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_refinement_finds_the_top_of_a_blob():
    """The extremum of a quadratic difference of Gaussians is found between the pixels."""
    layer, row, column = np.mgrid[:5, :21, :21].astype(np.float64)
    top = (10.3, 9.8, 2.2)
    dog = 50 - (row - top[0]) ** 2 - 1.2 * (column - top[1]) ** 2 - 3 * (layer - top[2]) ** 2
    gaussians = np.concatenate([np.zeros((1, 21, 21)), np.cumsum(dog, axis=0)])
    found = refine(gaussians.astype(np.float32), np.array([[11, 9, 2]]), 1.0, 10.0)
    np.testing.assert_allclose(found, [(*top, 50)], atol=1e-3)


def test_flat_refinement_is_defined():
    """Where the Hessian is zero there is no step, no division by zero and no keypoint."""
    flat = np.zeros((6, 16, 16), np.float32)
    assert len(refine(flat, np.array([[8, 8, 2]]), 0.0, 10.0)) == 0


def test_orientations_equal_the_twin(octave, points):
    """Every point has the twin's orientations, detected or anywhere; some have several."""
    rng = np.random.default_rng(5)
    height, width = octave.shape[1:]
    anywhere = rng.uniform((5, 5, 0.5, 1), (height - 6, width - 6, 3.4, 9), (60, 4))
    points = np.concatenate([points, anywhere])
    found = orient(octave, points)
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
    found = orient(layers, np.array([[20.0, 20.0, 1.0, 5.0]]))
    # The blur rounds the corner, which turns both towards the diagonal.
    np.testing.assert_allclose(np.sort(found[:, 4]), [0, np.pi / 2], atol=0.25)
    np.testing.assert_array_equal(found[:, :4], [[20, 20, 1, 5]] * 2)


def test_flat_surroundings_have_no_orientation():
    """Without gradients there is no direction, hence no keypoint."""
    flat = np.full((6, 30, 30), 7, np.float32)
    assert orient(flat, np.array([[15.0, 15.0, 1.0, 5.0]])).shape == (0, 5)


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
    out = describe(octave, points)
    for descriptor, (row, column, layer, _, angle) in zip(out, points, strict=True):
        scale = SIGMA * 2 ** (layer / 3)
        expected = twin.describe(octave[round(layer)], round(row), round(column), scale, angle)
        np.testing.assert_allclose(descriptor, expected, atol=2e-5)


def test_flat_surroundings_give_a_zero_descriptor():
    """No gradient, no descriptor: zeros, finite."""
    flat = np.full((6, 30, 30), 7, np.float32)
    out = describe(flat, np.array([[15.0, 15.0, 1.0, 5.0, 0.3]]))
    assert (out == 0).all()


def test_a_window_is_as_good_as_the_octave(octave):
    """A ring of rows that holds the surroundings gives what the whole octave gives."""
    tall = np.concatenate([octave[:, ::-1], octave], axis=1)
    height, width = tall.shape[1:]
    shape, rows = (height, width), (height - 40, height)
    whole, window = ring(tall), ring(tall, 100)
    results = []
    for layers in (whole, window):
        layers.flags.writeable = False  # all stages take read-only arrays
        extrema = find_in(layers, shape, rows, 1.0)
        refined = np.empty((len(extrema), 4))
        refined = refined[: refine_extrema(layers, shape, extrema, CONTRAST / 4, 10.0, refined)]
        oriented = np.empty((MOST_ORIENTATIONS * len(refined), 5))
        oriented = oriented[: orient_points(layers, shape, refined, SIGMA, oriented)]
        descriptors = np.empty((len(oriented), 128), np.float32)
        describe_batch(layers, shape, oriented, SIGMA, descriptors)
        results.append((extrema, refined, oriented, descriptors))
    assert len(results[0][2]) > 3
    for expected, found in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-5)


def test_angles_are_arctan2():
    """The angle is that of arctan2 in all octants, zero included."""
    angles = np.linspace(0, 2 * np.pi, 257)[:-1]
    x, y = 3 * np.cos(angles).astype(np.float32), 3 * np.sin(angles).astype(np.float32)
    found = [octants(*pair) for pair in zip(x, y, strict=True)]
    expected = np.arctan2(y.astype(np.float64), x) / (np.pi / 4) % 8
    np.testing.assert_allclose((found - expected + 4) % 8 - 4, 0, atol=2e-6)
    assert octants(np.float32(0), np.float32(0)) == 0


def test_decay_is_the_exponential():
    """The polynomial is exp(-t) over its range."""
    t = np.linspace(0, 1.6, 200, dtype=np.float32)
    np.testing.assert_allclose([decay(value) for value in t], np.exp(-t), atol=1e-6)


def test_gradients_on_the_rim_stay_inside():
    """Where float32 rounds a position onto the outer edge of the bins, nothing is written beyond.

    Here pixels lie at 2.5 bins from the centre, less one unit in the last place of float64.
    """
    layers = np.random.default_rng(3).normal(size=(6, 60, 60)).astype(np.float32)
    scale = 4 / 3 + 1e-15
    assert 2.5 - 1e-12 < 10 / (3 * scale) < 2.5
    out = describe(layers, np.array([[30.0, 30.0, 0.0, 1.0, 0.0]]), scale)
    np.testing.assert_allclose(out[0], twin.describe(layers[0], 30, 30, scale, 0.0), atol=2e-5)
