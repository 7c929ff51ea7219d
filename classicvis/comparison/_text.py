"""A comparison as text: cells of its tables, and the whole as a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from classicvis.comparison._results import ModelResult, PairTest
from classicvis.evaluation._text import display_width, shortened

if TYPE_CHECKING:
    from classicvis.comparison._comparison import Comparison

UNKNOWN = "–"
COLUMNS = (
    "model",
    "accuracy",
    "95 % interval",
    "macro F1",
    "log loss",
    "one image",
    "95 % within",
    "images/s",
    "to fit",
    "memory",
    "file",
)


def table(comparison: Comparison) -> list[list[str]]:
    """Return the cells of the table of models, in the order of `COLUMNS`."""
    return [cells(model) for model in comparison.models]


def cells(model: ModelResult) -> list[str]:
    """Return what is written of one model."""
    return [text for text, _ in row(model)]


def row(model: ModelResult) -> list[tuple[str, Any]]:
    """Return what is written of one model in each of `COLUMNS`, with the value to sort by."""
    result, costs = model.evaluation, model.costs
    scores: list[tuple[str, Any]] = [(UNKNOWN, None)] * 4
    if result is not None:
        interval, f1, loss = model.accuracy_interval, result.macro_average.f1, result.log_loss
        scores = [
            (f"{result.accuracy:.2%}", result.accuracy),
            (UNKNOWN, None)
            if interval is None
            else (f"{100 * interval.low:.1f} to {100 * interval.high:.1f}", interval.low),
            (f"{f1:.4f}", f1),
            (UNKNOWN if loss is None else f"{loss:.3f}", loss),
        ]
    prices: list[tuple[str, Any]] = [(UNKNOWN, None)] * 6
    if costs is not None:
        rate = costs.images_per_second
        prices = [
            (duration(costs.latency_p50), costs.latency_p50),
            (duration(costs.latency_p95), costs.latency_p95),
            (UNKNOWN if rate is None else f"{rate:,.0f}", rate),
            (duration(costs.fit_seconds), costs.fit_seconds),
            (size(costs.predict_memory), costs.predict_memory),
            (size(costs.model_bytes), costs.model_bytes),
        ]
    return [(model.name, model.name), *scores, *prices]


def duration(seconds: float | None) -> str:
    """Return a time for people: "3.1 ms", "12.4 s", "230 s", "13 min"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{_digits(1e3 * seconds)} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.0f} µs"
    return f"{_digits(seconds)} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def size(n_bytes: float | None) -> str:
    """Return a number of bytes for people: "12.3 MB"."""
    if n_bytes is None:
        return UNKNOWN
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.2f} GB"
    if n_bytes >= 1e6:
        return f"{_digits(n_bytes / 1e6)} MB"
    return f"{_digits(n_bytes / 1e3)} kB"


def _digits(value: float) -> str:
    """Return three digits: "3.1", "33.3", "333"."""
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def test_cells(test: PairTest) -> list[str]:
    """Return what is written of a pair."""
    posterior = test.posterior
    return [
        test.first,
        test.second,
        f"{100 * test.difference:+.2f}",
        f"{test.only_first} : {test.only_second}",
        p_value(test.mcnemar_adjusted),
        UNKNOWN if test.ttest is None else p_value(test.ttest),
        UNKNOWN if posterior is None else " / ".join(f"{value:.0%}" for value in posterior),
    ]


TEST_COLUMNS = (
    "more accurate",
    "than",
    "points",
    "alone right",
    "McNemar, adjusted",
    "t-test",
    "better / equal / worse",
)


def p_value(p: float) -> str:
    """Return a p-value for people."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def how(comparison: Comparison) -> str:
    """Return how the images were used, as one sentence."""
    n = f"{comparison.n_samples:,} images"
    if not comparison.n_folds:
        return f"{n} that no model has learnt from."
    again = f", drawn {comparison.n_repeats} times" if comparison.n_repeats > 1 else ""
    note = f" {comparison.note}" if comparison.note else ""
    return (
        f"{n}, each classified by a model that learnt without it ({comparison.n_folds} folds"
        f"{again}, the same for all models).{note}"
    )


def leak(comparison: Comparison) -> str | None:
    """Return what duplicates would have added, as one sentence."""
    found = comparison.leakage
    if found is None:
        return None
    points = 100 * (found.naive_accuracy - found.accuracy)
    return (
        f"{found.n_images:,} images have a near-duplicate; they were kept in one fold. A split "
        f"without regard to them would have told {found.naive_accuracy:.2%} for {found.model} "
        f"instead of {found.accuracy:.2%} ({points:+.2f} points)."
    )


def summary(comparison: Comparison) -> str:
    """Return verdict, table, tests and failures as text."""
    parts = [comparison.verdict, how(comparison), _aligned(COLUMNS, table(comparison), n_left=1)]
    if comparison.tests:
        rows = [test_cells(test) for test in comparison.tests]
        parts.append(_aligned(TEST_COLUMNS, rows, n_left=2))
    sentence = leak(comparison)
    if sentence is not None:
        parts.append(sentence)
    failed = [f"{model.name}: {model.error}" for model in comparison.models if model.error]
    if failed:
        parts.append("\n".join(failed))
    return "\n\n".join(parts) + "\n"


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]], n_left: int) -> str:
    lines = [[shortened(cell) for cell in line] for line in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    text = []
    for line in lines:
        spaces = [" " * (w - display_width(c)) for c, w in zip(line, widths, strict=True)]
        parts = [
            cell + space if i < n_left else space + cell
            for i, (cell, space) in enumerate(zip(line, spaces, strict=True))
        ]
        text.append("  ".join(parts).rstrip())
    return "\n".join(text)
