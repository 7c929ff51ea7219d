"""Rows of networks in a results file."""

from __future__ import annotations

import json

from benchmarks.accuracy.deep import merge_json


def test_rows_are_added_to_those_that_are_there(tmp_path):
    """Measuring one row again keeps the others."""
    path = tmp_path / "deep.json"
    merge_json(path, {"a": {"accuracy": 0.5}, "b": {"accuracy": 0.6}})
    merge_json(path, {"b": {"accuracy": 0.7}})
    figures = json.loads(path.read_text())["figures"]
    assert figures == {"a": {"accuracy": 0.5}, "b": {"accuracy": 0.7}}
