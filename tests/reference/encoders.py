"""Slow twins of the encoders: one descriptor, one word, one region at a time, in float64."""

from __future__ import annotations

import numpy as np


def distances(descriptor, vocabulary):
    """Return the squared distances to all words."""
    return np.array(
        [
            sum((float(x) - float(c)) ** 2 for x, c in zip(descriptor, word, strict=True))
            for word in vocabulary
        ]
    )


def hard(descriptor, vocabulary):
    """Return the weights of all words: 1 for the nearest."""
    code = np.zeros(len(vocabulary))
    code[np.argmin(distances(descriptor, vocabulary))] = 1
    return code


def soft(descriptor, vocabulary, n_neighbors, beta):
    """Return exp(-beta d^2) for the nearest words, 0 for the others, scaled to the sum 1."""
    squares = distances(descriptor, vocabulary)
    code = np.zeros(len(vocabulary))
    for word in np.argsort(squares)[:n_neighbors]:
        code[word] = np.exp(-beta * squares[word])
    return code / code.sum()


def llc(descriptor, vocabulary, n_neighbors, regularization=1e-4):
    """Return the weights of section 3 of the paper: solve (C + r trace(C) I) w = 1, sum to 1."""
    nearest = np.argsort(distances(descriptor, vocabulary))[:n_neighbors]
    shifted = vocabulary[nearest].astype(float) - descriptor
    covariance = np.zeros((n_neighbors, n_neighbors))
    for i in range(n_neighbors):
        for j in range(n_neighbors):
            covariance[i, j] = np.dot(shifted[i], shifted[j])
    covariance += regularization * np.trace(covariance) * np.eye(n_neighbors)
    weights = np.linalg.inv(covariance) @ np.ones(n_neighbors)
    code = np.zeros(len(vocabulary))
    code[nearest] = weights / weights.sum()
    return code


def regions(positions, grids):
    """Return, for each region of each grid, row by row, which positions lie in it."""
    return [
        [int(row * n_rows) == i and int(column * n_columns) == j for row, column in positions]
        for n_rows, n_columns in grids
        for i in range(n_rows)
        for j in range(n_columns)
    ]


def bag_of_words(codes, members, pooling):
    """Pool the codes (n, n_words) of each region, then scale all of them to absolute sum 1."""
    rows = []
    for member in members:
        inside = [code for code, is_in in zip(codes, member, strict=True) if is_in]
        pooled = np.zeros(codes.shape[1])
        for code in inside:
            pooled = pooled + code if pooling == "sum" else np.maximum(pooled, code)
        rows.append(pooled)
    rows = np.array(rows)
    return rows / np.abs(rows).sum()


def vlad(descriptors, vocabulary, normalization):
    """Return the residuals summed word by word, normalised, of unit length."""
    sums = np.zeros(vocabulary.shape)
    for descriptor in descriptors:
        word = np.argmin(distances(descriptor, vocabulary))
        for j in range(len(descriptor)):
            sums[word, j] += float(descriptor[j]) - float(vocabulary[word, j])
    if normalization == "power":
        sums = np.sign(sums) * np.sqrt(np.abs(sums))
    else:
        for word in range(len(sums)):
            length = np.sqrt((sums[word] ** 2).sum())
            if length > 0:
                sums[word] /= length
    length = np.sqrt((sums**2).sum())
    return sums.ravel() / length if length > 0 else sums.ravel()
