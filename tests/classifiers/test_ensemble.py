"""EnsembleClassifier: the numbers of scikit-learn's ensembles, and what these cannot do."""

from __future__ import annotations

import pickle
from typing import ClassVar

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from classicvis import (
    EnsembleClassifier,
    ImageError,
    ImageSequence,
    LinearSvm,
    ParameterError,
    build_pipeline,
    classify,
    cross_evaluate,
    evaluate,
    load_model,
    save_model,
)
from classicvis.classifiers._folds import inner_splits, out_of_fold
from classicvis.classifiers._fusion import (
    as_probabilities,
    likeliest_weights,
    pooled,
    temperature_of,
)

METHODS = ("average", "vote", "weighted", "stack")
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def digits():
    """Rows of the 8x8 digits and their labels as words: 300 to learn from, 300 to ask about."""
    rows, target = load_digits(return_X_y=True)
    return rows[:600] / 16, np.array([f"digit {i}" for i in range(10)])[target[:600]]


@pytest.fixture(scope="module")
def pictures():
    """The digits as uint8 pictures of 16x16, and their labels as words."""
    images, target = load_digits(return_X_y=True)
    pixels = np.uint8(images[:240].reshape(-1, 8, 8) * 15.9).repeat(2, axis=1).repeat(2, axis=2)
    return pixels, np.array([f"digit {i}" for i in range(10)])[target[:240]]


class Silent(ClassifierMixin, BaseEstimator):
    """A classifier that names labels, and nothing else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))


def probabilistic():
    return [
        ("forest", RandomForestClassifier(20, random_state=0)),
        ("bayes", GaussianNB(var_smoothing=1e-2)),
        ("knn", KNeighborsClassifier(5)),
    ]


def pipelines():
    size = {"image_size": (16, 16)}
    return [
        ("hog", build_pipeline("hog", "svm", **size)),
        ("lbp", build_pipeline("lbp", "linear_svm", **size)),
        ("trees", build_pipeline("hog", "random_forest", classifier__n_estimators=10, **size)),
    ]


def ensemble(method, **options):
    models = pipelines()
    for _, model in models:
        if "classifier__random_state" in model.get_params():
            model.set_params(classifier__random_state=0)
    return EnsembleClassifier(models, method=method, **{"cv": 3, **options})


@pytest.mark.parametrize(("method", "voting"), [("average", "soft"), ("vote", "hard")])
def test_means_and_votes_are_those_of_scikit_learn(digits, method, voting):
    """Of models with probabilities, "average" and "vote" are a VotingClassifier."""
    X, y = digits
    expected = VotingClassifier(probabilistic(), voting=voting).fit(X[:300], y[:300])
    found = EnsembleClassifier(probabilistic(), method=method).fit(X[:300], y[:300])
    np.testing.assert_array_equal(found.predict(X[300:]), expected.predict(X[300:]))
    assert found.out_of_fold_accuracies_ is None
    if voting == "soft":
        np.testing.assert_allclose(
            found.predict_proba(X[300:]), expected.predict_proba(X[300:]), rtol=0, atol=1e-12
        )


def test_stacking_is_that_of_scikit_learn(digits):
    """On the same folds, "stack" is a StackingClassifier."""
    X, y = digits
    last = LogisticRegression(C=10, max_iter=500)
    expected = StackingClassifier(probabilistic(), last, cv=FOLDS).fit(X[:300], y[:300])
    found = EnsembleClassifier(probabilistic(), method="stack", cv=FOLDS, final_classifier=last)
    found.fit(X[:300], y[:300])
    np.testing.assert_allclose(
        found.predict_proba(X[300:]), expected.predict_proba(X[300:]), rtol=0, atol=1e-6
    )
    assert not hasattr(last, "classes_")


@pytest.mark.parametrize("n_classes", [2, 10])
def test_margins_become_the_probabilities_of_scikit_learn(digits, n_classes):
    """A machine alone has what CalibratedClassifierCV gives it, by temperature, from the folds."""
    X, y = digits
    chosen = np.isin(y, np.unique(y)[:n_classes])
    X, y = X[chosen], y[chosen]
    half = len(X) // 2
    machine = LinearSvm(C=0.1)
    expected = CalibratedClassifierCV(machine, method="temperature", ensemble=False, cv=FOLDS)
    expected.fit(X[:half], y[:half])
    found = EnsembleClassifier([("machine", machine)], cv=FOLDS).fit(X[:half], y[:half])
    np.testing.assert_allclose(
        found.predict_proba(X[half:]), expected.predict_proba(X[half:]), rtol=0, atol=1e-4
    )
    assert np.isfinite(found.temperatures_).all()


def test_weights_are_the_likeliest():
    """The weights maximise the mean log-likelihood, as a search without slopes finds it."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 400)
    scores = rng.normal(size=(3, 400, 3))
    scores[:, np.arange(400), codes] += np.array([2.0, 1.0, 0.0])[:, None]
    chances = softmax(scores, axis=2)
    found = likeliest_weights(chances, codes)

    def loss(weights):
        return -np.log(pooled(chances, weights)[np.arange(400), codes]).mean()

    expected = minimize(loss, np.ones(3), method="Nelder-Mead", options={"xatol": 1e-6})
    assert loss(found) <= expected.fun + 1e-8
    assert found[0] > found[1] > 0.1
    contrary = np.stack([chances[0], chances[0][:, [1, 2, 0]]])
    assert likeliest_weights(contrary, codes)[1] < 0.1 * found[0]


