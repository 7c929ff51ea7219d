"""LinearSvm against LinearSVC, whose problem it solves, on features of real images."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from classicvis import HogExtractor, ParameterError, build_pipeline, load_model, save_model
from classicvis.classifiers import LinearSvm


@parametrize_with_checks([LinearSvm(tol=1e-10)])
def test_sklearn_contract(estimator, check):
    """All of scikit-learn's checks of a classifier hold, those of sample weights included."""
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    """Rows of unit length of 400 digits (64 features) and their labels, unequally frequent."""
    X, y = load_digits(return_X_y=True)
    chosen = np.flatnonzero((y > 2) | (np.arange(len(y)) % 3 == 0))[:400]
    return normalize(X[chosen]), y[chosen]


@pytest.fixture(scope="module")
def tiles(texture_tiles):
    """HOG rows of 96 textured tiles, far more features (2,916) than rows, and their names."""
    images, names = texture_tiles
    extractor = HogExtractor(orientations=9, pixels_per_cell=(8, 8), cells_per_block=(3, 3))
    return normalize(extractor.fit_transform(images).astype(float)), names


def reference(X, y, C, class_weight=None, sample_weight=None):
    """LinearSVC near its optimum."""
    svc = LinearSVC(
        C=C, class_weight=class_weight, dual=True, tol=1e-9, max_iter=1_000_000, random_state=0
    )
    return svc.fit(X, y, sample_weight)


@pytest.mark.parametrize("class_weight", [None, "balanced", {3: 5.0}])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_tall_features_agree_with_linear_svc(digits, n_classes, weighted, class_weight):
    """More rows than features: coefficients, intercepts and scores are those of LinearSVC."""
    X, y = digits
    if n_classes == 2:
        X, y = X[(y == 3) | (y > 7)], np.where(y == 3, 3, 8)[(y == 3) | (y > 7)]
    weights = np.random.default_rng(0).uniform(0, 3, len(y)).round() if weighted else None
    expected = reference(X, y, 2.0, class_weight, weights)
    found = LinearSvm(2.0, class_weight=class_weight, tol=1e-10).fit(X, y, weights)
    assert found.coef_.shape == expected.coef_.shape
    assert found.n_features_in_ == 64
    np.testing.assert_array_equal(found.classes_, expected.classes_)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        found.decision_function(X), expected.decision_function(X), rtol=0, atol=1e-5
    )
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


@pytest.mark.parametrize("repeated", [False, True])
def test_wide_features_agree_with_linear_svc(tiles, repeated):
    """Many more features than rows, some rows twice: solved in the span, the same coefficients."""
    X, names = tiles
    if repeated:  # the Gram matrix is singular
        X, names = np.vstack([X, X[::3]]), np.append(names, names[::3])
    expected = reference(X, names, 10.0, "balanced")
    found = LinearSvm(10.0, class_weight="balanced", tol=1e-10).fit(X, names)
    np.testing.assert_array_equal(found.classes_, ["brick", "grass", "gravel"])
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=0, atol=1e-6)


def test_the_span_changes_nothing(tiles, monkeypatch):
    """The same rows solved with and without coordinates of their span give equal coefficients."""
    X, names = tiles
    wide = LinearSvm(10.0, tol=1e-10).fit(X, names)
    monkeypatch.setattr("classicvis.classifiers._linear_svm._WIDE", np.inf)
    plain = LinearSvm(10.0, tol=1e-10).fit(X, names)
    np.testing.assert_allclose(wide.coef_, plain.coef_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("features", ["digits", "tiles"])
def test_single_precision(features, request):
    """float32 features, which stay float32, score as float64 ones to three digits."""
    X, y = request.getfixturevalue(features)
    exact = LinearSvm(1.0, tol=1e-10).fit(X, y)
    single = LinearSvm(1.0, tol=1e-5).fit(X.astype(np.float32), y)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    assert exact.coef_.dtype == np.float64
    np.testing.assert_allclose(
        single.decision_function(X.astype(np.float32)), exact.decision_function(X),
        rtol=0, atol=1e-3,
    )  # fmt: skip


def test_the_default_tolerance_decides_alike(digits):
    """With the default tolerance the labels of all but a few rows are those of the optimum."""
    X, y = digits
    exact = LinearSvm(10.0, tol=1e-10).fit(X, y).predict(X)
    assert np.mean(LinearSvm(10.0).fit(X, y).predict(X) == exact) >= 0.99


def test_features_are_neither_copied_nor_changed():
    """A fit allocates a small part of what the features take, and leaves them as they are."""
    rng = np.random.default_rng(0)
    X = rng.random((4000, 2000), dtype=np.float32)
    y = rng.integers(0, 3, len(X))
    before = X.copy()
    tracemalloc.start()
    LinearSvm(1e-3).fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.1 * X.nbytes
    np.testing.assert_array_equal(X, before)


def test_too_few_steps_warn(digits):
    """A fit that stops early says so and what to do."""
    with pytest.warns(ConvergenceWarning, match="max_iter=2 Newton steps"):
        LinearSvm(100.0, max_iter=2).fit(*digits)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LinearSvm(100.0).fit(*digits)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"C": 0}, "C=0: expected a number above 0"),
        ({"C": np.inf}, "C=inf"),
        ({"tol": "small"}, "tol='small'"),
        ({"max_iter": 1.5}, "max_iter=1.5: expected a whole number"),
    ],
)
def test_wrong_parameters(digits, params, message):
    """A parameter out of its range is told by name, found and expected."""
    with pytest.raises(ParameterError, match=message):
        LinearSvm(**params).fit(*digits)


@pytest.mark.parametrize("n_features", [5, 5000])
def test_flat_features(digits, n_features):
    """Features that are all zero give zero coefficients, and the intercept alone decides."""
    _, y = digits
    svm = LinearSvm().fit(np.zeros((len(y), n_features)), y == 3)
    np.testing.assert_array_equal(svm.coef_, np.zeros((1, n_features)))
    assert not svm.predict(np.zeros((1, n_features)))[0]


def test_saved_pipelines(texture_tiles, tmp_path):
    """The registered name builds it; a saved pipeline gives the same scores."""
    images, names = texture_tiles
    model = build_pipeline("hog", "linear_svm", image_size=(32, 32)).fit(images, names)
    svm = model["classifier"]
    assert (type(svm), svm.C, svm.class_weight) == (LinearSvm, 10.0, "balanced")
    loaded = load_model(save_model(model, tmp_path / "model.cvis"))
    for copy in (loaded, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(
            copy.decision_function(images[:9]), model.decision_function(images[:9])
        )
