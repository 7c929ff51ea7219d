"""README and docs show figures that the committed results hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tables import RESULTS, TABLES

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(("document", "make"), TABLES)
def test_figures_come_from_the_results(document, make):
    """The tables are those that ``python -m benchmarks.tables`` writes."""
    assert make() in (ROOT / document).read_text(encoding="utf-8")


def test_results_name_their_machine():
    """Every results file says versions, processor and date."""
    import json

    for path in RESULTS.glob("*.json"):
        environment = json.loads(path.read_text(encoding="utf-8"))["environment"]
        assert {"date", "python", "packages", "cpu", "cores"} <= set(environment)
