"""What is wrong with a data set before a model learns it: duplicates, quality, labels."""

import sys
from types import ModuleType
from typing import Any

from classicvis.audit._audit import audit
from classicvis.audit._duplicates import DuplicatePair, groups_of, near_duplicates
from classicvis.audit._label_errors import LabelError, find_label_errors
from classicvis.audit._quality import QualityIssue
from classicvis.audit._result import Audit

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


class _CallableModule(ModuleType):
    """Lets ``classicvis.audit(...)`` work whichever of function and module the name is bound to.

    Importing this package binds the name in `classicvis` to the module, as it does for every one.
    """

    def __call__(self, *args: Any, **options: Any) -> Audit:
        return audit(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
