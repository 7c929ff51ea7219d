"""What a fitted model scores, what it costs and where it fails."""

from classicvis.evaluation._classify import Classification, classify
from classicvis.evaluation._cross_evaluate import cross_evaluate
from classicvis.evaluation._evaluate import evaluate
from classicvis.evaluation._evaluation import Average, Confusion, Evaluation

__all__ = [
    "Average",
    "Classification",
    "Confusion",
    "Evaluation",
    "classify",
    "cross_evaluate",
    "evaluate",
]
