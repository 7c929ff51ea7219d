"""``functional.lbp``: a drop-in for scikit-image's local binary patterns."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from classicvis.exceptions import ParameterError
from classicvis.functional import lbp

METHODS = ("uniform", "nri_uniform", "default", "ror", "var")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i8", "bool"])
def test_equals_scikit_image(method, dtype, camera):
    """Integer images of every kind: equal values and dtype."""
    image = (camera[::8, ::8] > 99) if dtype == "bool" else camera[::8, ::8].astype(dtype)
    if dtype == "i8":
        image = image * 1000 - 100_000
    found, expected = (f(image, 12, 2.5, method) for f in (lbp, local_binary_pattern))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_floats_equal_scikit_image(dtype, camera):
    """Floats are compared as they are; scikit-image warns that this may surprise."""
    image = (camera[::8, ::8] / 255).astype(dtype)
    with pytest.warns(UserWarning, match="floating-point"):
        expected = local_binary_pattern(image, 8, 1, "uniform")
    np.testing.assert_array_equal(lbp(image), expected)


def test_parameters_are_scikit_images():
    """Names and order are the reference's, so that calls can be changed by one word."""
    assert list(inspect.signature(lbp).parameters) == list(
        inspect.signature(local_binary_pattern).parameters
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"P": 0}, "P=0: expected a whole number of points, 1 to 1000"),
        ({"P": 8.0}, "P=8.0: expected a whole number"),
        ({"P": True}, "P=True"),
        ({"P": 54, "method": "ror"}, "1 to 53 for method='ror'"),
        ({"R": 0}, "R=0: expected a number of pixels, above 0"),
        ({"R": float("nan")}, "R=nan"),
        ({"R": 1001}, "at most 1000"),
        ({"R": "2"}, "R='2'"),
        ({"method": "uniforms"}, "did you mean 'uniform'"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    """What is out of range gets a sentence with the range."""
    with pytest.raises(ParameterError, match=message):
        lbp(np.zeros((4, 4), np.uint8), **parameters)
