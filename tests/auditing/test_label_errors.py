"""Confident learning against a naive twin, and planted wrong labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from classicvis import find_label_errors
from classicvis.auditing._judge import LeastSquaresJudge
from classicvis.exceptions import ParameterError


def naive(y, table, min_odds):
    """Prune by class as in the paper, one image at a time; y are columns."""
    n_classes = len(table[0])
    threshold = [
        sum(row[k] for row, label in zip(table, y, strict=True) if label == k) / y.count(k)
        if k in y else float("inf") for k in range(n_classes)
    ]  # fmt: skip
    joint = [[0] * n_classes for _ in range(n_classes)]
    for row, label in zip(table, y, strict=True):
        sure = [k for k in range(n_classes) if row[k] >= threshold[k]]
        if sure:
            joint[label][max(sure, key=lambda k: row[k])] += 1
    suspects = set()
    for k in range(n_classes):
        if not sum(joint[k]):
            continue
        n_wrong = round((sum(joint[k]) - joint[k][k]) / sum(joint[k]) * y.count(k))
        members = sorted((i for i in range(len(y)) if y[i] == k), key=lambda i: table[i][k])
        for i in members[:n_wrong]:
            best = max(table[i])
            if table[i].index(best) != k and best >= min_odds * table[i][k]:
                suspects.add(i)
    return suspects


@pytest.mark.parametrize("min_odds", [1, 2, 20])
@pytest.mark.parametrize("seed", range(5))
def test_equals_the_naive_twin(seed, min_odds):
    """Random probabilities that know something of random labels, one class without a label."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, 200)
    table = rng.dirichlet(np.full(5, 0.4), 200)
    table[np.arange(200), y] += 0.5
    table /= table.sum(axis=1, keepdims=True)
    found = find_label_errors(y, table, range(5), min_odds=min_odds)
    assert {entry.image for entry in found} == naive(y.tolist(), table.tolist(), min_odds)
    assert [entry.odds for entry in found] == sorted((e.odds for e in found), reverse=True)
    for entry in found:
        assert entry.given == y[entry.image]
        assert entry.suggested == table[entry.image].argmax()


def test_labels_may_be_text():
    """One clear error among labels in Chinese."""
    y = ["猫"] * 5 + ["狗"] * 5
    table = np.array([[0.02, 0.98]] * 4 + [[0.99, 0.01]] + [[0.98, 0.02]] * 5)
    (entry,) = find_label_errors(y, table)
    assert entry[:3] == (4, "猫", "狗")
    assert entry.odds == pytest.approx(99)


@pytest.mark.parametrize(
    ("y", "table", "options", "message"),
    [
        ([0, 1], np.eye(3)[:2], {}, r"shape \(2, 3\), expected finite ones of shape \(2, 2\)"),
        ([0, 1], np.full((2, 2), np.nan), {}, "finite"),
        ([0, 2], np.eye(2), {"classes": [0, 1]}, "not in classes"),
        ([0, 1], np.eye(2), {"min_odds": 0.5}, "min_odds=0.5"),
    ],
)
def test_wrong_input_is_one_sentence(y, table, options, message):
    """Shapes, labels and odds that do not fit."""
    with pytest.raises(ParameterError, match=message):
        find_label_errors(y, table, **options)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.data / 16, data.target


def test_the_judge_learns(digits):
    """As right as scikit-learn's SVM on digits, with probabilities that mean what they say."""
    X, y = digits
    judge = LeastSquaresJudge().fit(X[:900], y[:900])
    right = judge.predict(X[900:]) == y[900:]
    assert right.mean() > SVC().fit(X[:900], y[:900]).score(X[900:], y[900:]) - 0.01
    probabilities = judge.predict_proba(X[900:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert -np.log(probabilities[np.arange(len(right)), y[900:]]).mean() < 0.25


def test_left_out_outputs_are_those_of_training_without(digits, monkeypatch):
    """The closed form equals n trainings without one image each, at the same mean of targets."""
    from classicvis.auditing import _judge

    X, y = digits[0][:40], digits[1][:40] % 3
    seen = []
    monkeypatch.setattr(_judge, "_sharpness", lambda outputs, codes: seen.append(outputs) or 1.0)
    LeastSquaresJudge().fit(X, y)
    scale = 1 / (X.shape[1] * X.var())
    kernel = np.exp(-scale * ((X[:, None] - X[None]) ** 2).sum(-1))
    targets = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    mean = targets.mean(axis=0)
    for i in (0, 17, 39):
        rest = np.arange(40) != i
        weights = np.linalg.solve(kernel[np.ix_(rest, rest)] + np.eye(39), targets[rest] - mean)
        np.testing.assert_allclose(seen[0][i], kernel[i, rest] @ weights + mean, atol=1e-6)


def test_planted_errors_are_found(digits):
    """5 % wrong labels of digits: precision above 0.9, recall above 0.7."""
    from sklearn.model_selection import cross_val_predict

    X, y = digits[0][:900], digits[1][:900]
    rng = np.random.default_rng(3)
    wrong = rng.permutation(900)[:45]
    labels = y.copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, 45)) % 10
    table = cross_val_predict(LeastSquaresJudge(), X, labels, cv=5, method="predict_proba")
    found = {entry.image for entry in find_label_errors(labels, table)}
    n_right = len(found & set(wrong.tolist()))
    assert n_right > 0.9 * len(found)
    assert n_right > 0.7 * len(wrong)
