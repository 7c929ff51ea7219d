"""All models on the same folds: out-of-fold predictions, tests, verdict, failures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from classicvis import ImageSequence, build_pipeline, cross_evaluate, load_image_folder
from classicvis.comparison import compare
from classicvis.comparison._out_of_fold import out_of_fold
from classicvis.evaluation._statistics import holm, mcnemar
from classicvis.exceptions import ParameterError
from tests.comparison.conftest import FailsInOneFold, Guess, small


def test_models_do_not_change_the_rows_of_others(photo_folder):
    """Rows of a vocabulary are shared; the scaler of one model works where they lie."""
    data = load_image_folder(photo_folder)
    options = {"image_size": (48, 48), "random_state": 0, "features__n_words": 20}
    scaled = build_pipeline("bovw", "linear_svm", **options)
    plain = build_pipeline("bovw", "logistic_regression", **options).set_params(scaler=None)
    how = {"cv": 2, "costs": False, "groups": None}
    together = compare({"scaled": scaled, "plain": plain}, data.images, data.labels, **how)
    alone = compare({"plain": plain}, data.images, data.labels, **how)
    np.testing.assert_array_equal(
        together["plain"].evaluation.confidences, alone["plain"].evaluation.confidences
    )


def test_predictions_are_those_of_scikit_learn(comparison, models, digits):
    """Features computed once give what cross_val_predict gives fold by fold, model by model."""
    X, y = digits
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for name in ("HOG, 线性", "HOG, neighbours"):
        expected = cross_val_predict(models[name], X, y, cv=folds)
        np.testing.assert_array_equal(comparison[name].evaluation.y_pred, expected)
        assert comparison[name].accuracy > 0.85


def test_figures_are_those_of_cross_evaluate(comparison, models, digits):
    """The evaluation of a model equals that of cross_evaluate on the same folds."""
    alone = cross_evaluate(models["HOG, neighbours"], *digits, random_state=0)
    found = comparison["HOG, neighbours"]
    assert found.evaluation.accuracy == alone.accuracy
    assert found.evaluation.log_loss == pytest.approx(alone.log_loss)
    np.testing.assert_allclose(found.fold_accuracies[:5], alone.fold_accuracies)
    assert len(found.fold_accuracies) == 10


def test_an_extractor_that_learns_is_fitted_in_each_fold(models, digits):
    """The dictionary of a fold has seen its training part only, as in a pipeline of its own."""
    X, y = digits
    model = clone(models["pixels"]).set_params(features__random_state=0)
    splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    found = out_of_fold({"a": model}, X, y, splits)["a"]
    for fold, (train, test) in zip(found.folds, splits, strict=True):
        fitted = clone(model).fit(X[train], y[train])
        scores = fitted.decision_function(X[test])
        np.testing.assert_allclose(fold.found.scores, scores, rtol=1e-5, atol=1e-6)


def test_a_union_is_the_sum_of_its_parts(digits):
    """Rows laid side by side from shared blocks are those of the union, bit for bit."""
    X, y = digits
    union = small(["hog", "color_histogram"], "linear_svm", random_state=0)
    union.set_params(features__transformer_weights={"hog": 0.3})
    splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    found = out_of_fold({"union": union, "hog": small(random_state=0)}, X, y, splits)["union"]
    for fold, (train, test) in zip(found.folds, splits, strict=True):
        scores = clone(union).fit(X[train], y[train]).decision_function(X[test])
        np.testing.assert_array_equal(fold.found.scores, scores)


def test_images_are_decoded_once_per_extractor(digits):
    """Four models over two extractors and five folds read every image twice."""
    X, y = digits
    reads = []

    def count(image):
        reads.append(1)
        return image

    names = ["linear_svm", "knn", "decision_tree"]
    models = {name: small("hog", name) for name in names} | {"c": small("color_histogram", "knn")}
    images = ImageSequence(X[:100]).map(count)
    compare(models, images, y[:100], costs=False, groups=None)
    assert len(reads) == 2 * 100 + 2  # and each extractor looks at the size of the first


@pytest.mark.parametrize("n_jobs", [2, 5])
def test_any_number_of_jobs_gives_the_same_bits(comparison, models, digits, n_jobs):
    """Threads change neither labels nor probabilities nor margins."""
    again = compare(models, *digits, costs=False, groups=None, n_repeats=2, n_jobs=n_jobs)
    for a, b in zip(comparison.models, again.models, strict=True):
        np.testing.assert_array_equal(a.evaluation.y_pred, b.evaluation.y_pred)
        for kind in ("probabilities", "scores"):
            x, z = getattr(a.evaluation, kind), getattr(b.evaluation, kind)
            assert (x is None) == (z is None)
            if x is not None:
                np.testing.assert_array_equal(x, z)
    assert again.verdict == comparison.verdict


def test_pairs_are_tested(comparison):
    """Each pair once, the more accurate first; p-values are those of the plain functions."""
    assert len(comparison.tests) == 6
    for test in comparison.tests:
        a, b = comparison[test.first].evaluation, comparison[test.second].evaluation
        assert test.difference == pytest.approx(a.accuracy - b.accuracy)
        assert test.difference >= 0
        assert test.mcnemar == mcnemar(a.correct, b.correct)
        assert test.only_first == np.sum(a.correct & ~b.correct)
        assert sum(test.posterior) == pytest.approx(1)
    adjusted = [test.mcnemar_adjusted for test in comparison.tests]
    np.testing.assert_allclose(adjusted, holm([test.mcnemar for test in comparison.tests]))


def test_intervals_hold_the_figures(comparison, digits):
    """Each interval holds its figure; macro F1 and log loss are those of scikit-learn."""
    result = comparison["HOG, neighbours"]
    assert result.accuracy_interval.low < result.accuracy < result.accuracy_interval.high
    macro = f1_score(digits[1], result.evaluation.y_pred, average="macro")
    assert result.macro_f1_interval.low < macro < result.macro_f1_interval.high
    loss = log_loss(digits[1], result.evaluation.probabilities)
    assert result.log_loss_interval.low < loss < result.log_loss_interval.high
    assert comparison["HOG, 线性"].log_loss_interval is None


def test_table_has_a_row_per_model(comparison):
    """Rows in the order given; what is not known is NaN; JSON takes it all."""
    frame = comparison.to_frame()
    assert list(frame.index) == ["HOG, 线性", "HOG, neighbours", "pixels", "guess"]
    assert frame.loc["guess", "accuracy"] == pytest.approx(0.1, abs=0.02)
    assert frame["latency_p50"].isna().all()
    assert frame["log_loss"].notna().sum() == 1
    record = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert record["models"][0]["accuracy"] == comparison.models[0].accuracy
    assert len(comparison.tests_to_frame()) == 6


def test_summary_in_words(comparison):
    """The verdict comes first; every model has a line; columns are aligned for Chinese as well."""
    text = comparison.summary()
    assert text.startswith(comparison.verdict)
    assert "300 images, each classified by a model that learnt without it (5 folds" in text
    lines = text.split("\n\n")[2].splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("HOG, 线性 ")


def test_a_model_that_fails_in_one_fold_is_reported(digits):
    """The reason is told on one line; the others finish."""
    found = compare({"fails": FailsInOneFold(), "hog": small()}, *digits, costs=False, groups=None)
    assert found["fails"].evaluation is None
    assert found["fails"].error.endswith("ValueError: no such image")
    assert found["fails"].error.startswith("fold ")
    assert found["hog"].accuracy > 0.85
    assert found.tests == ()
    assert "fails: fold" in found.summary()
    assert np.isnan(found.to_frame().loc["fails", "accuracy"])


def test_all_models_fail(digits):
    """There is no verdict and no best model, but a result."""
    found = compare([FailsInOneFold()], *digits, costs=False, groups=None)
    assert found.verdict == "No model could be evaluated."
    assert found.n_samples == 0
    with pytest.raises(ParameterError, match="no such image"):
        _ = found.best


def test_one_model_alone(digits):
    """A single name is a comparison without tests."""
    found = compare("hog + knn", *digits, costs=False, groups=None)
    assert [model.name for model in found.models] == ["hog + knn"]
    assert "hog + knn is right about" in found.verdict


def test_names_of_models(digits):
    """Strings are cleaned, pipelines named by their parts, equal names numbered."""
    X, y = digits
    found = compare(
        ["hog+knn", small(["hog", "color_histogram"], "knn"), small("hog", "knn"), Guess()],
        X[:100],
        y[:100],
        cv=2,
        costs=False,
        groups=None,
    )
    names = [model.name for model in found.models]
    assert names == ["hog + knn", "hog + color_histogram + knn", "hog + knn (2)", "Guess"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": []}, "expected a list such as"),
        ({"models": ["hog + "]}, "names joined by"),
        ({"models": ["hog + svn"]}, "svm"),
        ({"models": [3]}, "found the model 3"),
        ({"cv": 1}, "at least 2 folds"),
        ({"cv": "five"}, "'prefit'"),
        ({"n_repeats": 0}, "at least 1"),
        ({"n_repeats": 2, "cv": [([0], [1])]}, "integer"),
        ({"groups": "dup"}, "'duplicates'"),
        ({"groups": [1, 2]}, "expected one per image"),
        ({"cv": 40}, "use cv=2"),
    ],
)
def test_bad_input_is_one_sentence(digits, options, message):
    """What was found, what was expected."""
    X, y = digits
    with pytest.raises(ParameterError, match=message):
        compare(options.pop("models", ["hog + knn"]), X, y, **({"groups": None} | options))


def test_fitted_models_on_test_images(digits):
    """With "prefit" models are taken as they are, even where their classes differ."""
    X, y = digits
    whole = small("hog", "knn").fit(X[:200], y[:200])
    few = y[:200] < "5"
    part = small("hog", "linear_svm").fit(X[:200][few], y[:200][few])
    found = compare({"all": whole, "five": part}, X[200:], y[200:], cv="prefit")
    assert found["all"].accuracy == whole.score(X[200:], y[200:])
    assert found["five"].accuracy == part.score(X[200:], y[200:])
    assert found["five"].fitted is part
    assert found.tests[0].ttest is None
    assert "that no model has learnt from" in found.summary()
    with pytest.raises(ParameterError, match="unfitted"):
        compare([small()], X, y, cv="prefit")


def test_seeds_reach_every_step(digits):
    """Two runs of a model that draws random numbers are equal; its own seed stays."""
    X, y = digits
    forest = small("hog", "random_forest", classifier__n_estimators=5)
    runs = [
        compare([forest], X, y, cv=2, costs=False, groups=None, random_state=seed)
        for seed in (0, 0, 1)
    ]
    scores = [run.models[0].evaluation.probabilities for run in runs]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])
    assert forest["classifier"].random_state is None


def test_disagreements(comparison):
    """Positions where two models differ, those with one right answer first."""
    found = comparison.disagreements("HOG, 线性", "guess")
    a, b = comparison["HOG, 线性"].evaluation, comparison["guess"].evaluation
    np.testing.assert_array_equal(np.sort(found), np.flatnonzero(a.y_pred != b.y_pred))
    right = (a.correct | b.correct)[found]
    assert not right.all()
    assert list(right) == sorted(right, reverse=True)
    with pytest.raises(ParameterError, match="expected one of"):
        comparison.disagreements("HOG", "guess")


def test_repeats_need_build_pipeline_no_more(digits):
    """Any classifier of rows is compared as well, and features need no pictures."""
    X, y = digits
    rows = X.reshape(len(X), -1) / 255
    found = compare([build_pipeline(None, "knn")[-1:]], rows, y, costs=False)
    assert found.models[0].accuracy > 0.9
    assert found.groups is None
