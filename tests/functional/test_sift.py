"""`sift` as its users see it, and against OpenCV on photos."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import cv2
import numba
import numpy as np
import pytest
from scipy.spatial import KDTree
from skimage import data

from classicvis.exceptions import ImageError, ParameterError
from classicvis.functional._sift import sift

needs_jit = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="many photos take minutes when the kernels are interpreted"
)


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(data.gravel()[64:104, 200:240])


@pytest.fixture(scope="module")
def plain(photo):
    return sift(photo)


def opencv_sift(image, **options):
    """Return OpenCV's keypoints in our units, responses and descriptors of unit norm."""
    found, descriptors = cv2.SIFT_create(**options).detectAndCompute(image, None)
    keypoints = [(*k.pt[::-1], k.size / 2, np.deg2rad(k.angle)) for k in found]
    norms = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return np.array(keypoints), np.array([k.response for k in found]), descriptors / norms


def turn(angles):
    """Return the absolute difference of two directions, given their difference."""
    return np.abs((angles + np.pi) % (2 * np.pi) - np.pi)


def matches(keypoints, others, pixels=1.0, ratio=1.1, angle=0.17):
    """Return for each keypoint the closest of the others within the tolerances, or -1.

    The defaults: 1 pixel, 10 % of scale, 10 degrees.
    """
    chosen = np.full(len(keypoints), -1)
    neighbors = KDTree(others[:, :2]).query_ball_point(keypoints[:, :2], pixels)
    for i, near in enumerate(neighbors):
        gap = turn(others[near, 3] - keypoints[i, 3])
        scale = np.abs(np.log(others[near, 2] / keypoints[i, 2]))
        close = np.flatnonzero((gap < angle) & (scale < np.log(ratio)))
        if len(close):
            distance = np.hypot(*(others[near, :2] - keypoints[i, :2]).T) + gap
            chosen[i] = near[close[np.argmin(distance[close])]]
    return chosen


@needs_jit
@pytest.mark.parametrize("name", ["astronaut", "camera", "coins", "chelsea", "gravel"])
def test_agrees_with_opencv(name):
    """Nearly all of OpenCV's keypoints are found, as many, and described alike."""
    image = getattr(data, name)()
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    ours = sift(image)
    keypoints, responses, descriptors = opencv_sift(image)
    assert len(ours.keypoints) == pytest.approx(len(keypoints), rel=0.005)
    # The issue asks for 95 % within 1 pixel, 10 % of scale and 10 degrees.
    match = matches(keypoints, ours.keypoints, pixels=0.05, ratio=1.01)
    found = match >= 0
    assert found.mean() > 0.995
    cosines = np.sum(ours.descriptors[match[found]] * descriptors[found], axis=1)
    assert np.mean(cosines > 0.999) > 0.99
    np.testing.assert_allclose(ours.responses[match[found]], responses[found], atol=1e-4)


@needs_jit
@pytest.mark.parametrize(
    ("ours", "opencvs"),
    [
        ({"n_octave_layers": 5}, {"nOctaveLayers": 5}),
        ({"n_octave_layers": 2}, {"nOctaveLayers": 2}),
        ({"contrast_threshold": 0.02}, {"contrastThreshold": 0.02}),
        ({"edge_threshold": 5.0}, {"edgeThreshold": 5.0}),
        ({"sigma": 2.0}, {"sigma": 2.0}),
        ({"sigma": 1.2}, {"sigma": 1.2}),
    ],
)
def test_options_are_opencvs(ours, opencvs):
    """With other settings, too, the keypoints are those of OpenCV."""
    image = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2GRAY)
    found = sift(image, **ours)
    keypoints, _, _ = opencv_sift(image, **opencvs)
    assert len(found.keypoints) == pytest.approx(len(keypoints), rel=0.05)
    assert np.mean(matches(keypoints, found.keypoints) >= 0) > 0.95


def test_a_tall_image_passes_through_windows():
    """What lies below many other rows has the keypoints that it has on its own."""
    piece = data.gravel()[:64, :48]
    ground = np.full((640, 48), int(piece.mean()), np.uint8)
    ground[-64:] = piece
    alone = np.full((128, 48), int(piece.mean()), np.uint8)
    alone[-64:] = piece
    deep, shallow = (sift(image, upsample=False) for image in (ground, alone))
    inner = shallow.keypoints[:, 2] < 2 * 1.6  # those of the first octave
    expected = shallow.keypoints[inner] + np.float32([512, 0, 0, 0])
    match = matches(expected, deep.keypoints, pixels=1e-3, ratio=1.0001, angle=1e-4)
    assert len(expected) > 5
    assert (match >= 0).all()
    np.testing.assert_allclose(deep.descriptors[match], shallow.descriptors[inner], atol=1e-3)


