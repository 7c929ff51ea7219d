"""Local binary patterns and co-occurrence matrices against scikit-image.

The floor of a pixel with 8 neighbours at a radius of 1: 1 byte read and 8 written; 4 neighbours lie
between pixels and take 9 operations each, in float64, which counts double; 8 comparisons; counting
ones and changes takes 15 additions and 7 exclusive ors, choosing the code 2 operations. With 24
neighbours at a radius of 3, 20 lie between pixels and the rest grows with their number.

A pair of pixels of a co-occurrence matrix is one increment. Each of the 32 x 32 entries takes some
30 operations for the six properties.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from skimage import data
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

from benchmarks.peers._rows import Goal, Row, Work
from classicvis.functional import lbp
from classicvis.kernels.glcm import PROPERTIES, glcm_batch, glcm_offsets

ANGLES = (0, math.pi / 4, math.pi / 2, 3 * math.pi / 4)
LEVELS = 32


def rows() -> list[Row]:
    photo = data.camera()
    return [
        _lbp_row(photo, 8, 1, 4),
        _lbp_row(photo, 24, 3, 20),
        _glcm_row(photo, (1,)),
        _glcm_row(photo, (1, 2, 4)),
    ]


def _lbp_row(photo: np.ndarray, n_points: int, radius: int, n_between: int) -> Row:
    def ours() -> np.ndarray:
        return lbp(photo, n_points, radius, "uniform")

    def peer() -> np.ndarray:
        return local_binary_pattern(photo, n_points, radius, "uniform")

    def differences() -> Mapping[str, float]:
        return {"codes": float(np.abs(ours() - peer()).max())}

    operations = 2 * 9 * n_between + 2 * n_points + 3 * (n_points - 1) + 3
    return Row(
        title=f"LBP P={n_points} R={radius} uniform, 512x512",
        ours=ours,
        peers={"scikit-image": peer},
        work=Work(9 * photo.size, operations * photo.size),
        goals={"scikit-image": Goal(must=8, aim=20)},
        differences=differences,
        limits={"codes": 0},
    )


def _glcm_row(photo: np.ndarray, distances: tuple[int, ...]) -> Row:
    offsets = glcm_offsets(distances, ANGLES)
    values = np.empty((1, len(offsets), len(PROPERTIES)))

    def ours() -> np.ndarray:
        glcm_batch(photo[None], LEVELS, offsets, values)
        return values[0]

    def peer() -> np.ndarray:
        levels = photo // (256 // LEVELS)
        matrices = graycomatrix(levels, distances, ANGLES, LEVELS, symmetric=True, normed=True)
        return np.stack([graycoprops(matrices, name).ravel() for name in PROPERTIES], axis=1)

    def differences() -> Mapping[str, float]:
        return {"relative": float(np.abs(ours() / peer() - 1).max())}

    n_pairs = len(offsets) * photo.size
    return Row(
        title=f"GLCM of {LEVELS} levels at {len(offsets)} offsets, {len(PROPERTIES)} properties",
        ours=ours,
        peers={"scikit-image": peer},
        work=Work(photo.size, 30 * len(offsets) * LEVELS**2, n_pairs),
        goals={"scikit-image": Goal(must=2, aim=4)},
        differences=differences,
        limits={"relative": 1e-9},
    )
