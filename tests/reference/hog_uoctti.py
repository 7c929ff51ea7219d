"""The slow, obvious twin of `classicvis.kernels.hog_uoctti`, in the steps of ``features.cc``."""

from __future__ import annotations

import math

import numpy as np


def hog_uoctti(image: np.ndarray, orientations: int, cell: tuple[int, int]) -> np.ndarray:
    """One image, pixel by pixel, in float64: shape (rows, columns, 3 * orientations + 4)."""
    image = image.astype(float).reshape(*image.shape[:2], -1)
    n_rows, n_cols = image.shape[0] // cell[0], image.shape[1] // cell[1]
    n_directions = 2 * orientations
    histograms = np.zeros((n_rows, n_cols, n_directions))
    for row in range(1, n_rows * cell[0] - 1):
        for col in range(1, n_cols * cell[1] - 1):
            gradients = [
                (
                    image[row + 1, col, c] - image[row - 1, col, c],
                    image[row, col + 1, c] - image[row, col - 1, c],
                )
                for c in range(image.shape[2])
            ]
            g_row, g_col = max(gradients, key=lambda g: g[0] ** 2 + g[1] ** 2)
            direction = max(  # of equally near ones the less steep, then the first
                range(2 * orientations), key=lambda o: nearness(o, orientations, g_row, g_col)
            )
            row_at, col_at = (row + 0.5) / cell[0] - 0.5, (col + 0.5) / cell[1] - 0.5
            first_row, first_col = math.floor(row_at), math.floor(col_at)
            for i in (first_row, first_row + 1):
                for j in (first_col, first_col + 1):
                    if 0 <= i < n_rows and 0 <= j < n_cols:
                        share = (1 - abs(row_at - i)) * (1 - abs(col_at - j))
                        histograms[i, j, direction] += share * math.hypot(g_row, g_col)

    unsigned = histograms[..., :orientations] + histograms[..., orientations:]
    energy = (unsigned**2).sum(axis=-1)
    out = np.zeros((n_rows - 2, n_cols - 2, 3 * orientations + 4))
    for i in range(1, n_rows - 1):
        for j in range(1, n_cols - 1):
            both = np.concatenate([histograms[i, j], unsigned[i, j]])
            clipped = []
            for row, col in ((i, j), (i - 1, j), (i, j - 1), (i - 1, j - 1)):
                norm = math.sqrt(energy[row : row + 2, col : col + 2].sum() + 1e-4)
                clipped.append(np.minimum(both / norm, 0.2))
            textures = [0.2357 * values[:n_directions].sum() for values in clipped]
            out[i - 1, j - 1] = [*(0.5 * sum(clipped)), *textures]
    return out


def nearness(
    direction: int, orientations: int, g_row: float, g_col: float
) -> tuple[float, float, int]:
    """Return what orders directions: the product of unit vector and gradient, then flatness."""
    sine = math.sin(direction * math.pi / orientations)
    cosine = math.cos(direction * math.pi / orientations)
    return round(sine * g_row + cosine * g_col, 9), round(abs(cosine), 9), -direction
