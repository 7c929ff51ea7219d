"""The comparison with peers: what it reports, and that it sees a goal that is missed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers import __main__ as peers
from benchmarks.peers._rows import Goal, Row, Work, floor_seconds, missed

BENCHMARKS = Path(peers.__file__).parents[1]


def figures(**changes):
    return {
        "title": "work",
        "milliseconds": {"classicvis": 2.0, "peer": 6.0},
        "times_faster": {"peer": 3.0},
        "goals": {"peer": {"must": 2, "aim": 4}},
        "differences": {"largest difference": 1e-7},
        "limits": {"largest difference": 1e-6},
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"times_faster": {"peer": 1.9}}, "work: 1.90x peer, must be 2x"),
        ({"times_faster": {"peer": float("nan")}}, "work: nanx peer, must be 2x"),
        (
            {"differences": {"largest difference": 1e-5}},
            "work: largest difference is 1e-05, must be 1e-06",
        ),
    ],
)
def test_a_missed_goal_is_named(changes, sentence):
    """Too slow, or too different, gives a sentence; what is reached gives none."""
    assert missed(figures()) == []
    assert missed(figures(**changes)) == [sentence]


def test_a_row_measures_what_it_promises():
    """A row's figures hold times, ratios, goals, floor, differences, and can be printed."""
    row = Row(
        title="sums",
        ours=lambda: sum(range(10)),
        peers={"a longer sum": lambda: sum(range(100_000))},
        work=Work(n_bytes=80, operations=10, scatters=1),
        goals={"a longer sum": Goal(2, 1e9)},
        differences=lambda: {"difference": 0.0},
        limits={"difference": 0.0},
        n_items=10,
        item="number",
    )
    measured = row.measure(runs=3)
    assert missed(measured) == []
    assert measured["times_faster"]["a longer sum"] > 2
    assert measured["numbers_per_second"] > 0
    assert measured["times_the_floor"] > 0
    printed = peers.text(measured)
    assert "must 2x, aim 1e+09x" in printed
    assert "difference: 0, at most 0" in printed


def test_the_floor_grows_with_the_work():
    """Ten times the work takes about ten times as long at each measured rate."""
    little = floor_seconds(Work(0, 1e6, 1e5))
    much = floor_seconds(Work(0, 1e7, 1e6))
    for part in ("operations", "scatters"):
        assert much[part] == pytest.approx(10 * little[part])


@pytest.mark.parametrize("name", peers.FILES)
def test_every_file_offers_rows(name):
    """Each file of the package has rows for one core, or measures the whole machine."""
    module = importlib.import_module(f"benchmarks.peers.{name}")
    assert hasattr(module, "rows") != hasattr(module, "measure")


def test_an_unknown_name_is_refused():
    """A name that is no file of the package gets a sentence with those that are."""
    command = [sys.executable, "-m", "benchmarks.peers", "surf"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=BENCHMARKS.parent)
    assert run.returncode == 2
    assert "found surf, expected" in run.stderr


@pytest.mark.slow
def test_asv_accepts_the_suites():
    """Airspeed velocity discovers and checks every suite."""
    command = [sys.executable, "-m", "asv", "check", "--python=same"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=BENCHMARKS)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No problems found" in run.stdout + run.stderr
