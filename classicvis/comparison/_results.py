"""What a comparison found of each model and of each pair of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from classicvis.comparison._costs import Costs
from classicvis.comparison._out_of_fold import Outcome
from classicvis.evaluation import Evaluation
from classicvis.evaluation._folds import TargetNames, evaluation_of_folds, fold_accuracy
from classicvis.evaluation._statistics import (
    Interval,
    Posterior,
    accuracy_interval,
    bayesian_comparison,
    bootstrap_interval,
    corrected_resampled_ttest,
    holm,
    mcnemar,
)
from classicvis.exceptions import ClassicVisError


@dataclass(frozen=True)
class ModelResult:
    """What one model scores and costs.

    Attributes
    ----------
    name : str
        Unique in the comparison.
    evaluation : Evaluation or None
        From the out-of-fold predictions of the first repetition; None where the model failed.
    fold_accuracies : ndarray of shape (n_folds * n_repeats,)
        Accuracy on each fold, all repetitions.
    accuracy_interval, macro_f1_interval, log_loss_interval : Interval or None
        95 % confidence: Wilson's for the accuracy, the bootstrap over images (over groups of
        them, where there are groups) for the others.
    costs : Costs or None
        None where they were not asked for, or could not be measured.
    fitted : estimator or None
        The model fitted on all images, where costs were measured.
    error : str or None
        Why there is no evaluation, or no costs.
    """

    name: str
    evaluation: Evaluation | None = None
    fold_accuracies: np.ndarray = field(default_factory=lambda: np.empty(0))
    accuracy_interval: Interval | None = None
    macro_f1_interval: Interval | None = None
    log_loss_interval: Interval | None = None
    costs: Costs | None = None
    fitted: Any = field(default=None, repr=False)
    error: str | None = None

    @property
    def accuracy(self) -> float:
        """Accuracy of the evaluation; NaN without one."""
        return float("nan") if self.evaluation is None else self.evaluation.accuracy


@dataclass(frozen=True)
class PairTest:
    """Whether two models differ.

    Attributes
    ----------
    first, second : str
        Names; the first has the higher accuracy.
    difference : float
        Accuracy of the first less that of the second.
    only_first, only_second : int
        Number of images about which one of them alone is right.
    mcnemar : float
        p-value of McNemar's test on these images (mid-p).
    mcnemar_adjusted : float
        The same, adjusted for all pairs of the comparison by Holm's procedure.
    ttest : float or None
        p-value of the corrected resampled t-test over the folds; None without folds.
    posterior : Posterior or None
        Probability that the first is better, equivalent within `rope`, or worse.
    """

    first: str
    second: str
    difference: float
    only_first: int
    only_second: int
    mcnemar: float
    mcnemar_adjusted: float
    ttest: float | None
    posterior: Posterior | None


def scored(
    name: str,
    evaluation: Evaluation,
    fold_accuracies: np.ndarray,
    groups: np.ndarray | None,
    **others: Any,
) -> ModelResult:
    """Return the result of a model, with the uncertainty of its figures."""
    n = evaluation.n_samples
    true = np.searchsorted(evaluation.classes, evaluation.y_true)
    predicted = np.searchsorted(evaluation.classes, evaluation.y_pred)
    n_classes = len(evaluation.classes)
    groups = None if groups is None else groups[evaluation.indices]
    log_loss = None
    if evaluation.probabilities is not None:
        losses = _losses(evaluation.probabilities, true)
        log_loss = bootstrap_interval(lambda draw: float(losses[draw].mean()), n, groups=groups)
    return ModelResult(
        name,
        evaluation,
        fold_accuracies,
        accuracy_interval(int(evaluation.correct.sum()), n),
        bootstrap_interval(
            lambda draw: macro_f1(true[draw], predicted[draw], n_classes), n, groups=groups
        ),
        log_loss,
        **others,
    )


def result_of_folds(
    name: str,
    rounds: Sequence[Outcome],
    X: Any,
    y: np.ndarray,
    groups: np.ndarray | None,
    target_names: TargetNames,
) -> ModelResult:
    """Return the result of a model from its folds, those of each repetition."""
    error = next((outcome.error for outcome in rounds if outcome.error is not None), None)
    if error is not None:
        return ModelResult(name, error=error)
    try:
        evaluation = evaluation_of_folds(rounds[0].folds, X, y, target_names)
    except ClassicVisError as failure:  # such as: none of the images can be read
        return ModelResult(name, error=str(failure))
    accuracies = [fold_accuracy(fold, y) for outcome in rounds for fold in outcome.folds]
    return scored(name, evaluation, np.array(accuracies), groups)


def macro_f1(true: np.ndarray, predicted: np.ndarray, n_classes: int) -> float:
    """Return the mean F1 of the classes that occur, from codes of classes."""
    pairs = np.bincount(true * n_classes + predicted, minlength=n_classes**2)
    matrix = pairs.reshape(n_classes, n_classes)
    sums = matrix.sum(axis=0) + matrix.sum(axis=1)
    occurring = sums > 0
    return float(np.mean(2 * np.diag(matrix)[occurring] / sums[occurring]))


def pair_tests(
    models: Sequence[ModelResult], test_to_train: float, rope: float
) -> tuple[PairTest, ...]:
    """Return the tests of all pairs of models that have an evaluation."""
    ranked = ranking(models)
    pairs = list(combinations(ranked, 2))
    p_values = [_mcnemar(a, b) for a, b in pairs]
    tests = []
    for (a, b), p, adjusted in zip(pairs, p_values, holm(p_values), strict=True):
        only_a, only_b = _discordant(a, b)
        has_folds = len(a.fold_accuracies) > 1 and len(a.fold_accuracies) == len(b.fold_accuracies)
        differences = a.fold_accuracies - b.fold_accuracies if has_folds else np.empty(0)
        tests.append(
            PairTest(
                a.name,
                b.name,
                a.accuracy - b.accuracy,
                only_a,
                only_b,
                p,
                float(adjusted),
                corrected_resampled_ttest(differences, test_to_train) if has_folds else None,
                bayesian_comparison(differences, test_to_train, rope) if has_folds else None,
            )
        )
    return tuple(tests)


def ranking(models: Sequence[ModelResult]) -> list[ModelResult]:
    """Return the models that have an evaluation, the most accurate first, of equals the faster."""
    done = [model for model in models if model.evaluation is not None]
    return sorted(done, key=lambda model: (-model.accuracy, _latency(model)))


def _latency(model: ModelResult) -> float:
    seconds = None if model.costs is None else model.costs.latency_p50
    return np.inf if seconds is None else seconds


def test_of(tests: Sequence[PairTest]) -> Mapping[tuple[str, str], PairTest]:
    """Return the tests by the names of both models, in either order."""
    both = {(test.first, test.second): test for test in tests}
    return both | {(test.second, test.first): test for test in tests}


def _mcnemar(a: ModelResult, b: ModelResult) -> float:
    assert a.evaluation is not None
    assert b.evaluation is not None
    return mcnemar(a.evaluation.correct, b.evaluation.correct)


def _discordant(a: ModelResult, b: ModelResult) -> tuple[int, int]:
    assert a.evaluation is not None
    assert b.evaluation is not None
    right, other = a.evaluation.correct, b.evaluation.correct
    return int(np.sum(right & ~other)), int(np.sum(other & ~right))


def _losses(probabilities: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the terms of the log loss, clipped and normalised as scikit-learn does."""
    tiny = np.finfo(probabilities.dtype).eps
    clipped = np.clip(probabilities, tiny, 1 - tiny)
    own = clipped[np.arange(len(true)), true] / clipped.sum(axis=1)
    return np.asarray(-np.log(own))
