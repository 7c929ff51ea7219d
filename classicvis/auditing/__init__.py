"""What is wrong with a data set before a model learns it: duplicates, quality, labels."""

from classicvis.auditing._audit import audit
from classicvis.auditing._duplicates import DuplicatePair, groups_of, near_duplicates
from classicvis.auditing._label_errors import LabelError, find_label_errors
from classicvis.auditing._quality import QualityIssue
from classicvis.auditing._result import Audit

__all__ = [
    "Audit",
    "DuplicatePair",
    "LabelError",
    "QualityIssue",
    "audit",
    "find_label_errors",
    "groups_of",
    "near_duplicates",
]