@needs_jit
def test_memory_is_bounded():
    """An image four times as high needs the same windows, and 9 bytes for each pixel more."""
    peaks = []
    sift(np.zeros((64, 64), np.uint8))
    for height in (1000, 4000):
        image = np.zeros((height, 300), np.uint8)
        tracemalloc.start()
        sift(image)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # float32 of the image, and of a half and a quarter of the doubled one: 4 + 4 + 1 bytes
    assert peaks[1] - peaks[0] < 9.5 * 3000 * 300


@needs_jit
def test_without_upsampling_the_large_keypoints_remain():
    """From the plain image come fewer keypoints, none small, and most of OpenCV's large ones."""
    image = data.camera()
    ours = sift(image, upsample=False)
    keypoints, _, _ = opencv_sift(image)
    assert ours.keypoints[:, 2].min() > 1.6 * 2 ** (0.4 / 3)
    large = keypoints[keypoints[:, 2] > 4]
    match = matches(large, ours.keypoints, pixels=2, ratio=1.2, angle=np.deg2rad(20))
    assert len(ours.keypoints) < len(keypoints) / 2
    assert np.mean(match >= 0) > 0.7


def test_small_photo_agrees_with_opencv(photo, plain):
    """Also in a small piece of a photo the keypoints and descriptors are OpenCV's."""
    keypoints, _, descriptors = opencv_sift(photo)
    match = matches(keypoints, plain.keypoints, pixels=0.05, ratio=1.01)
    assert len(plain.keypoints) == len(keypoints) > 10
    assert (match >= 0).all()
    assert np.sum(plain.descriptors[match] * descriptors, axis=1).min() > 0.99


def test_a_quarter_turn_turns_keypoints():
    """In the first octave, a turned image has the turned keypoints with the same descriptors."""
    photo = data.gravel()[:64, :64]
    plain = sift(photo, upsample=False)
    turned = sift(np.rot90(photo), upsample=False)
    first = plain.keypoints[:, 2] < 1.6 * 2
    row, column, scale, orientation = plain.keypoints[first].T
    size = photo.shape[1] - 1
    expected = np.column_stack([size - column, row, scale, (orientation - np.pi / 2) % (2 * np.pi)])
    match = matches(expected, turned.keypoints, pixels=0.01, ratio=1.001, angle=0.01)
    assert len(expected) >= 5
    assert (match >= 0).all()
    cosines = np.sum(turned.descriptors[match] * plain.descriptors[first], axis=1)
    assert cosines.min() > 0.999


def test_contrast_and_brightness_do_not_matter(photo, plain):
    """Half the contrast on a brighter ground: the same keypoints, half the responses.

    A gradient on the boundary of two of the 36 angles may change sides: orientations move a little.
    """
    image = photo / 255
    faded = sift(0.3 + image / 2, contrast_threshold=0.02)
    match = matches(plain.keypoints, faded.keypoints, pixels=0.01, ratio=1.001, angle=0.01)
    assert (match >= 0).all()
    assert np.sum(faded.descriptors[match] * plain.descriptors, axis=1).min() > 0.9999
    np.testing.assert_allclose(faded.responses[match], plain.responses / 2, rtol=1e-2)


def test_thresholds(photo, plain):
    """Higher contrast and stricter edges leave fewer keypoints; the responses tell why."""
    strong = sift(photo, contrast_threshold=0.07)
    round_ones = sift(photo, edge_threshold=2)
    assert 0 < len(strong.keypoints) < len(plain.keypoints)
    assert 0 < len(round_ones.keypoints) < len(plain.keypoints)
    assert plain.responses.min() >= 0.04 / 3 - 1e-6
    assert strong.responses.min() >= 0.07 / 3 - 1e-6


def test_layers_and_sigma_reach_the_scale_space(photo, plain):
    """More layers find other scales; a larger sigma finds larger keypoints."""
    assert len(sift(photo, n_octave_layers=5).keypoints) != len(plain.keypoints)
    assert sift(photo, sigma=2.4).keypoints[:, 2].min() > plain.keypoints[:, 2].min()


