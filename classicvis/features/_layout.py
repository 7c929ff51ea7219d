"""Spatial pyramids: an image divided into regions, by one or several grids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicvis.exceptions import ParameterError


class Layout:
    """The regions of a spatial pyramid, and the atoms of which they are made.

    The lines of all grids together divide the image into atoms; every region is a set of these. A
    statistic that is a sum (or a maximum) over descriptors is therefore taken once per atom,
    however many grids there are, and then over the atoms of each region.

    Parameters
    ----------
    grids : tuple of (int, int)
        Rows and columns of each grid.

    Attributes
    ----------
    n_regions : int
        Regions of all grids, in the order of the grids, each row by row.
    n_atoms : int
        Cells of the joint grid, row by row.

    References
    ----------
    .. [1] Lazebnik, Schmid and Ponce, "Beyond bags of features: spatial pyramid matching for
       recognizing natural scene categories", CVPR 2006, DOI 10.1109/CVPR.2006.68.
    """

    def __init__(self, grids: tuple[tuple[int, int], ...]) -> None:
        rows = _lines(n_rows for n_rows, _ in grids)
        columns = _lines(n_columns for _, n_columns in grids)
        self._row_lines = np.array(rows[1:-1], float)
        self._column_lines = np.array(columns[1:-1], float)
        self._atoms_of_regions = [
            np.flatnonzero(np.outer(_within(rows, i, n_rows), _within(columns, j, n_columns)))
            for n_rows, n_columns in grids
            for i in range(n_rows)
            for j in range(n_columns)
        ]
        self.n_regions = len(self._atoms_of_regions)
        self.n_atoms = (len(rows) - 1) * (len(columns) - 1)

    def atoms(self, positions: NDArray[Any]) -> NDArray[np.intp]:
        """Return the number of the atom in which each position lies: (n,).

        ``positions`` (n, 2) are rows and columns as parts of the height and of the width, [0, 1).
        """
        rows = np.searchsorted(self._row_lines, positions[:, 0], side="right")
        columns = np.searchsorted(self._column_lines, positions[:, 1], side="right")
        return rows * (len(self._column_lines) + 1) + columns

    def regions(self, values: NDArray[Any], pool: np.ufunc = np.add) -> NDArray[Any]:
        """Return the sum of the values (n_atoms, ...) over each region: (n_regions, ...).

        ``pool=numpy.maximum`` gives the maximum.
        """
        return np.stack([pool.reduce(values[atoms]) for atoms in self._atoms_of_regions])


@lru_cache(maxsize=32)
def make_layout(grids: str | tuple[str, ...]) -> Layout:
    """Return the layout of grids such as "2x2", rows x columns; ParameterError for other text."""
    names = (grids,) if isinstance(grids, str) else grids
    shapes = [re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", str(name)) for name in names]
    if not shapes or None in shapes:
        raise ParameterError(
            f"layout={grids!r}: expected one or several grids of rows x columns, such as "
            '("1x1", "3x1").'
        )
    return Layout(tuple((int(shape[1]), int(shape[2])) for shape in shapes if shape))


def _lines(counts: Iterable[int]) -> list[Fraction]:
    """Return the lines of grids of these counts along one axis, from 0 to 1, in order."""
    return sorted({Fraction(i, count) for count in counts for i in range(count + 1)})


def _within(lines: list[Fraction], i: int, count: int) -> list[bool]:
    """Tell which intervals between lines lie in part i of ``count``."""
    starts = lines[:-1]
    return [Fraction(i, count) <= start < Fraction(i + 1, count) for start in starts]
