"""Slow twin of the Fisher kernels: one descriptor and one component at a time, in float64."""

from __future__ import annotations

import math

import numpy as np


def log_densities(x, weights, means, variances):
    """Return the logarithms of the joint densities of a descriptor and each component."""
    logs = []
    for weight, mean, variance in zip(weights, means, variances, strict=True):
        log = math.log(weight)
        for value, m, v in zip(x, mean, variance, strict=True):
            log -= 0.5 * (math.log(2 * math.pi * v) + (value - m) ** 2 / v)
        logs.append(log)
    return np.array(logs)


def posteriors(x, weights, means, variances):
    """Return the posteriors of a descriptor, and its log-likelihood."""
    logs = log_densities(x, weights, means, variances)
    densities = np.exp(logs - logs.max())
    return densities / densities.sum(), logs.max() + math.log(densities.sum())


def statistics(descriptors, regions, n_regions, weights, means, variances):
    """Return the sums of q, q z, q z^2, (n_regions, k, 1 + 2 d), and the log-likelihood.

    z is the descriptor less the mean of the component.
    """
    k, d = np.shape(means)
    out, log_likelihood = np.zeros((n_regions, k, 1 + 2 * d)), 0.0
    for x, region in zip(np.asarray(descriptors, float), regions, strict=True):
        q, log = posteriors(x, weights, means, variances)
        log_likelihood += log
        for component in range(k):
            z = x - np.asarray(means[component])
            out[region, component] += q[component] * np.concatenate([[1], z, z * z])
    return out, log_likelihood


def gradients(descriptors, weights, means, variances):
    """Return equations 16 and 17 of Perronnin 2010, summed over descriptors: (2 k d,)."""
    by_mean, by_deviation = np.zeros(np.shape(means)), np.zeros(np.shape(means))
    for x in np.asarray(descriptors, float):
        q, _ = posteriors(x, weights, means, variances)
        for k, weight in enumerate(weights):
            z = (x - means[k]) / np.sqrt(variances[k])
            by_mean[k] += q[k] * z / math.sqrt(weight)
            by_deviation[k] += q[k] * (z * z - 1) / math.sqrt(2 * weight)
    return np.concatenate([by_mean.ravel(), by_deviation.ravel()]) / len(descriptors)
