"""Orientation histograms of a grid of cells against the slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from classicvis.exceptions import ParameterError
from classicvis.kernels.phog import orientation_grid_batch
from tests.reference.phog import orientation_grid


def compute(images, grid, orientations, signed):
    out = np.full((len(images), *grid, orientations), np.nan)
    orientation_grid_batch(images, orientations, signed, out)
    return out


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("orientations", "signed"), [(24, True), (9, False), (1, True)])
@pytest.mark.parametrize("grid", [(1, 1), (4, 4), (3, 7), (40, 40)])
@pytest.mark.parametrize("shape", [(19, 22), (17, 13, 3), (1, 1), (1, 9, 3), (9, 1)])
def test_equals_the_naive_twin(orientations, signed, grid, shape):
    """Grey and colour, divisible or not, smaller than the grid, one pixel, a row and a column."""
    image = noise(*shape)
    expected = orientation_grid(image, grid, orientations, signed)
    found = compute(image[None], grid, orientations, signed)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-3)


def test_wide_images_are_worked_in_slabs(camera):
    """Slabs hold fewer rows than a cell; sums are those of the pieces."""
    image = np.hstack([camera] * 10)[:8]
    whole = compute(image[None], (2, 1), 8, True)[0]
    parts = compute(image[None], (2, 20), 8, True)[0].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(whole, parts, rtol=1e-4)  # of some 10,000 float32 votes


def test_half_a_turn_moves_every_vote():
    """A turned image has its cells in reverse order, and its directions half a circle on."""
    image = noise(16, 24)
    cells = compute(image[None], (4, 4), 8, True)[0]
    turned = compute(image[None, ::-1, ::-1], (4, 4), 8, True)[0]
    np.testing.assert_allclose(turned[::-1, ::-1], np.roll(cells, 4, axis=-1), rtol=1e-4, atol=1e-2)


def test_a_batch_equals_its_images_whatever_their_layout():
    """Images do not mix; views and read-only arrays give the numbers of copies."""
    view = noise(3, 20, 30, 3)[:, ::-1, ::-2]
    batch = np.ascontiguousarray(view)
    batch.flags.writeable = False
    single = np.concatenate([compute(image[None], (4, 4), 8, True) for image in batch])
    np.testing.assert_array_equal(compute(batch, (4, 4), 8, True), single)
    np.testing.assert_array_equal(compute(view, (4, 4), 8, True), single)
    assert compute(view[:0], (2, 2), 8, True).shape == (0, 2, 2, 8)


def test_a_wrong_out_is_refused():
    """An ``out`` for another number of orientations is an error, not a crash."""
    with pytest.raises(ParameterError, match=r"expected \(1, rows, cols, 8\)"):
        orientation_grid_batch(noise(1, 4, 4), 8, True, np.empty((1, 2, 2, 9)))
