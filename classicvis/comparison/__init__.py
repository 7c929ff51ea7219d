"""Which model should I ship? Models side by side on the same folds."""

from classicvis.comparison._compare import compare
from classicvis.comparison._comparison import Comparison, Leakage
from classicvis.comparison._costs import Costs
from classicvis.comparison._learning_curve import LearningCurve, learning_curve
from classicvis.comparison._results import ModelResult, PairTest
from classicvis.comparison._search import Candidate
from classicvis.comparison._tune import Tuning, tune

__all__ = [
    "Candidate",
    "Comparison",
    "Costs",
    "Leakage",
    "LearningCurve",
    "ModelResult",
    "PairTest",
    "Tuning",
    "compare",
    "learning_curve",
    "tune",
]