def test_pool_is_a_weighted_product():
    """Two opinions by their formula; a model that excludes a class has no veto."""
    chances = np.array([[[0.5, 0.3, 0.2]], [[0.1, 0.6, 0.3]]])
    product = chances[0] ** 2 * chances[1] ** 0.5
    np.testing.assert_allclose(pooled(chances, np.array([2, 0.5])), product / product.sum())
    veto = np.array([[[0.999, 0.001, 0.0]], [[0.0, 0.01, 0.99]]])
    assert pooled(veto, np.array([0.5, 2.0])).argmax() == 2
    assert np.isnan(pooled(np.full((2, 1, 3), np.nan), np.ones(2))).all()


def test_temperature_is_the_likeliest():
    """No temperature of a fine grid has a lower loss."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 200)
    margins = 5 * rng.normal(size=(200, 4))
    margins[np.arange(200), codes] += 6

    def loss(temperature):
        return -np.log(as_probabilities(margins, temperature)[np.arange(200), codes]).mean()

    found = temperature_of(margins, codes)
    assert loss(found) <= min(map(loss, np.geomspace(0.3, 100, 400))) + 1e-9


def test_answers_are_out_of_fold(digits):
    """No image is asked about by a model that learnt from it: labels by chance stay chance.

    A model that had seen the image would know its label, as the planted one does.
    """
    X, _ = digits
    y = np.random.default_rng(0).integers(0, 2, len(X))
    splits = inner_splits(5, y, None, 0)
    nearest = [(KNeighborsClassifier(1), "predict_proba")]
    (honest,) = out_of_fold(nearest, X, y, np.array([0, 1]), splits, None)
    leaking = [(np.union1d(learn, ask), ask) for learn, ask in splits]
    (planted,) = out_of_fold(nearest, X, y, np.array([0, 1]), leaking, None)
    assert abs((honest.argmax(axis=1) == y).mean() - 0.5) < 0.1
    assert (planted.argmax(axis=1) == y).mean() == 1


def test_each_answer_is_computed_once(digits):
    """Temperatures, weights and accuracies share one fit for each fold, and one on all images."""
    X, y = digits

    class Counting(GaussianNB):
        fits: ClassVar[list[int]] = []  # of all clones

        def fit(self, X, y):
            self.fits.append(len(X))
            return super().fit(X, y)

    EnsembleClassifier([("a", Counting(var_smoothing=0.01)), ("b", LinearSvm())], method="stack",
                       cv=FOLDS).fit(X[:300], y[:300])  # fmt: skip
    assert Counting.fits == [200, 200, 200, 300]


@pytest.mark.parametrize("method", METHODS)
def test_pipelines_of_images(pictures, method, tmp_path):
    """Pipelines with and without probabilities join, whatever the images; the model saves."""
    pixels, labels = pictures
    model = ensemble(method).fit(pixels[:160], labels[:160])
    chances = model.predict_proba(pixels[160:])
    assert chances.shape == (80, 10)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (model.predict(pixels[160:]) == labels[160:]).mean() > 0.8
    for other in (
        pickle.loads(pickle.dumps(model)),
        load_model(save_model(model, tmp_path / "m")),
        clone(model).set_params(n_jobs=3).fit(list(pixels[:160]), list(labels[:160])),
    ):
        np.testing.assert_array_equal(other.predict_proba(list(pixels[160:])), chances)
    found = classify(model, pixels[160:])
    np.testing.assert_array_equal(found.probabilities, chances)
    np.testing.assert_array_equal(found.labels, model.predict(pixels[160:]))
    assert evaluate(model, pixels[160:], labels[160:]).accuracy == model.score(
        pixels[160:], labels[160:]
    )


@pytest.mark.parametrize("method", METHODS)
def test_unreadable_images(pictures, method, tmp_path):
    """A file that is no image has a row of NaN and no label, and fit refuses it."""
    pixels, labels = pictures
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    model = ensemble(method).fit(pixels[:100], labels[:100])
    images = ImageSequence([*pixels[100:103], broken], on_error="mark")
    with pytest.warns(UserWarning, match="broken"):
        chances = model.predict_proba(images)
    np.testing.assert_array_equal(np.isnan(chances).all(axis=1), [False, False, False, True])
    np.testing.assert_allclose(chances[:3], model.predict_proba(pixels[100:103]), atol=1e-9)
    with pytest.warns(UserWarning, match="broken"):
        found = classify(model, images)
    assert found.labels[3] is None
    np.testing.assert_array_equal(found.unreadable, [False, False, False, True])
    with pytest.warns(UserWarning, match="broken"), pytest.raises(ImageError, match="1 of 4"):
        model.predict(images)
    with pytest.warns(UserWarning, match="broken"):
        assert np.isnan(model.predict_proba(images[3:])).all()


def test_cross_evaluate_and_search(pictures):
    """Ensembles go through both; a search reaches the parameters of their models."""
    pixels, labels = pictures
    result = cross_evaluate(ensemble("weighted"), pixels, labels, cv=2)
    assert result.accuracy > 0.8
    assert result.probabilities.shape == (240, 10)
    grid = {"method": ["average", "vote"], "hog__classifier__C": [0.01, 10.0]}
    search = GridSearchCV(ensemble("average"), grid, cv=2, error_score="raise")
    search.fit(ImageSequence(pixels), labels)
    assert search.best_params_["hog__classifier__C"] == 10.0


def test_as_the_classifier_of_a_pipeline(pictures):
    """Of models of rows it follows features, of models of images it follows the images."""
    pixels, labels = pictures
    rows = EnsembleClassifier([("svm", SVC(C=10)), ("knn", KNeighborsClassifier())], cv=3)
    model = build_pipeline("hog", rows, image_size=(16, 16)).fit(pixels[:160], labels[:160])
    assert list(model.named_steps) == ["images", "features", "scaler", "classifier"]
    assert classify(model, pixels[160:]).probabilities.shape == (80, 10)
    model = build_pipeline(None, ensemble("vote")).fit(pixels[:160], labels[:160])
    assert model.score(pixels[160:], labels[160:]) > 0.8


def test_groups_stay_together(digits):
    """A splitter of groups gets them: no group is on both sides, and repeats do not flatter."""
    X, _ = digits
    y = np.random.default_rng(0).integers(0, 2, 150).repeat(2)
    X, groups = X[:150].repeat(2, axis=0), np.arange(150).repeat(2)
    nearest = [("one", KNeighborsClassifier(1))]
    apart = EnsembleClassifier(nearest, method="weighted").fit(X, y)
    assert apart.out_of_fold_accuracies_[0] > 0.85
    cv = StratifiedGroupKFold(5)
    together = EnsembleClassifier(nearest, method="weighted", cv=cv).fit(X, y, groups=groups)
    assert together.out_of_fold_accuracies_[0] < 0.65


def test_weights_follow_what_models_are_worth(digits):
    """A model that knows nothing gets no weight."""
    X, y = digits
    models = [("machine", LinearSvm(C=0.1)), ("blind", KNeighborsClassifier(300))]
    model = EnsembleClassifier(models, method="weighted", cv=2).fit(X, y)
    assert model.weights_[0] > 0.95
    np.testing.assert_array_equal(model.out_of_fold_accuracies_ > 0.5, [True, False])


def test_class_weight_may_name_labels(digits):
    """Labels reach the models as they are: scikit-learn's ensembles encode them."""
    X, y = digits
    models = [("svm", SVC(C=10, class_weight={"digit 3": 5.0}))]
    assert EnsembleClassifier(models, cv=3).fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.8


