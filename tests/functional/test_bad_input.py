"""Every function of `classicvis.functional` on awkward images: layouts, tiny ones, wrong ones.

The memory layout of an image changes nothing, bit for bit; flat and tiny images have finite
results; what is not an image is an `ImageError` that says so.
"""

import re

import numpy as np
import pytest
from skimage import data

from classicvis import functional
from classicvis.exceptions import ImageError
from classicvis.functional import color_histogram, dense_sift, hog, lbp, perceptual_hash, sift

CELLS = {"pixels_per_cell": (5, 4), "cells_per_block": (2, 2)}
COLOURED = CELLS | {"channel_axis": -1}

# name: function of a photo of shape (40, 44) or (40, 44, 3), is it of colour, the dtypes it takes
FUNCTIONS = {
    "hog": (lambda image: hog(image, **CELLS), False, "u1 u2 i4 f4 f8"),
    "hog, drawn": (lambda image: hog(image, visualize=True, **CELLS), False, "u1 f4"),
    "hog, roots": (lambda image: hog(image, transform_sqrt=True, **CELLS), False, "u1 u2 f4"),
    "hog of colour": (lambda image: hog(image, **COLOURED), True, "u1 u2 f4 f8"),
    "color_histogram": (lambda image: color_histogram(image, 4), True, "u1"),
    "color_histogram of grey": (lambda image: color_histogram(image, 4), False, "u1"),
    "color_histogram, hsv": (lambda image: color_histogram(image, 4, "hsv"), True, "u1"),
    "color_histogram, lab": (lambda image: color_histogram(image, 4, "lab"), True, "u1"),
    "color_histogram, cells": (
        lambda image: color_histogram(image, 4, joint=False, grid=(2, 3)),
        True,
        "u1",
    ),
    "dense_sift": (dense_sift, False, "u1 u2 f4 f8"),
    "dense_sift, gaussian": (lambda image: dense_sift(image, window="gaussian"), False, "u1 f4"),
    "dense_sift of colour": (dense_sift, True, "u1 u2 f4 f8"),
    "lbp": (lbp, False, "u1 u2 i4 f4 f8"),
    "lbp, bits": (lambda image: lbp(image, 16, 2, "ror"), False, "u1 f4"),
    "perceptual_hash": (perceptual_hash, False, "u1"),
    "perceptual_hash of colour": (perceptual_hash, True, "u1"),
    "sift": (sift, False, "u1 u2 f4 f8"),
    "sift, roots": (lambda image: sift(image, upsample=False, root=True), False, "u1 f4"),
    "sift of colour": (sift, True, "u1 u2 f4"),
}
CASES = [(name, dtype) for name, (_, _, dtypes) in FUNCTIONS.items() for dtype in dtypes.split()]


def read_only(image):
    fixed = image.copy()
    fixed.flags.writeable = False
    return fixed


def spaced(image):
    return np.repeat(np.repeat(image, 2, axis=0), 3, axis=1)[::2, ::3]


def reversed_view(image):
    return image[::-1, ::-1].copy()[::-1, ::-1]


def last_axis_reversed(image):
    return image[..., ::-1].copy()[..., ::-1]


def channels_first(image):
    return np.moveaxis(np.moveaxis(image, -1, 0).copy(), 0, -1)


def cut_out(image):
    return np.pad(image, [(3, 2), (5, 4)] + [(0, 0)] * (image.ndim - 2))[3:-2, 5:-4]


def byte_swapped(image):
    return image.astype(image.dtype.newbyteorder("S"))


def unaligned(image):
    """Return the pixels one byte beside their natural addresses, read-only."""
    return np.frombuffer(b"\0" + image.tobytes(), image.dtype, offset=1).reshape(image.shape)


LAYOUTS = {
    "read-only": read_only,
    "spaced": spaced,
    "reversed": reversed_view,
    "last axis reversed": last_axis_reversed,
    "Fortran order": np.asfortranarray,
    "channels first": channels_first,
    "cut out": cut_out,
    "byte-swapped": byte_swapped,
    "unaligned": unaligned,
}


def photo(colour, dtype):
    """Return a piece of a photo, of full range in its dtype (floats: 0 to 1)."""
    piece = data.astronaut()[200:240, 230:274] if colour else data.gravel()[64:104, 196:240]
    if np.dtype(dtype).kind == "f":
        return (piece / 255).astype(dtype)
    return np.ascontiguousarray(piece).astype(dtype) * (257 if dtype == "u2" else 1)


def parts(result):
    """Return the arrays of a result, one or several."""
    return result if isinstance(result, tuple) else (result,)


def test_the_table_is_complete():
    """Every function of images is in it, and each layout holds the same pixels in another way."""
    of_descriptors = {"fisher_vector", "learn_gmm"}
    assert {name.split(",")[0].split(" of ")[0] for name in FUNCTIONS} == {
        name for name in functional.__all__ if name.islower()
    } - of_descriptors
    image = photo(True, "u2")
    flags = set()
    for layout in LAYOUTS.values():
        view = layout(image)
        np.testing.assert_array_equal(view, image)
        flags.add((view.strides, view.flags.writeable, view.flags.aligned, view.dtype.byteorder))
    assert len(flags) == len(LAYOUTS)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_memory_layout_does_not_matter(name, dtype):
    """In every layout the results are those of a plain copy, bit for bit; the image stays as is."""
    function, colour, _ = FUNCTIONS[name]
    image = photo(colour, dtype)
    expected = parts(function(image))
    assert all(np.size(part) and np.isfinite(part).all() for part in expected)
    for title, layout in LAYOUTS.items():
        view = layout(image)
        found = parts(function(view))
        np.testing.assert_array_equal(view, photo(colour, dtype), err_msg=title)
        for part, plain in zip(found, expected, strict=True):
            assert part.dtype == plain.dtype, title
            np.testing.assert_array_equal(part, plain, err_msg=title)


