"""The slow, obvious twin of `classicvis.kernels.hog_trilinear`."""

from __future__ import annotations

import math

import numpy as np


def exact_angle(g_row: float, g_col: float) -> float:
    """Return the direction of a gradient in radians, in [0, 2 pi)."""
    return math.atan2(g_row, g_col) % (2 * math.pi)


def hog_trilinear(
    image: np.ndarray,
    orientations: int,
    cell: tuple[int, int],
    cells: tuple[int, int],
    stride: tuple[int, int],
    signed: bool = False,
    transform_sqrt: bool = False,
    angle=exact_angle,
) -> np.ndarray:
    """One image, block by block and pixel by pixel.

    Shape (block rows, block columns, cell rows, cell columns, orientations); `angle` gives the
    direction of (g_row, g_col) in radians.
    """
    image = image.astype(np.float32).reshape(*image.shape[:2], -1)
    image = np.sqrt(image) if transform_sqrt else image  # in float32, as ties are decided
    height, width, channels = image.shape
    block_height, block_width = (a * b for a, b in zip(cell, cells, strict=True))
    n_rows = (height - block_height) // stride[0] + 1
    n_cols = (width - block_width) // stride[1] + 1
    sigma = (block_height + block_width) / 8
    period = 2 * math.pi if signed else math.pi

    votes = np.zeros((height, width, orientations))
    for row in range(height):
        for col in range(width):
            best = (np.float32(-1), np.float32(0), np.float32(0))
            for c in range(channels):
                g_row = g_col = np.float32(0)
                if 0 < row < height - 1:
                    g_row = image[row + 1, col, c] - image[row - 1, col, c]
                if 0 < col < width - 1:
                    g_col = image[row, col + 1, c] - image[row, col - 1, c]
                if g_row**2 + g_col**2 > best[0]:
                    best = (g_row**2 + g_col**2, g_row, g_col)
            best = tuple(map(float, best))
            position = angle(best[1], best[2]) % period / period * orientations - 0.5
            low = math.floor(position)
            votes[row, col, low % orientations] += math.sqrt(best[0]) * (low + 1 - position)
            votes[row, col, (low + 1) % orientations] += math.sqrt(best[0]) * (position - low)

    out = np.zeros((n_rows, n_cols, *cells, orientations))
    for b_row in range(n_rows):
        for b_col in range(n_cols):
            block = out[b_row, b_col]
            for r in range(block_height):
                for c in range(block_width):
                    row_at, col_at = (r + 0.5) / cell[0] - 0.5, (c + 0.5) / cell[1] - 0.5
                    square = (r - block_height / 2) ** 2 + (c - block_width / 2) ** 2
                    window = math.exp(-square / (2 * sigma**2))
                    pixel = votes[b_row * stride[0] + r, b_col * stride[1] + c]
                    for i in range(cells[0]):
                        for j in range(cells[1]):
                            share = max(0, 1 - abs(row_at - i)) * max(0, 1 - abs(col_at - j))
                            block[i, j] += window * share * pixel
            block /= math.sqrt((block**2).sum()) + 0.1 * block.size
            np.minimum(block, 0.2, out=block)
            block /= math.sqrt((block**2).sum()) + 1e-3
    return out
