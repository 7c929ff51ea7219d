"""The linear support vector machine for dense features: one pass over them per Newton direction."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from classicvis.exceptions import ParameterError

_WIDE = 4  # features per sample from which coordinates of the samples pay
_GRAM_COLUMNS = 1024  # features per matrix product of the Gram matrix
_MAX_DIRECTIONS = 200  # conjugate directions per Newton step
_ARMIJO = 1e-3  # the share of the promised decrease that a step has to bring


class LinearSvm(ClassifierMixin, BaseEstimator):
    """Linear support vector machine for dense features of images.

    The problem of `sklearn.svm.LinearSVC` with its default loss, solved where the features lie:
    LinearSVC turns every value of a row into a node of 16 bytes, four times the memory of float32
    features; here nothing is copied, and all classes share each pass over the features.

    Parameters
    ----------
    C : float, default=1.0
        Weight of the loss against the penalty; the larger, the closer to the training images.
    class_weight : dict, "balanced" or None, default=None
        Factors of C by class; "balanced" gives ``n_samples / (n_classes * count)``. As in
        LinearSVC, of more than two classes the factor counts for the images of the class where
        that class is told from all others, and not where others are told from it.
    tol : float, default=1e-3
        The gradient of each class is reduced to this share of what it is for coefficients of zero.
    max_iter : int, default=100
        Newton steps; some 10 are needed.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        One row per class; for two classes one row, positive for ``classes_[1]``. float32 for
        float32 features, otherwise float64.
    intercept_ : ndarray of shape (n_classes,) or (1,)
        Added to the products with `coef_`.
    n_iter_ : int
        Newton steps taken.
    n_features_in_ : int
        Number of features seen by `fit`.

    Notes
    -----
    For each class, with signs s (1 for its images, -1 for all others) and the weights c of the
    images, it minimises ``(|w|^2 + b^2) / 2 + C * sum(c * max(0, 1 - s * (X @ w + b))^2)``. The
    intercept b is penalised, as LinearSVC does by ``intercept_scaling=1``.

    The method is the modified finite Newton method of [1]_ with directions by conjugate
    gradients, all classes side by side: two matrix products per direction. Where there are many
    more features than images (Fisher vectors), the images are first turned to coordinates in the
    space that they span, by a pivoted Cholesky factor of their Gram matrix: the solution lies in
    that space [2]_, and n x n numbers are left of n x n_features. We depart from [1]_ in the line
    search, which halves the step until the objective falls.

    References
    ----------
    .. [1] S. S. Keerthi, D. DeCoste, "A modified finite Newton method for fast solution of large
       scale linear SVMs", JMLR 6, 2005, https://jmlr.org/papers/v6/keerthi05a.html
    .. [2] O. Chapelle, "Training a support vector machine in the primal", Neural Computation
       19(5), 2007, DOI 10.1162/neco.2007.19.5.1155

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from classicvis.classifiers import LinearSvm
    >>> X, y = load_digits(return_X_y=True)
    >>> round(LinearSvm(C=0.01).fit(X / 16, y).score(X / 16, y), 2)
    0.96
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        tol: float = 1e-3,
        max_iter: int = 100,
    ) -> None:
        self.C = C
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; C-contiguous float32 and float64 arrays are not copied.
        y : array-like of shape (n_samples,)
            Labels: integers or strings, of two classes or more.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of C by image.

        Returns
        -------
        LinearSvm
            Itself.

        Raises
        ------
        ParameterError
            For a parameter out of its range.
        ValueError
            From scikit-learn's checks of `X`, `y` and the weights.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps do not reach `tol`.
        """
        self._check_params()
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], order="C")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"found one class only, {self.classes_[0]!r}; expected images of two or more."
            )
        signs, costs = self._problem(X, y, codes, sample_weight)
        span = _span_of(X) if X.shape[1] >= _WIDE * len(X) else None
        rows = X if span is None else span.coordinates
        weights, self.n_iter_, is_solved = _minimise(rows, signs, costs, self.tol, self.max_iter)
        if not is_solved:
            warnings.warn(
                f"LinearSvm did not converge in max_iter={self.max_iter} Newton steps; scale the "
                "features, lower C or raise max_iter or tol.",
                ConvergenceWarning,
                stacklevel=2,
            )
        coef = weights[:, :-1].astype(X.dtype)
        self.coef_ = coef if span is None else span.combine(weights[:, :-1], X)
        self.intercept_ = weights[:, -1].astype(X.dtype)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return signed distances to the separating planes, times the lengths of `coef_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            The larger, the more an image is of that class, of two classes of ``classes_[1]``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        scores = X @ self.coef_.T + self.intercept_
        return scores.ravel() if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the largest score for each row: (n_samples,)."""
        scores = self.decision_function(X)
        best = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        return self.classes_[best]

    def _check_params(self) -> None:
        for name, kind in (("C", Real), ("tol", Real), ("max_iter", Integral)):
            value = getattr(self, name)
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if not (is_number and 0 < float(value) < np.inf):
                number = "whole number" if kind is Integral else "number"
                raise ParameterError(f"{name}={value!r}: expected a {number} above 0.")

    def _problem(
        self, X: np.ndarray, y: np.ndarray, codes: np.ndarray, sample_weight: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the sign and the cost of each row in each problem: (n_samples, n_problems)."""
        sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        factors = compute_class_weight(
            self.class_weight, classes=self.classes_, y=y, sample_weight=sample_weight
        )
        classes = np.arange(len(factors))
        if len(classes) == 2:
            is_positive = codes[:, None] == 1
            weights = factors[codes][:, None]
        else:
            is_positive = codes[:, None] == classes
            weights = np.where(is_positive, factors, 1.0)
        costs = self.C * sample_weight[:, None] * weights
        return np.where(is_positive, 1, -1).astype(X.dtype), costs.astype(X.dtype)


class _Span(NamedTuple):
    """Coordinates of rows in an orthonormal basis of the space that they span."""

    coordinates: np.ndarray  # (n_samples, rank)
    triangle: np.ndarray  # (rank, rank), lower: the coordinates of the rows `basis`
    basis: np.ndarray  # (rank,)

    def combine(self, weights: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return vectors, given by coordinates, as vectors of features: (n, n_features)."""
        shares = solve_triangular(self.triangle, weights.T, lower=True, trans="T").T
        of_all = np.zeros((len(weights), len(X)), dtype=X.dtype)
        of_all[:, self.basis] = shares
        return of_all @ X


def _span_of(X: np.ndarray) -> _Span:
    gram = np.zeros((len(X), len(X)))  # sums of float32 products in float64
    for start in range(0, X.shape[1], _GRAM_COLUMNS):
        part = X[:, start : start + _GRAM_COLUMNS]
        gram += part @ part.T
    largest = gram.diagonal().max()
    # P^T gram P = L L^T, until what is left of every row is rounding error
    rounding = 10 * np.finfo(X.dtype).eps * largest
    factor, pivots, rank, _ = dpstrf(gram.T, tol=rounding, lower=1, overwrite_a=1)
    factor = np.tril(factor)[:, :rank]
    coordinates = np.empty(factor.shape, dtype=X.dtype)
    coordinates[pivots - 1] = factor
    return _Span(coordinates, factor[:rank], pivots[:rank] - 1)


def _minimise(
    X: np.ndarray, signs: np.ndarray, costs: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """Return weights, intercepts last: (n_problems, n_features + 1), steps and whether solved."""
    weights = np.zeros((signs.shape[1], X.shape[1] + 1))
    scores = np.zeros_like(signs)
    start = None
    for step in range(max_iter + 1):
        slacks = np.maximum(0, 1 - signs * scores)
        gradient = weights - 2 * _combined(costs * slacks * signs, X)
        length = np.sqrt(_dots(gradient, gradient))
        start = length if start is None else start
        todo = np.flatnonzero(length > tol * start)
        if not len(todo) or step == max_iter:
            break
        # Newton's system (I + 2 X^T D X) p = -gradient, D the costs of rows with a slack,
        # is solved the more exactly the nearer the solution is
        exactness = np.minimum(0.1, np.sqrt(length[todo] / start[todo]))
        active = 2 * np.where(slacks > 0, costs, 0)[:, todo]
        direction, change = _solve(X, active, -gradient[todo], exactness * length[todo])
        size = _step_size(
            weights[todo], direction, gradient[todo],
            scores[:, todo], change, signs[:, todo], costs[:, todo],
        )  # fmt: skip
        weights[todo] += size[:, None] * direction
        scores[:, todo] += size.astype(X.dtype) * change
    return weights, step, not len(todo)


def _solve(
    X: np.ndarray, active: np.ndarray, right: np.ndarray, enough: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve ``(I + X^T diag(a) X) p = r`` for each column a of `active` by conjugate gradients.

    Returns the solutions p, (n_problems, n_features + 1), and X p, (n_samples, n_problems).
    """
    solution = np.zeros_like(right)
    products = np.zeros_like(active)
    residual = right.copy()
    direction = right.copy()
    square = _dots(residual, residual)
    for _ in range(_MAX_DIRECTIONS):
        product = _scores(X, direction)
        curved = direction + _combined(active * product, X)
        size = _ratio(square, _dots(direction, curved))
        solution += size[:, None] * direction
        products += size.astype(X.dtype) * product
        residual -= size[:, None] * curved
        last, square = square, _dots(residual, residual)
        if (np.sqrt(square) <= enough).all():
            break
        direction = residual + _ratio(square, last)[:, None] * direction
    return solution, products


def _step_size(
    weights: np.ndarray,
    direction: np.ndarray,
    gradient: np.ndarray,
    scores: np.ndarray,
    change: np.ndarray,
    signs: np.ndarray,
    costs: np.ndarray,
) -> np.ndarray:
    """Return a step of each problem that lowers its objective; no pass over the features."""
    slope = _dots(gradient, direction)
    along, square = _dots(weights, direction), _dots(direction, direction)

    def rise(size: np.ndarray) -> np.ndarray:
        slacks = np.maximum(0, 1 - signs * (scores + size.astype(scores.dtype) * change))
        loss = (costs * slacks**2).sum(axis=0, dtype=float)
        return size * along + size**2 * square / 2 + loss

    size = np.ones(len(weights))
    before = rise(np.zeros_like(size))
    before *= 1 + np.finfo(scores.dtype).eps  # a fall too small to be seen is no rise
    while (too_long := rise(size) > before + _ARMIJO * size * slope).any() and size.min() > 1e-6:
        size[too_long] /= 2
    return size


def _scores(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ``X @ w + b`` for each row (w, b) of `weights`: (n_samples, n_problems)."""
    return X @ weights[:, :-1].astype(X.dtype).T + weights[:, -1].astype(X.dtype)


def _combined(shares: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return the transpose of `_scores`, sums of rows and of 1: (n_problems, n_features + 1)."""
    return np.column_stack([shares.T @ X, shares.sum(axis=0, dtype=float)])


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the inner product of each row of `a` with that of `b`."""
    return np.einsum("ij,ij->i", a, b)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, 0 where b is 0: a problem that is solved exactly stands still."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
