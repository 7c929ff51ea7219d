"""The slow, obvious twin of `classicvis.kernels.hog_votes`."""

from __future__ import annotations

import math

import numpy as np


def hog_votes(
    image: np.ndarray,
    orientations: int,
    cell_step: tuple[int, int],
    steps_per_cell: tuple[int, int],
    cells_per_block: tuple[int, int],
    block_norm: str,
    signed: bool,
    soft: bool,
) -> np.ndarray:
    """One image, one pixel, one cell and one block at a time, in float64."""
    image = image.astype(float).reshape(*image.shape[:2], -1)
    height, width, channels = image.shape
    votes = np.zeros((height, width, orientations))
    for row in range(height):
        for col in range(width):
            best = (-1.0, 0.0, 0.0)
            for c in range(channels):
                g_row = g_col = 0.0
                if 0 < row < height - 1:
                    g_row = image[row + 1, col, c] - image[row - 1, col, c]
                if 0 < col < width - 1:
                    g_col = image[row, col + 1, c] - image[row, col - 1, c]
                if g_row**2 + g_col**2 > best[0]:
                    best = (g_row**2 + g_col**2, g_row, g_col)
            period = 360 if signed else 180
            turn = math.degrees(math.atan2(best[1], best[2])) % period / period * orientations
            magnitude = math.sqrt(best[0])
            if soft:
                low = math.floor(turn - 0.5)
                share = turn - 0.5 - low
                votes[row, col, low % orientations] += magnitude * (1 - share)
                votes[row, col, (low + 1) % orientations] += magnitude * share
            else:
                votes[row, col, int(turn) % orientations] += magnitude

    size = [a * b for a, b in zip(cell_step, steps_per_cell, strict=True)]

    def cell(row: int, col: int) -> np.ndarray:
        top, left = row * cell_step[0], col * cell_step[1]
        return votes[top : top + size[0], left : left + size[1]].mean(axis=(0, 1))

    n_rows = height // cell_step[0] - steps_per_cell[0] * cells_per_block[0] + 1
    n_cols = width // cell_step[1] - steps_per_cell[1] * cells_per_block[1] + 1
    out = []
    for row in range(n_rows):
        for col in range(n_cols):
            block = np.concatenate(
                [
                    cell(row + i * steps_per_cell[0], col + j * steps_per_cell[1])
                    for i in range(cells_per_block[0])
                    for j in range(cells_per_block[1])
                ]
            )
            out.append(normalized(block, block_norm))
    return np.concatenate(out)


def normalized(block: np.ndarray, block_norm: str, eps: float = 1e-5) -> np.ndarray:
    """Apply one of the four norms as scikit-image's documentation defines them."""
    if block_norm == "L1":
        return block / (np.abs(block).sum() + eps)
    if block_norm == "L1-sqrt":
        return np.sqrt(block / (np.abs(block).sum() + eps))
    block = block / np.sqrt((block**2).sum() + eps**2)
    if block_norm == "L2-Hys":
        block = np.minimum(block, 0.2)
        block = block / np.sqrt((block**2).sum() + eps**2)
    return block
