"""Slow twin of the HOG kernel: one pixel, one cell, one block at a time, in float64."""

from __future__ import annotations

import math

import numpy as np

EPSILON = 1e-5


def gradient(image, row, col):
    """Return the (row, column) gradient of the strongest channel at a pixel."""
    height, width, channels = image.shape
    best = (0, 0)
    for channel in range(channels):
        plane = image[:, :, channel].tolist()
        g_row = plane[row + 1][col] - plane[row - 1][col] if 0 < row < height - 1 else 0
        g_col = plane[row][col + 1] - plane[row][col - 1] if 0 < col < width - 1 else 0
        if g_row**2 + g_col**2 > best[0] ** 2 + best[1] ** 2:
            best = g_row, g_col
    return best


def normalize(block, norm):
    """Normalise one block of cells."""
    if norm in ("L1", "L1-sqrt"):
        block = block / (np.abs(block).sum() + EPSILON)
        return np.sqrt(block) if norm == "L1-sqrt" else block
    block = block / math.sqrt((block**2).sum() + EPSILON**2)
    if norm == "L2-Hys":
        block = np.minimum(block, 0.2)
        block = block / math.sqrt((block**2).sum() + EPSILON**2)
    return block


def hog(image, orientations, cell, block, norm, signed=False):
    """Return the flat descriptor of an image of shape (h, w) or (h, w, c)."""
    image = image.reshape(*image.shape[:2], -1)
    n_rows, n_cols = image.shape[0] // cell[0], image.shape[1] // cell[1]
    period = 360 if signed else 180
    cells = np.zeros((n_rows, n_cols, orientations))
    for row in range(n_rows * cell[0]):
        for col in range(n_cols * cell[1]):
            g_row, g_col = gradient(image, row, col)
            angle = math.degrees(math.atan2(g_row, g_col)) % period
            orientation = int(angle / (period / orientations))
            vote = math.hypot(g_row, g_col) / (cell[0] * cell[1])
            cells[row // cell[0], col // cell[1], orientation] += vote
    blocks = [
        normalize(cells[r : r + block[0], c : c + block[1]], norm).ravel()
        for r in range(n_rows - block[0] + 1)
        for c in range(n_cols - block[1] + 1)
    ]
    return np.concatenate(blocks)