def test_a_class_that_a_fold_lacks(digits):
    """Folds by hand may lack a class: it is improbable there, and nothing shifts."""
    X, y = digits
    order = np.argsort(y[:300], kind="stable")
    X, y = X[:300][order], y[:300][order]
    cut = int((y < "digit 1").sum())
    halves = [(np.arange(cut, 300), np.arange(cut)), (np.arange(cut), np.arange(cut, 300))]
    with pytest.raises(ValueError, match="class"):
        EnsembleClassifier([("svm", LinearSvm())], cv=halves).fit(X, y)
    thirds = [(np.flatnonzero(np.arange(300) % 3 != i), np.flatnonzero(np.arange(300) % 3 == i))
              for i in range(3)]  # fmt: skip
    thirds[0] = (thirds[0][0][y[thirds[0][0]] != "digit 9"], thirds[0][1])
    for method in ("average", "weighted", "stack"):
        model = EnsembleClassifier(
            [("svm", LinearSvm()), *probabilistic()], method=method, cv=thirds
        )
        assert model.fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "median"}, "unknown method 'median'"),
        ({"models": []}, "expected a list of"),
        ({"models": [SVC()]}, "expected a list of"),
        ({"models": [("a", SVC()), ("a", SVC())]}, "differ from each other"),
        ({"models": [("cv", SVC())]}, "differ from each other"),
        ({"models": [("a", Silent())]}, "Silent has neither .* use method='vote'"),
        ({"cv": 40}, "found cv=40 and .* expected 2 folds or more"),
        ({"cv": [(np.arange(100), np.arange(100, 200))]}, "never or more than once"),
    ],
)
def test_what_is_refused(digits, options, message):
    """Wrong parameters get a sentence that says what to do."""
    X, y = digits[0][:300], digits[1][:300]
    with pytest.raises(ParameterError, match=message):
        EnsembleClassifier(**{"models": [("a", SVC())], **options}).fit(X, y)


def test_one_class_is_refused(digits):
    """There is nothing to tell apart."""
    with pytest.raises(ParameterError, match="add images of another class"):
        EnsembleClassifier(probabilistic()).fit(digits[0][:5], ["a"] * 5)
