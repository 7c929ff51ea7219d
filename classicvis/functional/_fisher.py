"""The Fisher vector of a set of descriptors, and the mixture that it is taken from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classicvis.exceptions import ParameterError
from classicvis.kernels.fisher import add_statistics, fisher_gradients, fisher_tables

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

LEAST_SHARE = 1e-12  # nothing that shows in the six digits scikit-image's results are compared by


def learn_gmm(
    descriptors: NDArray[Any] | list[NDArray[Any]],
    *,
    n_modes: int = 32,
    gm_args: dict[str, Any] | None = None,
) -> GaussianMixture:
    """Fit a diagonal Gaussian mixture to descriptors, as `skimage.feature.learn_gmm` does.

    Parameters
    ----------
    descriptors : ndarray of shape (n, d), or list of ndarray of shape (n_i, d)
        Descriptors, of one image or of each of several.
    n_modes : int, default=32
        Components.
    gm_args : dict, optional
        Further parameters of `sklearn.mixture.GaussianMixture`; its ``covariance_type`` can only
        be "diag".

    Returns
    -------
    sklearn.mixture.GaussianMixture
        Fitted, for `fisher_vector`.

    Notes
    -----
    It is scikit-image's function, errors included, except that ``gm_args`` need not hold a
    ``covariance_type``: there it raises KeyError.

    Examples
    --------
    >>> import numpy as np
    >>> from classicvis.functional import learn_gmm
    >>> points = np.random.default_rng(0).normal(size=(50, 3))
    >>> learn_gmm(points, n_modes=2, gm_args={"random_state": 0}).means_.shape
    (2, 3)
    """
    from skimage import feature  # takes a second to import

    arguments = {"covariance_type": "diag", **(gm_args or {})}
    return feature.learn_gmm(descriptors, n_modes=n_modes, gm_args=arguments)


def fisher_vector(
    descriptors: NDArray[Any], gmm: GaussianMixture, *, improved: bool = False, alpha: float = 0.5
) -> NDArray[Any]:
    """Compute the Fisher vector of descriptors, as `skimage.feature.fisher_vector` does [1]_.

    Parameters
    ----------
    descriptors : ndarray of shape (n, d)
        At least one descriptor.
    gmm : sklearn.mixture.GaussianMixture
        Fitted, with diagonal covariances; see `learn_gmm`.
    improved : bool, default=False
        Raise magnitudes to the power of `alpha`, keeping signs, and divide by the Euclidean norm.
    alpha : float, default=0.5
        The power; 0.5 takes signed square roots.

    Returns
    -------
    ndarray of shape (k + 2 * k * d,), float64 or float32
        Gradients by the k weights, by the means (component by component) and by the variances,
        each normalised by the diagonal of the Fisher information; float32 where both the
        descriptors and the mixture are.

    Raises
    ------
    ParameterError
        If `descriptors` is not a matrix of the mixture's d columns, `gmm` is not a diagonal
        GaussianMixture, or `alpha` is not a float.

    Notes
    -----
    All is computed in float64. Where the mixture is of float64, too, numbers are scikit-image's to
    1e-9; an improved vector of zeros stays zero, where scikit-image divides by zero. The gradients
    by the variances have the sign that scikit-image gives them, opposite to the paper's and
    VLFeat's.

    References
    ----------
    .. [1] Perronnin, Sanchez and Mensink, "Improving the Fisher kernel for large-scale image
       classification", ECCV 2010, DOI 10.1007/978-3-642-15561-1_11.

    Examples
    --------
    >>> import numpy as np
    >>> from classicvis.functional import fisher_vector, learn_gmm
    >>> points = np.random.default_rng(0).normal(size=(50, 3))
    >>> gmm = learn_gmm(points, n_modes=2, gm_args={"random_state": 0})
    >>> fisher_vector(points, gmm).shape
    (14,)
    """
    weights, means, variances = _parameters(gmm)
    _check(descriptors, means.shape[1])
    if improved and not isinstance(alpha, float):
        raise ParameterError(f"alpha={alpha!r}: expected a float, such as 0.5.")
    tables = fisher_tables(weights, means, variances, np.float64)
    statistics = np.zeros((1, *tables.coefficients.shape))
    n = len(descriptors)
    add_statistics(descriptors, np.zeros(n, np.intp), tables, statistics, LEAST_SHARE)
    by_mean, by_variance = fisher_gradients(statistics, weights, means, variances, n).reshape(2, -1)
    by_weight = (statistics[0, :, 0] / n - weights) / np.sqrt(weights)
    vector = np.concatenate([by_weight, by_mean, -by_variance])
    if improved:
        vector = _improve(vector, alpha)
    return vector.astype(np.result_type(descriptors, means), copy=False)


def _parameters(gmm: GaussianMixture) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    from sklearn.mixture import GaussianMixture
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(gmm, GaussianMixture) or gmm.covariance_type != "diag":
        raise ParameterError(
            f"gmm={gmm!r}: expected a sklearn.mixture.GaussianMixture with "
            "covariance_type='diag', such as learn_gmm returns."
        )
    check_is_fitted(gmm)
    return gmm.weights_, gmm.means_, gmm.covariances_


def _check(descriptors: NDArray[Any], n_columns: int) -> None:
    shape = getattr(descriptors, "shape", None)
    if not isinstance(descriptors, np.ndarray) or shape != (max(1, len(descriptors)), n_columns):
        what = type(descriptors).__name__ if shape is None else f"shape {shape}"
        raise ParameterError(
            f"got descriptors of {what}: expected a NumPy array of shape (n, {n_columns}) with at "
            "least one row."
        )


def _improve(vector: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    powers = np.sign(vector) * np.abs(vector) ** alpha
    norm = np.linalg.norm(powers)
    return powers / norm if norm > 0 else powers
