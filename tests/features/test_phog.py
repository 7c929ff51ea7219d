"""PyramidHog: the values of its slow twin, for images of any size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits

from classicvis import ParameterError, PyramidHog, build_pipeline
from tests.reference.phog import pyramid_hog


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("orientations", "levels", "signed"), [(24, 3, True), (5, 1, False)])
def test_equals_the_naive_twin(orientations, levels, signed):
    """Images of different sizes and kinds in one call, some smaller than the finest level."""
    images = [noise(21, 34), noise(40, 16, 3), noise(3, 5), noise(1, 1), np.full((9, 9), 7, "u1")]
    rows = PyramidHog(orientations, levels, signed=signed).fit_transform(images)
    for image, row in zip(images, rows, strict=True):
        expected = pyramid_hog(image, orientations, levels, signed)
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_every_level_has_unit_length(camera):
    """Levels count alike, however many cells they have."""
    row = PyramidHog(8, 3).fit_transform([camera[:100, :130]])[0]
    for start, end in ((0, 8), (8, 40), (40, 168), (168, 680)):
        assert (row[start:end] ** 2).sum() == pytest.approx(1, abs=1e-5)


def test_shapes_of_unequal_sizes_are_told_apart():
    """In a pipeline that keeps the sizes: digits, each stretched in its own way."""
    digits = load_digits()
    sizes = np.random.default_rng(0).integers(20, 40, (600, 2)).tolist()
    images = [
        cv2.resize((16 * digit - digit / 16).astype(np.uint8), size)
        for digit, size in zip(digits.images[:600], sizes, strict=True)
    ]
    model = build_pipeline("phog", "linear_svm", image_size=None, random_state=0)
    model.fit(images[:400], digits.target[:400])
    assert model.score(images[400:], digits.target[400:600]) > 0.8  # chance: 0.1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"orientations": 0}, "orientations=0: expected a positive integer"),
        ({"levels": -1}, "levels=-1: expected the number of the finest level, 0 to 4"),
        ({"levels": 5}, "levels=5"),
        ({"levels": True}, "levels=True"),
        ({"signed": None}, "signed=None: expected one of True, False"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    """What cannot be used gets one sentence, at fit."""
    with pytest.raises(ParameterError, match=message):
        PyramidHog(**parameters).fit([noise(8, 8)])
