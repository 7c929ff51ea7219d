"""The slow, obvious twin of `classicvis.kernels.lbp`."""

from __future__ import annotations

import math

import numpy as np


def lbp(image: np.ndarray, n_points: int, radius: float, method: str) -> np.ndarray:
    """One pixel and one point at a time, in Python's floats and integers."""
    values = image.astype(float).tolist()
    codes = [
        [_code(values, row, col, n_points, radius, method) for col in range(image.shape[1])]
        for row in range(image.shape[0])
    ]
    return np.array(codes, float)


def _code(image, row, col, n_points, radius, method):
    points = []
    for i in range(n_points):
        angle = 2 * np.pi * i / n_points
        down, right = (
            round(float(v), 5) for v in (-radius * np.sin(angle), radius * np.cos(angle))
        )
        points.append(_bilinear(image, row + down, col + right))
    if method == "var":
        mean_square = sum(p * p for p in points) - sum(points) ** 2 / n_points
        return mean_square / n_points or math.nan
    bits = [p >= image[row][col] for p in points]
    turned = [bits[i:] + bits[:i] for i in range(n_points)]
    if method in ("default", "ror"):
        numbers = [sum(2**i for i in range(n_points) if pattern[i]) for pattern in turned]
        return numbers[0] if method == "default" else min(numbers)
    n_ones = sum(bits)
    n_changes = sum(a != b for a, b in zip(bits[1:], bits[:-1], strict=True))
    if method == "uniform":
        return n_ones if n_changes <= 2 else n_points + 1
    if n_changes > 2:
        return n_points * (n_points - 1) + 2
    if n_ones in (0, n_points):
        return n_points * (n_points - 1) + 1 if n_ones else 0
    # How often the block of ones, which starts at 0, has to be turned to give the pattern.
    block = [i < n_ones for i in range(n_points)]
    turns = next(i for i in range(n_points) if block[i:] + block[:i] == bits)
    return 1 + (n_ones - 1) * n_points + turns


def _bilinear(image, row, col):
    def pixel(r, c):
        inside = 0 <= r < len(image) and 0 <= c < len(image[0])
        return image[r][c] if inside else 0.0

    top, left, bottom, right = math.floor(row), math.floor(col), math.ceil(row), math.ceil(col)
    down, across = row - top, col - left
    upper = (1 - across) * pixel(top, left) + across * pixel(top, right)
    lower = (1 - across) * pixel(bottom, left) + across * pixel(bottom, right)
    return (1 - down) * upper + down * lower
