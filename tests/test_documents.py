"""README and docs show figures that the committed results hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tables import (
    RESULTS,
    accuracy_table,
    audit_table,
    comparison_table,
    deep_table,
    false_alarm_table,
    peers_table,
    table,
    throughput_table,
)

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ("README.md", table()),
        ("docs/benchmarks.md", table()),
        ("docs/benchmarks.md", peers_table()),
        ("docs/audit.md", audit_table()),
        ("docs/comparing.md", comparison_table()),
        ("docs/comparing.md", false_alarm_table()),
        ("docs/choosing.md", accuracy_table()),
        ("docs/svm_or_cnn.md", deep_table()),
        ("docs/transfer_learning.md", throughput_table()),
    ],
)
def test_figures_come_from_the_results(document, lines):
    """The tables are those that ``python -m benchmarks.tables`` prints."""
    assert lines in (ROOT / document).read_text(encoding="utf-8")


def test_results_name_their_machine():
    """Every results file says versions, processor and date."""
    import json

    for path in RESULTS.glob("*.json"):
        environment = json.loads(path.read_text(encoding="utf-8"))["environment"]
        assert {"date", "python", "packages", "cpu", "cores"} <= set(environment)
