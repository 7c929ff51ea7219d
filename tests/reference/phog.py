"""The slow, obvious twin of `classicvis.kernels.phog` and `PyramidHog`."""

from __future__ import annotations

import math

import numpy as np


def orientation_grid(image, grid, orientations, signed):
    """Sum the shared votes of each cell, one pixel at a time: shape (*grid, orientations)."""
    image = image.astype(float).reshape(*image.shape[:2], -1)
    height, width, channels = image.shape
    cells = np.zeros((*grid, orientations))
    row_of = [i for i in range(grid[0]) for _ in range(*_edges(i, height, grid[0]))]
    col_of = [j for j in range(grid[1]) for _ in range(*_edges(j, width, grid[1]))]
    period = 2 * math.pi if signed else math.pi
    for row in range(height):
        for col in range(width):
            gradients = [_gradient(image[..., c], row, col) for c in range(channels)]
            down, right = max(gradients, key=lambda g: g[0] ** 2 + g[1] ** 2)
            turn = math.atan2(down, right) % period / period * orientations - 0.5
            low, magnitude = math.floor(turn), math.hypot(down, right)
            cell = cells[row_of[row], col_of[col]]
            cell[low % orientations] += magnitude * (1 - (turn - low))
            cell[(low + 1) % orientations] += magnitude * (turn - low)
    return cells


def pyramid_hog(image, orientations, levels, signed):
    """Return the cells of all levels, one at a time: votes shared, cells and levels normalised."""
    side = 2 ** (levels + 1)
    votes = orientation_grid(image, (side, side), orientations, signed)
    parts = []
    for level in range(levels + 1):
        n = 2**level
        cells = np.zeros((n, n, orientations))
        for row in range(side):
            for col in range(side):
                for i, down in _nearest(row, side, n):
                    for j, right in _nearest(col, side, n):
                        cells[i, j] += down * right * votes[row, col]
        typical = math.sqrt((cells**2).sum() / n**2)
        for cell in cells.reshape(-1, orientations):
            cell /= math.sqrt((cell**2).sum()) + 0.3 * typical or 1
            cell[cell > 0.2] = 0.2
        parts.append(cells.ravel() / (math.sqrt((cells**2).sum()) or 1))
    return np.concatenate(parts)


def _nearest(part, n_parts, n_cells):
    """Yield the two cells on both sides of a part and its shares in them; one at the ends."""
    position = (part + 0.5) / n_parts * n_cells - 0.5
    if position <= 0 or position >= n_cells - 1:
        yield (0 if position <= 0 else n_cells - 1), 1.0
        return
    low = math.floor(position)
    yield low, 1 - (position - low)
    yield low + 1, position - low


def _edges(i, size, n):
    return i * size // n, (i + 1) * size // n


def _gradient(plane, row, col):
    height, width = plane.shape
    down = plane[row + 1, col] - plane[row - 1, col] if 0 < row < height - 1 else 0.0
    right = plane[row, col + 1] - plane[row, col - 1] if 0 < col < width - 1 else 0.0
    return down, right
