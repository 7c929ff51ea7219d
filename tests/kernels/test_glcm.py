"""Co-occurrence matrices and their properties against the slow twin and scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from classicvis.exceptions import ParameterError
from classicvis.kernels.glcm import PROPERTIES, glcm_batch, glcm_offsets
from tests.reference.glcm import glcm_properties

ANGLES = [0, math.pi / 4, math.pi / 2, 3 * math.pi / 4, -2.0]


def compute(images, levels, distances, angles=ANGLES):
    offsets = glcm_offsets(distances, angles)
    out = np.full((len(images), len(offsets), len(PROPERTIES)), np.nan)
    glcm_batch(images, levels, offsets, out)
    return out


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("levels", [2, 5, 16])
@pytest.mark.parametrize("distances", [[1], [1, 2.5, 4]])
@pytest.mark.parametrize("shape", [(9, 11), (1, 1), (1, 12), (12, 1), (3, 3)])
def test_equals_the_naive_twin(levels, distances, shape):
    """Noise and flat images, some smaller than the distance; odd and even numbers of tables."""
    for image in (noise(*shape), np.full(shape, 200, np.uint8)):
        found = compute(image[None], levels, distances)[0]
        expected = [
            [glcm_properties(image, levels, distance, angle)[name] for name in PROPERTIES]
            for distance in distances
            for angle in ANGLES
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("levels", [8, 256])
def test_equals_scikit_image_on_a_photo(levels, camera):
    """All properties are those of graycoprops, for symmetric and normalised matrices."""
    image = camera[::8, ::8]
    distances = [1, 3]
    binned = (image.astype(int) * levels // 256).astype(np.uint8)
    matrices = graycomatrix(binned, distances, ANGLES, levels, symmetric=True, normed=True)
    expected = np.stack([graycoprops(matrices, name).ravel() for name in PROPERTIES], axis=1)
    np.testing.assert_allclose(compute(image[None], levels, distances)[0], expected, rtol=1e-10)


def test_offsets_are_rounded_as_in_scikit_image():
    """Halves are rounded away from zero: a stripe pattern tells offsets apart."""
    distances, angles = [0.5, 1.5, 2.5, 3.49], [0, math.pi, math.pi / 2, math.pi / 3]
    image = noise(13, 12) // 16
    matrices = graycomatrix(image, distances, angles, 16, symmetric=True)
    expected = graycoprops(matrices, "contrast").ravel()
    found = compute(image[None] * 16, 16, distances, angles)[0, :, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_batch_equals_its_images_whatever_their_layout():
    """Tables are cleared between images; views and read-only arrays give the same numbers."""
    view = noise(3, 10, 24)[:, ::-1, ::-2]
    batch = np.ascontiguousarray(view)
    batch.flags.writeable = False
    single = np.concatenate([compute(image[None], 8, [1, 2]) for image in batch])
    np.testing.assert_array_equal(compute(batch, 8, [1, 2]), single)
    np.testing.assert_array_equal(compute(view, 8, [1, 2]), single)
    assert compute(view[:0], 8, [1]).shape == (0, len(ANGLES), len(PROPERTIES))


def test_a_wrong_out_is_refused():
    """An ``out`` of another shape is an error, not a crash."""
    with pytest.raises(ParameterError, match=r"expected \(1, 1, 10\)"):
        glcm_batch(noise(1, 4, 4), 8, glcm_offsets([1], [0]), np.empty((1, 2, 10)))
