"""`evaluate`: the figures, the labels, the unreadable images."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics
from sklearn.svm import SVC

from classicvis.evaluation import Evaluation, evaluate
from classicvis.exceptions import ImageError, MissingDependencyError, ParameterError
from classicvis.images import ImageSequence

# six images: true 0 0 0 1 1 2, predicted 0 0 1 1 1 0
Y = [0, 0, 0, 1, 1, 2]
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.5, 0.3, 0.2],
        [0.2, 0.7, 0.1],
        [0.1, 0.9, 0.0],
        [0.2, 0.6, 0.2],
        [0.9, 0.0, 0.1],
    ]
)


def test_figures_worked_out_by_hand(oracle):
    """Every figure of a case of six images equals what pencil and paper give."""
    result = evaluate(oracle(), PROBABILITIES, Y)
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.balanced_accuracy == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert_allclose(result.precision, [2 / 3, 2 / 3, 0])
    assert_allclose(result.recall, [2 / 3, 1, 0])
    assert_allclose(result.f1, [2 / 3, 0.8, 0])
    assert_array_equal(result.support, [3, 2, 1])
    assert_allclose(result.macro_average, [4 / 9, 5 / 9, (2 / 3 + 0.8) / 3])
    assert_allclose(result.weighted_average, [5 / 9, 4 / 6, 0.6])
    assert_array_equal(result.confusion_matrix, [[2, 1, 0], [0, 2, 0], [1, 0, 0]])
    of_true = np.array([0.8, 0.5, 0.2, 0.9, 0.6, 0.1])
    assert result.log_loss == pytest.approx(-np.log(of_true).mean())
    assert_allclose(result.confidences, [0.8, 0.5, 0.7, 0.9, 0.6, 0.9])
    assert_array_equal(result.mistakes, [5, 2])  # the most confident first
    assert result.confusions() == [("0", "1", 1), ("2", "0", 1)]
    assert result.n_samples == 6


def test_figures_are_those_of_scikit_learn(svm, digits):
    """On real pictures the figures equal the functions of sklearn.metrics."""
    images, target = digits
    result = evaluate(svm, images[150:], target[150:])
    predicted = svm.predict(images[150:])
    assert_array_equal(result.y_pred, predicted)
    assert 0.5 < result.accuracy < 1
    assert result.accuracy == metrics.accuracy_score(target[150:], predicted)
    expected = metrics.balanced_accuracy_score(target[150:], predicted)
    assert result.balanced_accuracy == pytest.approx(expected)
    assert_array_equal(result.confusion_matrix, metrics.confusion_matrix(target[150:], predicted))
    report = metrics.classification_report(target[150:], predicted, output_dict=True)
    assert_allclose(result.f1, [report[str(i)]["f1-score"] for i in range(10)])
    assert result.macro_average.f1 == pytest.approx(report["macro avg"]["f1-score"])
    assert result.weighted_average.f1 == pytest.approx(report["weighted avg"]["f1-score"])
    assert result.log_loss is None
    assert result.probabilities is None
    assert result.predict_seconds > 0


def test_margin_is_the_confidence_of_a_model_without_probabilities(svm, digits):
    """Without probabilities confidence is the lead over the next class in decision value."""
    images, target = digits
    result = evaluate(svm, images[150:], target[150:])
    ordered = np.sort(svm.decision_function(images[150:]), axis=1)
    assert_allclose(result.confidences, ordered[:, -1] - ordered[:, -2])


def test_margin_of_two_classes(make_pixel_pipeline, digits):
    """With two classes the margin is the absolute value of the decision function."""
    images, target = digits
    images, target = images[target < 2], target[target < 2]
    model = make_pixel_pipeline(SVC(kernel="linear", C=1e-5)).fit(images[:20], target[:20])
    result = evaluate(model, images, target)
    assert_allclose(result.confidences, np.abs(model.decision_function(images)))
    assert_allclose(result.scores[:, 1] - result.scores[:, 0], model.decision_function(images))


def test_one_vs_one_values_give_no_confidence(make_pixel_pipeline, digits):
    """Decision values of pairs of classes are no scores of classes: confidence is NaN."""
    images, target = digits
    model = make_pixel_pipeline(SVC(decision_function_shape="ovo")).fit(images, target)
    result = evaluate(model, images, target)
    assert result.scores is None
    assert np.isnan(result.confidences).all()
    assert "accuracy" in result.summary()


def test_label_unseen_in_training(oracle):
    """A true class that the model does not know counts as missed, without a warning."""
    result = evaluate(oracle(), PROBABILITIES, [0, 0, 7, 1, 1, 2])
    assert_array_equal(result.classes, [0, 1, 2, 7])
    assert_array_equal(result.confusion_matrix[3], [0, 1, 0, 0])
    assert result.recall[3] == 0
    assert_array_equal(result.probabilities[:, 3], 0)
    of_true = np.array([0.8, 0.5, np.finfo(float).eps, 0.9, 0.6, 0.1])
    assert result.log_loss == pytest.approx(-np.log(of_true).mean())


def test_class_of_the_model_that_does_not_occur(oracle):
    """A class that is neither true nor predicted has a column and weighs in no average."""
    result = evaluate(oracle(), PROBABILITIES[:5], Y[:5])
    assert_array_equal(result.classes, [0, 1, 2])
    assert result.confusion_matrix.shape == (3, 3)
    expected = metrics.f1_score(Y[:5], [0, 0, 1, 1, 1], average="macro")
    assert result.macro_average.f1 == pytest.approx(expected)
    assert [row[0] for row in result.rows()] == ["0", "1", "macro average", "weighted average"]
    assert "1 more class" in result.summary()


@pytest.mark.parametrize(
    "classes", [("ant", "bee", "cat"), ("猫", "狗", "鸟"), (-4, 9, 10), (False, True)]
)
@pytest.mark.parametrize("container", [list, np.array, pd.Series, lambda y: np.array(y, object)])
def test_kinds_of_labels(oracle, classes, container):
    """Strings in any script, integers and booleans work, in every usual container."""
    classes = tuple(sorted(classes))
    y = [classes[i] for i in (0, 0, 0, 1, 1, 1)]
    probabilities = PROBABILITIES[:, : len(classes)]
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    result = evaluate(oracle(classes), probabilities, container(y))
    assert result.classes.tolist() == list(classes)
    assert result.target_names == tuple(map(str, classes))
    assert result.accuracy == pytest.approx(4 / 6)
    assert json.loads(json.dumps(result.to_dict()))["classes"][0]["label"] == classes[0]


@pytest.mark.parametrize(
    ("classes", "names", "expected"),
    [
        ((0, 1, 2), ["a", "b", "c"], ("a", "b", "c")),
        ((0, 2, 3), ["a", "b", "c", "d"], ("a", "c", "d")),  # indexed by label
        ((5, 6, 7), ["a", "b", "c"], ("a", "b", "c")),  # in sorted order
        (("x", "y", "z"), ["a", "b", "c"], ("a", "b", "c")),
        (("x", "y", "z"), {"y": "why"}, ("x", "why", "z")),
        (("x", "y", "z"), np.array(["a", "b", "c"]), ("a", "b", "c")),
    ],
)
def test_target_names(oracle, classes, names, expected):
    """Names go by integer label, by sorted order, or by a mapping."""
    y = np.array(classes)[Y]
    result = evaluate(oracle(classes), PROBABILITIES, y, target_names=names)
    assert result.target_names == expected
    assert result.name_of(result.y_true)[0] == expected[0]


@pytest.mark.parametrize(
    ("y", "names", "message"),
    [
        ([0, 1], None, "2 labels for 6 images"),
        ([[0]] * 6, None, r"shape \(6, 1\)"),
        (["a"] * 6, None, "trained on"),
        ([0, 1, 2, 0, 1, np.nan], None, "missing or of mixed types"),
        ([0, 1, 2, 0, 1, None], None, "missing or of mixed types"),
        (Y, ["a", "b"], "2 target_names for 3 classes"),
    ],
)
def test_wrong_labels(oracle, y, names, message):
    """Labels or names that do not fit are refused in a sentence."""
    with pytest.raises(ParameterError, match=message):
        evaluate(oracle(), PROBABILITIES, y, target_names=names)


def test_nothing_to_evaluate(oracle):
    """No image at all is an error, not a division by zero."""
    with pytest.raises(ParameterError, match="no image"):
        evaluate(oracle(), PROBABILITIES[:0], [])


def test_unreadable_images_are_listed_and_not_counted(svm, digits):
    """Images that cannot be read are left out of the figures and named with the reason."""
    images, target = digits
    sources = [*images[150:170], b"no image", *images[170:180]]
    y = [*target[150:170], 3, *target[170:180]]
    result = evaluate(svm, ImageSequence(sources, on_error="mark"), y)
    whole = evaluate(svm, images[150:180], target[150:180])
    assert result.n_samples == 30
    assert result.accuracy == whole.accuracy
    assert_array_equal(result.y_pred, whole.y_pred)
    assert_array_equal(result.indices, [*range(20), *range(21, 31)])
    assert [entry.path for entry in result.skipped] == ["image 20"]
    assert len(result.skipped[0].reason) > 10
    assert "1 image could not be read" in result.summary()
    assert result.skipped[0].reason in result.summary()


def test_no_image_can_be_read(svm):
    """If nothing can be read there are no figures, but the first reason."""
    with pytest.raises(ImageError, match="none of the 2 images"):
        evaluate(svm, ImageSequence([b"a", b"b"], on_error="mark"), [0, 1])


def test_summary_is_aligned_in_every_script(oracle):
    """The columns of the table stay aligned beside Chinese and very long names."""
    names = ["猫猫猫", "dog", "a name of a class that is far too long for any table " * 3]
    lines = evaluate(oracle(), PROBABILITIES, Y, target_names=names).summary().splitlines()
    rows = [line for line in lines if line.endswith(("images", " 3", " 2", " 1", " 6"))][-6:]
    wide = [len(line) + sum("\u4e00" <= c <= "\u9fff" for c in line) for line in rows]
    assert len(set(wide)) == 1
    assert max(wide) < 100


def test_to_frame(oracle):
    """The frame holds the classes by name, then the averages."""
    frame = evaluate(oracle(), PROBABILITIES, Y, target_names=["a", "b", "c"]).to_frame()
    assert list(frame.index) == ["a", "b", "c", "macro average", "weighted average"]
    assert list(frame.columns) == ["precision", "recall", "f1", "support"]
    assert frame.loc["b", "f1"] == pytest.approx(0.8)
    assert frame.loc["weighted average", "f1"] == pytest.approx(0.6)
    assert frame["support"].tolist() == [3, 2, 1, 6, 6]


def test_missing_pandas_is_named(oracle, monkeypatch):
    """Without pandas the error names the package and how to get it."""
    result = evaluate(oracle(), PROBABILITIES, Y)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="pip install pandas"):
        result.to_frame()


def test_to_dict_is_plain_json(oracle):
    """The dict survives JSON unchanged, without NaN."""
    record = evaluate(oracle(), PROBABILITIES, Y).to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["confusion_matrix"] == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_evaluation_cannot_be_changed(oracle):
    """An evaluation is a record: its figures cannot be assigned."""
    result = evaluate(oracle(), PROBABILITIES, Y)
    assert isinstance(result, Evaluation)
    with pytest.raises(AttributeError):
        result.accuracy = 1.0
    assert "accuracy 0.6667" in repr(result)


def test_optional_packages_are_imported_late():
    """Figures and summary need neither matplotlib nor Jinja2 nor pandas."""
    code = (
        "import sys\n"
        "for name in ('matplotlib', 'jinja2', 'pandas'): sys.modules[name] = None\n"
        "from sklearn.dummy import DummyClassifier\n"
        "from classicvis.evaluation import evaluate\n"
        "del sys.modules['pandas']\n"
        "model = DummyClassifier().fit([[0]] * 3, [1, 1, 2])\n"
        "print(evaluate(model, [[0]] * 3, [1, 1, 2]).accuracy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == f"{2 / 3}", done.stderr
