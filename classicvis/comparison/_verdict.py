"""The result of a comparison in words."""

from __future__ import annotations

from collections.abc import Sequence

from classicvis.comparison._results import ModelResult, PairTest, ranking, test_of

LEVEL = 0.05


def verdict(models: Sequence[ModelResult], tests: Sequence[PairTest]) -> str:
    """Return one or two sentences: who is best, who cannot be told from it, who is faster.

    "Cannot be told apart" means that McNemar's test, adjusted for the number of pairs, stays
    above 5 %.
    """
    ranked = ranking(models)
    if not ranked:
        return "No model could be evaluated."
    best = ranked[0]
    assert best.evaluation is not None
    n = f"these {best.evaluation.n_samples:,} images"
    if len(ranked) == 1:
        return f"{best.name} is right about {best.accuracy:.1%} of {n}."
    by_pair = test_of(tests)
    equals = [m for m in ranked[1:] if by_pair[best.name, m.name].mcnemar_adjusted >= LEVEL]
    if not equals:
        second = ranked[1]
        gap = 100 * (best.accuracy - second.accuracy)
        text = (
            f"{best.name} is the most accurate on {n}: {best.accuracy:.1%}, {gap:.1f} points above "
            f"{second.name}, more than chance explains."
        )
        return text + _cheaper(best, ranked[1:])
    names = [best.name, *(model.name for model in equals)]
    text = f"{_listed(names)} cannot be told apart on {n}"
    faster = _fastest([best, *equals])
    if faster is not None:
        text += f"; {faster}"
    rest = [model for model in ranked[1:] if model not in equals]
    if rest:
        text += f". {_listed([model.name for model in rest])} {_be(rest)} less accurate than "
        text += best.name
    return f"{text}."


def _cheaper(best: ModelResult, others: Sequence[ModelResult]) -> str:
    """Name the most accurate of those that answer at least twice as fast."""
    for model in others:
        factor = _speed(model, best)
        if factor is not None and factor >= 2:
            points = 100 * (best.accuracy - model.accuracy)
            return (
                f" {model.name} gives up {points:.1f} points and answers {_times(factor)} faster."
            )
    return ""


def _fastest(models: Sequence[ModelResult]) -> str | None:
    """Say how much faster the fastest of some equals answers than the slowest."""
    times = {m.name: m.costs.latency_p50 for m in models if m.costs and m.costs.latency_p50}
    if len(times) < 2:
        return None
    timed = sorted(times, key=times.__getitem__)
    factor = times[timed[-1]] / times[timed[0]]
    if factor < 1.2:
        return "they answer about equally fast"
    slowest = "" if len(timed) == 2 else f" than {timed[-1]}"
    return f"{timed[0]} answers {_times(factor)} faster{slowest}"


def _speed(model: ModelResult, other: ModelResult) -> float | None:
    if model.costs is None or other.costs is None:
        return None
    own, theirs = model.costs.latency_p50, other.costs.latency_p50
    return theirs / own if own and theirs else None


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor < 10 else f"{factor:.0f} times"


def _be(models: Sequence[ModelResult]) -> str:
    return "is" if len(models) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
