"""One row of the comparison with peers, and the floor that its time is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from benchmarks._timing import interleave
from classicvis.kernels._jit import kernel


@dataclass(frozen=True)
class Goal:
    """How many times faster than a peer, or how many items a second: promised, and wanted."""

    must: float
    aim: float


@dataclass(frozen=True)
class Work:
    """The least that has to be done, counted by hand.

    Parameters
    ----------
    n_bytes : float
        Bytes of the input read once and of the output written once.
    operations : float
        Additions, multiplications, comparisons on 32-bit numbers, of the kind that a vector unit
        does many of at a time; a square root counts as 4.
    scatters : float, default=0
        Increments of a table at places that depend on the data, done one by one.
    """

    n_bytes: float
    operations: float
    scatters: float = 0


@dataclass(frozen=True)
class Row:
    """One piece of work, done by us and by others.

    Parameters
    ----------
    title : str
        What is done, on what.
    ours : callable
        Does it once.
    peers : mapping of str to callable
        The same work by others.
    work : Work
        The counted floor.
    goals : mapping of str to Goal
        By peer.
    differences : callable, optional
        Returns how far our output is from the peers', by what is compared.
    limits : mapping of str to float
        Largest allowed values of `differences`, by the same keys.
    n_items : int, default=1
        Items (images, descriptors) of one call, named by `item`.
    item : str, default="image"
        Singular.
    rate : Goal, optional
        Items per second.
    runs : int, optional
        Timed runs where the general number is too large.
    """

    title: str
    ours: Callable[[], object]
    peers: Mapping[str, Callable[[], object]]
    work: Work
    goals: Mapping[str, Goal] = field(default_factory=dict)
    differences: Callable[[], Mapping[str, float]] | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    n_items: int = 1
    item: str = "image"
    rate: Goal | None = None
    runs: int | None = None

    def measure(self, runs: int) -> dict[str, Any]:
        """Time the row and return its figures."""
        seconds = interleave({"classicvis": self.ours, **self.peers}, self.runs or runs)
        ours = seconds["classicvis"]
        floor = floor_seconds(self.work)
        figures: dict[str, Any] = {
            "title": self.title,
            "milliseconds": {name: 1e3 * value for name, value in seconds.items()},
            "times_faster": {name: seconds[name] / ours for name in self.peers},
            "goals": {
                name: {"must": goal.must, "aim": goal.aim} for name, goal in self.goals.items()
            },
            "floor_milliseconds": {name: 1e3 * value for name, value in floor.items()},
            "times_the_floor": ours / max(floor.values()),
            f"{self.item}s_per_second": self.n_items / ours,
        }
        if self.rate is not None:
            figures["rate_goal"] = {
                "of": f"{self.item}s_per_second",
                "must": self.rate.must,
                "aim": self.rate.aim,
            }
        if self.differences is not None:
            figures["differences"] = dict(self.differences())
            figures["limits"] = dict(self.limits)
        return figures


def missed(figures: Mapping[str, Any]) -> list[str]:
    """Return a sentence for every "must" that the figures of a row do not reach."""
    sentences = []
    for peer, goal in figures["goals"].items():
        reached = figures["times_faster"][peer]
        if not reached >= goal["must"]:
            sentences.append(
                f"{figures['title']}: {reached:.2f}x {peer}, must be {goal['must']:g}x"
            )
    if goal := figures.get("rate_goal"):
        reached = figures[goal["of"]]
        if not reached >= goal["must"]:
            sentences.append(
                f"{figures['title']}: {reached:.3g} {goal['of']}, must be {goal['must']:g}"
            )
    for name, limit in figures.get("limits", {}).items():
        found = figures["differences"][name]
        if not found <= limit:
            sentences.append(f"{figures['title']}: {name} is {found:.3g}, must be {limit:g}")
    return sentences


def floor_seconds(work: Work) -> dict[str, float]:
    """Return the time that each part of the work takes at this machine's measured rates.

    The parts can overlap, so that the largest one is the floor.
    """
    return {
        "bytes": _copy_seconds(work.n_bytes),
        "operations": work.operations / _operations_per_second(),
        "scatters": work.scatters / _scatters_per_second(),
    }


def _copy_seconds(n_bytes: float) -> float:
    """Time a copy that reads and writes as many bytes in all."""
    source = np.zeros(max(1, int(n_bytes / 2)), np.uint8)
    target = np.empty_like(source)
    return interleave({"copy": lambda: np.copyto(target, source)}, 15)["copy"]


@cache
def _operations_per_second() -> float:
    """Measure multiply-adds on float32 numbers in the first-level cache: two operations each."""
    values, n_loops = np.ones(1024, np.float32), 1000
    factor, summand = np.float32(0.1), np.float32(0.2)
    work = {"work": lambda: _multiply_add(values, factor, summand, n_loops)}
    per_value = 2 * 4 * 4 + 6  # multiply-adds in four chains, and what begins and ends them
    return per_value * values.size * n_loops / interleave(work)["work"]


@cache
def _scatters_per_second() -> float:
    """Measure increments of four interleaved tables, whose neighbours never wait."""
    places = np.random.default_rng(0).integers(0, 512, 1 << 16).astype(np.uint16)
    tables = np.zeros((4, 512), np.uint32)
    _increment(places, tables)
    return places.size / interleave({"scatter": lambda: _increment(places, tables)}, 15)["scatter"]


@kernel(fastmath={"contract"})  # to reassociate would be to leave out work
def _multiply_add(values, factor, summand, n_loops):
    for _ in range(n_loops):
        for i in range(values.size):
            a = values[i]
            b, c, d = a + summand, a - summand, -a
            for _ in range(4):  # four chains, as many as hide the latency
                a, b = a * factor + summand, b * factor + summand
                c, d = c * factor + summand, d * factor + summand
            values[i] = a + b + c + d


@kernel
def _increment(places, tables):
    for i in range(0, places.size, 4):
        tables[0, places[i]] += 1
        tables[1, places[i + 1]] += 1
        tables[2, places[i + 2]] += 1
        tables[3, places[i + 3]] += 1
