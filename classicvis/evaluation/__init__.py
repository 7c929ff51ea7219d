"""What a fitted model scores, what it costs and where it fails."""

from classicvis.evaluation._classify import Classification, classify
from classicvis.evaluation._cross_evaluate import cross_evaluate
from classicvis.evaluation._evaluate import evaluate
from classicvis.evaluation._evaluation import Average, Confusion, Evaluation
from classicvis.evaluation._explain import Explanation, explain

__all__ = [
    "Average",
    "Classification",
    "Confusion",
    "Evaluation",
    "Explanation",
    "classify",
    "cross_evaluate",
    "evaluate",
    "explain",
]