def test_the_strongest_keypoints_are_kept(photo, plain):
    """`max_keypoints` keeps the highest responses, in the same order, unchanged."""
    every, some = plain, sift(photo, max_keypoints=7)
    kept = np.isin(every.responses, np.sort(every.responses)[-7:])
    assert len(some.keypoints) == 7 < len(every.keypoints)
    assert some.responses.min() == np.sort(every.responses)[-7]
    rows = [np.flatnonzero((every.keypoints == k).all(axis=1)).item() for k in some.keypoints]
    assert kept[rows].all()
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(some.descriptors, every.descriptors[rows])
    np.testing.assert_array_equal(sift(photo, max_keypoints=10**6).keypoints, every.keypoints)


def test_shapes_order_and_norms(plain):
    """float32 arrays of fixed widths, sorted, no keypoint twice, rows of unit norm."""
    result = plain
    n = len(result.keypoints)
    assert [part.shape for part in result] == [(n, 4), (n,), (n, 128)]
    assert [part.dtype for part in result] == [np.float32] * 3
    assert all(part.flags.c_contiguous for part in result)
    rows = [tuple(keypoint) for keypoint in result.keypoints]
    assert rows == sorted(set(rows))
    assert (result.keypoints[:, 3] >= 0).all()
    assert (result.keypoints[:, 3] < 2 * np.pi).all()
    np.testing.assert_allclose(np.linalg.norm(result.descriptors, axis=1), 1, atol=1e-5)


def test_root(photo, plain):
    """RootSIFT rows are the square roots of the L1-normalised plain rows."""
    root = sift(photo, root=True)
    l1 = plain.descriptors / plain.descriptors.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(root.descriptors, np.sqrt(l1), atol=1e-6)
    np.testing.assert_array_equal(root.keypoints, plain.keypoints)


def test_colour_depth_and_layout(photo, plain):
    """RGB, uint16, float and any memory layout give what plain grey uint8 gives."""
    rgb = np.ascontiguousarray(data.astronaut()[:40, 200:240])
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(sift(rgb).descriptors, sift(gray).descriptors)
    for same in (photo.astype(np.uint16) * 257, (photo / 255).astype(">f8")):
        found = sift(same)
        np.testing.assert_allclose(found.keypoints, plain.keypoints, atol=1e-2)
        np.testing.assert_allclose(found.descriptors, plain.descriptors, atol=1e-2)
    view = np.repeat(photo, 2, axis=1)[::-1, ::2]
    view.flags.writeable = False
    copy = sift(np.ascontiguousarray(view))
    np.testing.assert_array_equal(sift(view).descriptors, copy.descriptors)


@needs_jit
def test_threads_do_not_disturb_each_other(photo):
    """Many threads at once give what one gives, bit for bit."""
    images = [np.roll(photo, shift, axis=0) for shift in range(4)] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(sift, images))
    for image, result in zip(images, together, strict=True):
        for part, expected in zip(result, sift(image), strict=True):
            np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("upsample", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (2, 2), (3, 64), (64, 3), (64, 64)])
def test_images_without_keypoints(shape, upsample):
    """Flat and tiny images give empty arrays of the right widths."""
    for value in (0, 255):
        result = sift(np.full(shape, value, np.uint8), upsample=upsample)
        assert [part.shape for part in result] == [(0, 4), (0,), (0, 128)]
        assert [part.dtype for part in result] == [np.float32] * 3


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros((20, 20), bool), "bool"),
        (np.full((20, 20), -0.5), r"expected \[0, 1\]"),
        (np.full((20, 20), np.nan), r"expected \[0, 1\]"),
    ],
)
def test_wrong_images_are_named(image, words):
    """An image that cannot be used raises an ImageError that says what was found."""
    with pytest.raises(ImageError, match=words):
        sift(image)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_keypoints": -1},
        {"max_keypoints": None},
        {"n_octave_layers": 0},
        {"n_octave_layers": 2.5},
        {"contrast_threshold": -0.1},
        {"edge_threshold": 0},
        {"sigma": np.inf},
        {"sigma": "1.6"},
    ],
)
def test_wrong_parameters_are_named(wrong):
    """A parameter out of its range raises a ParameterError with its name and value."""
    name, value = next(iter(wrong.items()))
    with pytest.raises(ParameterError, match=f"{name}={value!r}"):
        sift(np.zeros((20, 20), np.uint8), **wrong)