TINY = {"pixels_per_cell": (1, 1), "cells_per_block": (1, 1)}
SHAPES = {"one pixel": (1, 1), "one row": (1, 50), "one column": (50, 1), "flat": (40, 44)}


@pytest.mark.parametrize("dtype", ["u1", "f4"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("level", [0, 1], ids=["black", "white"])
def test_flat_and_tiny_images(shape, dtype, level):
    """Nothing to see: zeros or nothing, of the right shapes, and finite; one colour in one bin."""
    image = np.full(shape, level * (255 if dtype == "u1" else 1), dtype)
    for norm in ("L1", "L1-sqrt", "L2", "L2-Hys"):
        cells = hog(image, block_norm=norm, **TINY)
        assert cells.shape == (9 * image.size,)
        assert not cells.any()
    for method in ("uniform", "nri_uniform", "default", "ror"):
        codes = lbp(image, 8, 2, method)
        assert codes.shape == shape
        assert np.isfinite(codes).all()
    dense, keypoints = dense_sift(image, bin_size=2), sift(image)
    assert not dense.descriptors.any()
    assert not dense.norms.any()
    assert len(dense.frames) == (0 if 1 in shape else 9 * 10)
    assert [part.shape for part in keypoints] == [(0, 4), (0,), (0, 128)]
    if dtype == "u1":
        histogram = color_histogram(image, 2)
        assert histogram.tolist() == ([0] * 7 + [1] if level else [1] + [0] * 7)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_tiny_images_with_detail(shape, dtype):
    """Noise in one row, one column or one pixel: finite results, without warnings."""
    levels = np.random.default_rng(0).integers(0, 256, shape)
    image = levels.astype("u1") if dtype == "u1" else (levels / 255).astype(dtype)
    results = [hog(image, **TINY), lbp(image), *dense_sift(image, bin_size=1), *sift(image)]
    results += [color_histogram(image, 4, "lab", grid=(2, 2))] if dtype == "u1" else []
    for part in results:
        assert np.isfinite(part).all()


GREY_OR_COLOUR = ("dense_sift", "perceptual_hash", "sift")
GREY = ("hog", "lbp")
NOT_IMAGES = {
    "nothing": (np.zeros((0, 0), np.uint8), (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "no rows": (np.zeros((0, 9), np.uint8), (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "no columns": (np.zeros((9, 0, 3), np.uint8), (*GREY_OR_COLOUR, "color_histogram")),
    "no channels": (np.zeros((9, 9, 0), np.uint8), (*GREY_OR_COLOUR, "color_histogram")),
    "one axis": (np.zeros(99, np.uint8), (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "a batch": (np.zeros((2, 9, 9, 3), np.uint8), (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "two channels": (np.zeros((40, 40, 2), np.uint8), (*GREY_OR_COLOUR, "color_histogram")),
    "four channels": (np.zeros((40, 40, 4), np.uint8), (*GREY_OR_COLOUR, "color_histogram")),
    "bool": (np.zeros((40, 40), bool), (*GREY_OR_COLOUR, "color_histogram")),
    "complex": (np.zeros((40, 40), complex), (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "objects": (np.full((40, 40), None), (*GREY_OR_COLOUR, "lbp", "color_histogram")),
    "text": (np.full((40, 40), "a"), (*GREY_OR_COLOUR, "lbp", "color_histogram")),
    "None": (None, (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "a path": ("photo.jpg", (*GREY_OR_COLOUR, *GREY, "color_histogram")),
    "one NaN": (np.where(np.eye(40) > 0, np.nan, 0.5), (*GREY_OR_COLOUR, "lbp", "color_histogram")),
    "infinite": (np.full((40, 40), np.inf), (*GREY_OR_COLOUR, "lbp", "color_histogram")),
    "negative": (np.full((40, 40), -0.5), (*GREY_OR_COLOUR, "color_histogram")),
    "floats to 255": (np.full((40, 40), 255.0), (*GREY_OR_COLOUR, "color_histogram")),
}

# What was found, what was expected, what to do. `hog` says it in its reference's words.
SENTENCES = {
    "dense_sift": r"found .+: expected .+; .+\.",
    "perceptual_hash": r"found .+: expected .+; .+\.",
    "lbp": r"found .+: expected .+; .+\.",
    "sift": r"found .+: expected .+; .+\.",
    "color_histogram": r"(found|got) .+: expected .+",
    "hog": r"(should have at least: .+; got .+|specify `channel_axis`\. Got .+|: expected .+)",
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for kind, (_, names) in NOT_IMAGES.items() for name in names]
)
def test_what_is_not_an_image_is_refused(name, kind):
    """Wrong shapes, dtypes and values raise an ImageError, a sentence on one line."""
    with pytest.raises(ImageError) as caught:
        FUNCTIONS[name][0](NOT_IMAGES[kind][0])
    assert re.search(SENTENCES[name], str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_hog_of_no_channels_is_refused(dtype):
    """An empty channel axis holds no pixels: the reference raises a ValueError, and so do we."""
    with pytest.raises(ImageError, match="expected"):
        hog(np.zeros((40, 40, 0), dtype), **COLOURED)
