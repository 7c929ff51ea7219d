"""What holds for every preprocessing step, and steps by name."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage import data

from classicvis.exceptions import ClassicVisError, ImageError, ParameterError
from classicvis.images import ImagePreprocessor
from classicvis.images._preprocess import (
    STEPS,
    AddBorder,
    CenterCrop,
    Clahe,
    ConvertColor,
    CropBorder,
    GrabCutForeground,
    MedianDenoise,
    Normalize,
    OtsuForeground,
    Resize,
    Shrink,
    Warp,
    make_step,
)

EVERY_STEP = [
    *(make_step(name) for name in STEPS),
    Normalize("standard"),
    Normalize(per_channel=True),
    OtsuForeground(background="mean", crop=True),
    GrabCutForeground(background=(255, 0, 0), crop=True),
    *(ConvertColor(space) for space in ("rgb", "gray", "hsv", "lab")),
    Shrink(30),
    *(Resize((24, 36), mode) for mode in ("stretch", "letterbox", "crop")),
    AddBorder(3, "mean"),
    CropBorder(2),
    CropBorder(fraction=0.1),
    CenterCrop((20, 20)),
    Warp(2, -3.5, angle=10, scale=0.9, mirror=True),
]

every_step = pytest.mark.parametrize("step", EVERY_STEP, ids=repr)


@pytest.fixture(scope="module")
def rgb():
    """Return a photo of a cup on a table: every step, GrabCut too, has something to do on it."""
    return cv2.resize(data.coffee(), (54, 40), interpolation=cv2.INTER_AREA)


@pytest.fixture(params=["rgb", "grey"])
def image(request, rgb):
    return rgb if request.param == "rgb" else cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def random_image(shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@every_step
def test_output_is_an_image(step, image):
    """A step returns a C-contiguous uint8 image, RGB or grey."""
    out = step(image)
    assert isinstance(out, np.ndarray)
    assert out.dtype == np.uint8
    assert out.ndim == 2 or out.shape[2:] == (3,)
    assert out.size > 0
    assert out.flags.c_contiguous


@pytest.mark.parametrize("name", STEPS)
def test_named_step_keeps_shape_and_changes_pixels(name, image):
    """A step with default parameters keeps the shape of a photo, and is not a no-op."""
    out = make_step(name)(image)
    assert out.shape == image.shape
    assert not np.array_equal(out, image)


@every_step
def test_input_is_not_changed(step, image):
    """A step accepts a read-only image, and leaves a writable one as it was."""
    before = image.copy()
    expected = step(image)
    assert_array_equal(image, before)
    before.setflags(write=False)
    assert_array_equal(step(before), expected)


@every_step
def test_strides_do_not_matter(step, image):
    """A view with other strides gives what its contiguous copy gives."""
    views = [image[::-1, ::2], image[5:30, 7:40], np.asfortranarray(image)]
    if image.ndim == 3:
        views.append(image[..., ::-1])
    for view in views:
        assert not view.flags.c_contiguous
        out = step(view)
        assert_array_equal(out, step(view.copy()))
        assert out.flags.c_contiguous


@every_step
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "rgb"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 2), (3, 3), (3, 700)])
def test_tiny_and_thin_images(step, shape, channels):
    """Images of a single pixel, row or column are processed like any other."""
    out = step(random_image((*shape, *channels)))
    assert out.dtype == np.uint8
    assert out.size > 0


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_grey_image_stays(name, level):
    """A flat grey image holds nothing to stretch, clean or cut, and comes back unchanged."""
    flat = np.full((20, 30), level, dtype=np.uint8)
    assert_array_equal(make_step(name)(flat), flat)


@pytest.mark.parametrize("name", STEPS)
def test_flat_image_stays_flat(name):
    """No step invents structure in a flat colour image."""
    out = make_step(name)(np.full((20, 30, 3), (200, 90, 40), dtype=np.uint8))
    assert_array_equal(out, np.broadcast_to(out[0, 0], out.shape))


@every_step
def test_threads_do_not_matter(step, rgb):
    """Images processed in three threads at once come out as they do one after the other."""
    images = [np.roll(rgb, shift, axis=1) for shift in (0, 11, 23)]
    expected = [step(image) for image in images]
    with ThreadPoolExecutor(3) as pool:
        for image, out in zip(expected * 2, pool.map(step, images * 2), strict=True):
            assert_array_equal(out, image)


@every_step
def test_step_is_a_value(step):
    """Steps compare, hash, pickle and print by their parameters, and cannot be changed."""
    twin = pickle.loads(pickle.dumps(step))
    assert twin == step
    assert hash(twin) == hash(step)
    assert eval(repr(step), {type(step).__name__: type(step)}) == step
    assert sum(other == step for other in EVERY_STEP) == 1
    with pytest.raises(AttributeError):
        step.anything = 1


def test_parameters_are_normalised():
    """Lists, arrays and NumPy numbers make the same hashable step as plain values."""
    assert Resize([8, np.int64(9)], fill=[1, 2, 3]) == Resize((8, 9), fill=(1, 2, 3))
    assert hash(Resize(np.array([8, 9]))) == hash(Resize((8, 9)))
    assert AddBorder(2, np.uint8(7)) == AddBorder(2, 7)
    assert Normalize(percentiles=[0, 100]) == Normalize(percentiles=(0.0, 100.0))
    assert ConvertColor("grey") == ConvertColor("gray")


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (np.zeros((4, 4), np.float32), r"float32 of shape \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 of shape \(4, 4, 4\)"),
        (np.zeros((4, 4, 1), np.uint8), r"uint8 of shape \(4, 4, 1\)"),
        (np.zeros((0, 4), np.uint8), r"uint8 of shape \(0, 4\)"),
        (np.zeros(4, np.uint8), r"uint8 of shape \(4,\)"),
        ([[1, 2]], r"list of shape \(1, 2\)"),
        ("a.png", r"str of shape \(\)"),
    ],
)
def test_what_is_no_image_is_refused(bad, found):
    """Anything but a uint8 image is refused with what was found, expected, and the way out."""
    with pytest.raises(ImageError, match=rf"MedianDenoise got {found}: expected .*; open images"):
        MedianDenoise()(bad)


@pytest.mark.parametrize("name", STEPS)
def test_make_step_from_name(name):
    """A registered name gives the step with its default parameters."""
    assert make_step(name) == STEPS[name]()


def test_make_step_keeps_steps_and_functions():
    """A step or a function is its own step."""
    step = Clahe(3.0)
    assert make_step(step) is step
    assert make_step(np.flipud) is np.flipud


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("equalise", r"unknown preprocessing step 'equalise'.*did you mean 'equalize'\?"),
        ("zzz", r"unknown preprocessing step 'zzz': expected one of bilateral, clahe"),
        (Clahe, r"got the class Clahe.*make a step of it, Clahe\(\.\.\.\)"),
        (None, r"got None: expected a name, a step or a function"),
        (3, r"got 3: expected a name, a step or a function"),
    ],
)
def test_make_step_refuses(spec, message):
    """What is no step is refused, with the nearest name or the fix."""
    with pytest.raises(ParameterError, match=message):
        make_step(spec)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resize(96), r"Resize got size=96: expected \(height, width\).*\(96, 96\)"),
        (lambda: Resize((96, 0)), r"size=\(96, 0\): expected .* two positive whole numbers"),
        (lambda: Resize((96.0, 96.0)), r"size=\(96.0, 96.0\): expected"),
        (lambda: Resize((True, 9)), r"size=\(True, 9\): expected"),
        (lambda: Resize((9, 9), "letterbx"), r"unknown resize mode 'letterbx'.*'letterbox'\?"),
        (lambda: Resize((9, 9), fill=256), r"fill=256: expected a grey level 0\.\.255"),
        (lambda: Resize((9, 9), fill=(1, 2)), r"fill=\(1, 2\): expected"),
        (lambda: Resize((9, 9), fill="red"), r"fill='red': expected"),
        (lambda: Shrink(0), r"Shrink got longest_side=0: expected a whole number of at least 1"),
        (lambda: Shrink(32.5), r"Shrink got longest_side=32\.5"),
        (lambda: CenterCrop((1, 2, 3)), r"CenterCrop got size=\(1, 2, 3\)"),
        (lambda: AddBorder(-1), r"AddBorder got size=-1: expected a whole number of at least 0"),
        (lambda: AddBorder(1, 0.5), r"AddBorder got value=0\.5"),
        (lambda: CropBorder(), r"size=None and fraction=None: expected one of the two"),
        (lambda: CropBorder(1, 0.1), r"size=1 and fraction=0\.1: expected one of the two"),
        (lambda: CropBorder(0.1), r"size=0\.1: .*use fraction"),
        (lambda: CropBorder(fraction=0.5), r"fraction=0\.5: expected .* < 0\.5; use size"),
        (lambda: ConvertColor("hvs"), r"unknown colour space 'hvs'.*'hsv'\?"),
        (lambda: Normalize("minmx"), r"unknown normalisation 'minmx'.*'minmax'\?"),
        (lambda: Normalize(percentiles=(99, 1)), r"percentiles=\(99, 1\): expected two numbers"),
        (lambda: Normalize(percentiles=5), r"percentiles=5: expected two numbers"),
        (lambda: Clahe(clip_limit=0), r"clip_limit=0: expected a finite number above 0"),
        (lambda: Clahe(tiles=8), r"tiles=8: expected \(tiles down, tiles across\)"),
        (lambda: MedianDenoise(4), r"size=4: expected an odd whole number of at least 3"),
        (lambda: MedianDenoise(True), r"size=True"),
        (lambda: STEPS["bilateral"](sigma_color=-1), r"sigma_color=-1: expected .* above 0"),
        (lambda: STEPS["bilateral"](size=6), r"BilateralDenoise got size=6"),
        (lambda: STEPS["nlmeans"](float("nan")), r"strength=nan: expected"),
        (lambda: STEPS["nlmeans"](search_size=20), r"search_size=20: expected an odd"),
        (lambda: OtsuForeground(foreground="brigth"), r"unknown foreground 'brigth'.*'bright'\?"),
        (lambda: OtsuForeground(background=-1), r"background=-1: expected"),
        (lambda: GrabCutForeground(border=0.5), r"border=0\.5: expected .* border < 0\.5"),
        (lambda: GrabCutForeground(iterations=0), r"iterations=0: expected .* at least 1"),
        (lambda: GrabCutForeground(working_size=2), r"working_size=2: expected .* at least 3"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    """A parameter out of its range is refused at once: found, expected, fix."""
    with pytest.raises(ParameterError, match=message) as caught:
        make()
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ClassicVisError)


@pytest.mark.parametrize(
    ("params", "unchanged"),
    [
        ({"image_size": (4, 3)}, True),
        ({"image_size": None}, True),
        ({"image_size": 4}, True),
        ({"image_size": 3}, False),
        ({"image_size": (3, 4)}, False),
        ({"image_size": (4, 3), "color": "gray"}, False),
        ({"image_size": (4, 3), "preprocess": ["normalize"]}, False),
    ],
)
def test_a_stack_that_needs_no_step_goes_as_it_is(params, unchanged):
    """Steps that would change nothing are left out, and only those: the values are the same."""
    stack = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 3), dtype=np.uint8)
    images = ImagePreprocessor(**params).transform(stack)
    assert (images.pixels() is not None) == unchanged
    one_by_one = ImagePreprocessor(**params).transform(list(stack))
    np.testing.assert_array_equal(np.stack(list(images)), np.stack(list(one_by_one)))
