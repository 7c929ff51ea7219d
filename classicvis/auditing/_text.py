"""The findings of an audit as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from classicvis.auditing._result import Audit

_SHOWN = 5


def summary(result: Audit) -> str:
    """Return headline, classes and the first findings of each kind."""
    parts = ["\n".join(f"{name:<22}{value}" for name, value in headline(result))]
    rows = result.rows()
    for kind in dict.fromkeys(row[0] for row in rows):
        lines = [finding(row) for row in rows if row[0] == kind]
        parts.append("\n".join([f"{kind} ({len(lines)})", *_shortened(lines)]))
    return "\n\n".join(parts) + "\n"


def headline(result: Audit) -> list[tuple[str, str]]:
    """Return the counts as (name, value) pairs of text."""
    sizes = np.bincount(result.groups) if result.n_images else np.zeros(0, int)
    pairs = [
        ("images", f"{result.n_images}"),
        ("unreadable", f"{len(result.unreadable)}"),
        ("of odd quality", f"{len({q.image for q in result.quality}) - len(result.unreadable)}"),
        ("duplicate pairs", f"{len(result.duplicates)} ({sizes[sizes > 1].sum()} images)"),
    ]
    if result.target is not None:
        counts = result.class_counts
        few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        pairs += [
            ("  of other class", f"{len(result.across_classes)}"),
            ("classes", f"{len(counts)}, from {counts[few]} ({few}) to {counts[many]} ({many})"),
        ]
    if len(set(result.subset.tolist())) > 1:
        pairs.append(("  of other subset", f"{len(result.across_subsets)}"))
    if result.label_errors is not None:
        judge = f"judge agrees with {result.label_accuracy:.1%} of the labels"
        pairs.append(("suspected labels", f"{len(result.label_errors)} ({judge})"))
    if result.label_note:
        pairs.append(("note", result.label_note))
    return pairs


def finding(row: Sequence[object]) -> str:
    """Return one finding, a row of `Audit.rows`, as a line."""
    kind, image, label, value, other, other_label, reason = row
    if kind == "label_error":
        return f"  {image}: {label}, rather {other_label} ({reason})"
    if str(kind).startswith("duplicate"):
        mark = f", {reason}" if reason else ""
        return f"  {image} = {other} ({value:.3f}{mark})"
    return f"  {image}: {reason}" if str(image) not in str(reason) else f"  {reason}"


def _shortened(lines: list[str]) -> Iterable[str]:
    more = [f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return [*lines[:_SHOWN], *more]
