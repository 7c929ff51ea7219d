"""The slow, obvious twins of `classicvis.kernels.perceptual_hash` and `.alignment`."""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn


def perceptual_hash(image):
    """Return the hash of a grey image of 32x32 pixels, from the whole cosine transform."""
    low = dctn(image.astype(float), norm="ortho")[:8, :8].ravel()
    low[0] = 0
    low[np.abs(low) < 1e-6] = 0
    return sum(1 << i for i, value in enumerate(low) if value > low.mean())


def hamming_pairs(hashes, n_bits):
    """Return all pairs (i, j) that differ in at most `n_bits` bits."""
    n = len(hashes)
    return [
        (i, j)
        for i in range(n)
        for j in range(i + 1, n)
        if bin(int(hashes[i]) ^ int(hashes[j])).count("1") <= n_bits
    ]


def similarity(a, b, least_correlation):
    """Return share of variance and displacement of the better direction of one pair."""
    if a.std() * b.std() == 0 or np.corrcoef(a.ravel(), b.ravel())[0, 1] < least_correlation:
        return 0.0, 0.0
    best = (0.0, 0.0)
    for first, second in ((a, b), (b, a)):
        found = _fit(first.astype(float), second.astype(float))
        if found[0] > best[0]:
            best = found
    return best


def _fit(a, b):
    height, width = a.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    down, right = np.gradient(a)
    inner = np.s_[2:-2, 2:-2]
    terms = [a, down, right, y * down, x * right, np.ones_like(a)]
    terms = np.stack([term[inner].ravel() for term in terms], axis=1)
    target = b[inner].ravel()
    counts = (target >= 8) & (target <= 247)
    if counts.mean() < 0.1:
        counts[:] = True
    used, level = terms[counts], 128  # levels from the middle: what the ridge pulls to
    used[:, 0] -= level
    ridge = 1e-2 * np.eye(6)
    solution = np.linalg.solve(used.T @ used + ridge, used.T @ (target[counts] - level))
    terms[:, 0] -= level
    target = target - level
    missed = ((target - np.clip(terms @ solution, -level, 255 - level)) ** 2).sum()
    total = ((target - target.mean()) ** 2).sum()
    if solution[0] <= 0 or total == 0:
        return 0.0, 0.0
    return 1 - missed / total, np.abs(solution[1:5]).max() / solution[0]
