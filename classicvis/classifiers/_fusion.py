"""How the answers of several classifiers become one: temperatures, weights, votes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

_LOG_RANGE = (-10.0, 10.0)  # of temperatures: margins that separate all would go to zero
_LEAST = 1e-6  # a model that gives a class no chance at all has no veto
_MOST = 100.0  # of weights: models that are never wrong would go on for ever


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


def pooled(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the logarithmic pool of the opinions of several classifiers.

    Parameters
    ----------
    probabilities : ndarray of shape (n_models, n, n_classes)
        What each says. NaN where it says nothing.
    weights : ndarray of shape (n_models,)
        Exponents.

    Returns
    -------
    ndarray of shape (n, n_classes)
        Proportional to the product of the probabilities to the power of the weights.
    """
    opinions = np.log(np.maximum(probabilities, _LEAST))
    return np.asarray(softmax(np.tensordot(weights, opinions, axes=1), axis=1))


def likeliest_weights(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the weights of the logarithmic pool that make the true classes the likeliest.

    Parameters
    ----------
    probabilities : ndarray of shape (n_models, n, n_classes)
        Of images that the classifiers have not learnt from.
    codes : ndarray of shape (n,)
        The numbers of their true classes.

    Returns
    -------
    ndarray of shape (n_models,)
        Not negative. Their sum is free: below one the pool is less sure than its members, above
        it surer. The mean log-likelihood is concave in them.

    References
    ----------
    T. Heskes, "Selecting weighting factors in logarithmic opinion pools", NIPS 1997.
    """
    opinions, rows = np.log(np.maximum(probabilities, _LEAST)), np.arange(len(codes))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        values = log_softmax(np.tensordot(weights, opinions, axes=1), axis=1)
        expected = (np.exp(values) * opinions).sum(axis=2).mean(axis=1)
        slope = expected - opinions[:, rows, codes].mean(axis=1)
        return float(-values[rows, codes].mean()), slope

    start = np.full(len(opinions), 1 / len(opinions))
    bounds = [(0.0, _MOST)] * len(opinions)
    options = {"ftol": 1e-12, "gtol": 1e-8}
    return np.asarray(minimize(loss, start, jac=True, bounds=bounds, options=options).x)
