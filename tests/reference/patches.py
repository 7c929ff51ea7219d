"""Slow twins of the patch kernels and of the codes of an image: formulas in float64."""

from __future__ import annotations

import numpy as np


def normalized_patches(image, size, stride, regularization):
    """Return normalised patches, one after the other: (n_patches, size * size * c)."""
    patches = []
    for top in range(0, image.shape[0] - size + 1, stride):
        for left in range(0, image.shape[1] - size + 1, stride):
            patch = image[top : top + size, left : left + size].astype(float).ravel()
            patches.append((patch - patch.mean()) / np.sqrt(patch.var() + regularization))
    return np.array(patches)


def soft_threshold(responses, threshold):
    """Return the codes of responses (n_patches, n_words): both signs side by side."""
    sides = np.concatenate([responses, -responses], axis=1)
    return np.maximum(0, sides - threshold)


def triangle(patches, words):
    """Return the codes of patches (n_patches, n_values): how much nearer than the mean word."""
    distances = np.linalg.norm(patches[:, None] - words, axis=2)
    return np.maximum(0, distances.mean(axis=1, keepdims=True) - distances)


def cell_means(codes, shape, grid):
    """Return the mean of codes (rows * cols, n_codes) over each cell of a grid, row by row."""
    codes = codes.reshape(*shape, -1)
    rows = [[r for r in range(shape[0]) if r * grid[0] // shape[0] == i] for i in range(grid[0])]
    cols = [[c for c in range(shape[1]) if c * grid[1] // shape[1] == j] for j in range(grid[1])]
    zeros = np.zeros(codes.shape[2])
    return np.array(
        [codes[np.ix_(r, c)].mean(axis=(0, 1)) if r and c else zeros for r in rows for c in cols]
    )
