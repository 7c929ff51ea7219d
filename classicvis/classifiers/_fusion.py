"""How the answers of several classifiers become one: temperatures, weights, votes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

_LOG_RANGE = (-10.0, 10.0)  # of temperatures: margins that separate all would go to zero
_MAX_STEPS = 1000
_TINY = 1e-12  # a probability of zero for what is true costs much, and not everything


def logits(margins: np.ndarray) -> np.ndarray:
    """Return margins with a column for each class; of two classes they come as (n,)."""
    return margins if margins.ndim == 2 else np.column_stack([-margins, margins])


def temperature_of(margins: np.ndarray, codes: np.ndarray) -> float:
    """Return the temperature at which margins are the likeliest as logits.

    Parameters
    ----------
    margins : ndarray of shape (n, n_classes), or (n,) for two classes
        Of images that their classifier has not learnt from.
    codes : ndarray of shape (n,)
        The numbers of their true classes.

    Returns
    -------
    float
        C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    values, rows = logits(margins).astype(np.float64), np.arange(len(codes))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(values / np.exp(log_temperature), axis=1)[rows, codes].mean())

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded").x))


def as_probabilities(margins: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities (n, n_classes) that margins stand for at a temperature."""
    return np.asarray(softmax(logits(margins).astype(np.float64) / temperature, axis=1))


def likeliest_weights(probabilities: np.ndarray, tol: float = 1e-9) -> np.ndarray:
    """Return the weights of the weighted mean of classifiers that is the likeliest.

    Parameters
    ----------
    probabilities : ndarray of shape (n_models, n)
        What each model gave the true class of each image, which it had not learnt from.
    tol : float, default=1e-9
        Stop when no weight moves by more.

    Returns
    -------
    ndarray of shape (n_models,)
        Not negative, of sum 1. The likelihood is concave in them; expectation maximisation, of
        which each step is the mean share of a model in the mixture, climbs to its top.
    """
    shares = np.maximum(probabilities, _TINY)
    weights = np.full(len(shares), 1 / len(shares))
    for _ in range(_MAX_STEPS):
        parts = weights[:, None] * shares
        last, weights = weights, (parts / parts.sum(axis=0)).mean(axis=1)
        if np.abs(weights - last).max() <= tol:
            break
    return weights
