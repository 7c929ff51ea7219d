"""The slow, obvious twin of `classicvis.kernels.glcm`."""

from __future__ import annotations

import math


def glcm_properties(image, levels, distance, angle):
    """Return the properties by name of one image at one distance and angle, from a table."""
    down, right = (_round(distance * f(angle)) for f in (math.sin, math.cos))
    height, width = image.shape
    table = [[0] * levels for _ in range(levels)]
    for row in range(height):
        for col in range(width):
            if 0 <= row + down < height and 0 <= col + right < width:
                i = int(image[row, col]) * levels // 256
                j = int(image[row + down, col + right]) * levels // 256
                table[i][j] += 1
                table[j][i] += 1
    total = sum(map(sum, table)) or 1
    shares = {(i, j): table[i][j] / total for i in range(levels) for j in range(levels)}
    mean = sum(p * i for (i, _), p in shares.items())
    variance = sum(p * (i - mean) ** 2 for (i, _), p in shares.items())
    covariance = sum(p * (i - mean) * (j - mean) for (i, j), p in shares.items())
    energy = sum(p**2 for p in shares.values())
    return {
        "contrast": sum(p * (i - j) ** 2 for (i, j), p in shares.items()),
        "dissimilarity": sum(p * abs(i - j) for (i, j), p in shares.items()),
        "homogeneity": sum(p / (1 + (i - j) ** 2) for (i, j), p in shares.items()),
        "ASM": energy,
        "energy": math.sqrt(energy),
        "correlation": covariance / variance if variance > 1e-30 else 1.0,
        "entropy": -sum(p * math.log(p) for p in shares.values() if p),
        "mean": mean,
        "variance": variance,
        "std": math.sqrt(variance),
    }


def _round(value):
    return int(math.copysign(math.floor(abs(value) + 0.5), value))
