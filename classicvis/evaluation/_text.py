"""The figures as plain text."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classicvis.evaluation._evaluation import Evaluation

_MAX_NAME = 40
_MAX_SKIPPED = 10


def summary(result: Evaluation) -> str:
    """Return the figures, the classes, the confusions and the unreadable images as text."""
    parts = ["\n".join(f"{name:<18}{value}" for name, value in headline(result)), _classes(result)]
    confusions = result.confusions()
    if confusions:
        width = len(str(confusions[0].n_images))
        parts.append(
            "Most frequent confusions (true -> predicted)\n"
            + "\n".join(f"  {c.n_images:>{width}}  {c.true} -> {c.predicted}" for c in confusions)
        )
    if result.skipped:
        parts.append(_skipped(result))
    return "\n\n".join(parts) + "\n"


def headline(result: Evaluation) -> list[tuple[str, str]]:
    """Return the figures of the whole as (name, value) pairs of text."""
    pairs = [
        ("images", f"{result.n_samples}"),
        ("accuracy", f"{result.accuracy:.4f}"),
        ("balanced accuracy", f"{result.balanced_accuracy:.4f}"),
        ("macro F1", f"{result.macro_average.f1:.4f}"),
    ]
    folds = result.fold_accuracies
    if folds is not None:
        spread = f"{folds.mean():.4f} (lowest {folds.min():.4f}, highest {folds.max():.4f})"
        pairs.insert(2, (f"over {len(folds)} folds", spread))
    if result.log_loss is not None:
        pairs.append(("log loss", f"{result.log_loss:.4f}"))
    per_image = 1e3 * result.predict_seconds / (result.n_samples + len(result.skipped))
    seconds = f"{result.predict_seconds:.3g} s, {per_image:.3g} ms per image"
    pairs.append(("time to predict", seconds))
    return pairs


def shortened(name: str, width: int = _MAX_NAME) -> str:
    """Return a name on one line, with the middle left out where it is too wide."""
    name = " ".join(name.split())
    if display_width(name) <= width:
        return name
    head, tail = name, name
    while display_width(head) > (width - 1) // 2:
        head = head[:-1]
    while display_width(tail) > width - 1 - display_width(head):
        tail = tail[1:]
    return f"{head}…{tail}"


def display_width(text: str) -> int:
    """Return how many terminal columns a text takes: 2 for a Chinese character, 0 for an accent."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def _classes(result: Evaluation) -> str:
    rows = [(shortened(row[0]), *row[1:]) for row in result.rows()]
    width = max(display_width(row[0]) for row in rows)
    lines = [f"{'class':<{width}}  precision  recall      F1  images"]
    for name, precision, recall, f1, support in rows:
        padding = " " * (width - display_width(name))
        lines.append(f"{name}{padding}  {precision:9.4f}  {recall:6.4f}  {f1:6.4f}  {support:6d}")
    lines.insert(-2, "")
    n_absent = len(result.target_names) + 2 - len(rows)
    if n_absent:
        lines.append(f"\n{n_absent} more classes of the model: no such image, never predicted")
    return "\n".join(lines)


def _skipped(result: Evaluation) -> str:
    n = len(result.skipped)
    lines = [f"{n} image{'s' * (n > 1)} could not be read and count in no figure"]
    lines += [f"  {entry.reason}" for entry in result.skipped[:_MAX_SKIPPED]]
    if n > _MAX_SKIPPED:
        lines.append(f"  and {n - _MAX_SKIPPED} more")
    return "\n".join(lines)
