"""Spatial pyramids: regions are those that a position's own row and column say."""

from __future__ import annotations

import numpy as np
import pytest

from classicvis.exceptions import ParameterError
from classicvis.features._layout import make_layout
from tests.reference.encoders import regions

GRIDS = {
    ("1x1",): [(1, 1)],
    ("1x1", "3x1"): [(1, 1), (3, 1)],
    ("1x1", "2x2", "4x4"): [(1, 1), (2, 2), (4, 4)],
    ("3x1", "2x2", "1x5"): [(3, 1), (2, 2), (1, 5)],
}


@pytest.mark.parametrize("grids", GRIDS, ids=str)
def test_regions_hold_the_positions_inside(grids):
    """Sums over atoms, then over regions, are sums over the descriptors of each region."""
    rng = np.random.default_rng(0)
    # Multiples of 1/12 lie on lines of the grids: these belong to the region that begins there.
    positions = np.concatenate([rng.random((40, 2)), rng.integers(0, 12, (40, 2)) / 12])
    values = rng.random(len(positions))
    layout = make_layout(grids)
    atoms = layout.atoms(positions)
    sums = layout.regions(np.bincount(atoms, values, layout.n_atoms))
    largest = np.zeros(layout.n_atoms)
    np.maximum.at(largest, atoms, values)
    members = np.array(regions(positions, GRIDS[grids]))
    assert layout.n_regions == len(members)
    np.testing.assert_allclose(sums, members @ values)
    np.testing.assert_array_equal(
        layout.regions(largest, np.maximum), (members * values).max(axis=1)
    )


def test_one_grid_is_its_own_atoms():
    """Nothing is divided more finely than the grids need."""
    assert make_layout("3x2").n_atoms == 6
    assert make_layout(("1x1", "2x2", "4x4")).n_atoms == 16
    assert make_layout(("1x1", "2x2", "3x1")).n_atoms == 8


@pytest.mark.parametrize(
    "grids",
    ["", (), "2", "2x", "0x1", "2X2", ("1x1", "-1x2"), (2, 2), "1x100"],
)
def test_other_text_is_refused(grids):
    """What is no grid gets a sentence that shows one."""
    with pytest.raises(ParameterError, match=r'layout=.*expected.*\("1x1", "3x1"\)'):
        make_layout(grids)
