"""Slow twin of the colour histogram kernel: one pixel at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def color_histogram(image, bins, joint=True, grid=(1, 1)):
    """Return the flat histogram of an image of shape (h, w, 3)."""
    height, width, _ = image.shape
    row_edges = [i * height // grid[0] for i in range(grid[0] + 1)]
    col_edges = [j * width // grid[1] for j in range(grid[1] + 1)]
    parts = []
    for top, bottom in pairwise(row_edges):
        for left, right in pairwise(col_edges):
            pixels = image[top:bottom, left:right].reshape(-1, 3).tolist()
            cube = np.zeros(bins)
            for pixel in pixels:
                cube[tuple(v * n // 256 for v, n in zip(pixel, bins, strict=True))] += 1
            if joint:
                cell = cube.ravel()
            else:
                cell = np.concatenate([cube.sum(axis=a) for a in [(1, 2), (0, 2), (0, 1)]])
            parts.append(cell / max(1, len(pixels)))
    return np.concatenate(parts)
