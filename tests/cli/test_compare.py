"""`classicvis compare`: a table, a verdict, files."""

from __future__ import annotations

import json

import pytest

from classicvis import load_model
from classicvis.cli import main

MODELS = "color_histogram + knn, hog + linear_svm"


@pytest.mark.slow
def test_compare_writes_everything(photo_folder, tmp_path, capsys):
    """Table, tests and verdict on stdout; report, figures and the best model as files."""
    report, figures, model = tmp_path / "报告.html", tmp_path / "c.json", tmp_path / "best"
    options = ["--models", MODELS, "--cv", "3", "--report", str(report), "--json", str(figures)]
    assert main(["compare", str(photo_folder), *options, "-o", str(model)]) == 0
    out = capsys.readouterr().out
    record = json.loads(figures.read_text("utf-8"))
    assert record["verdict"] in out
    assert [row["model"] for row in record["models"]] == MODELS.split(", ")
    assert all(row["latency_p50"] > 0 for row in record["models"])
    assert "McNemar" in out
    assert record["verdict"].split(" is ")[0] in report.read_text("utf-8")
    best = max(record["models"], key=lambda row: row["accuracy"])["model"]
    assert f"model, {best}: " in out
    assert load_model(model).predict([next(photo_folder.rglob("*.jpg"))])[0]


def test_compare_goes_on_without_a_model_that_fails(photo_folder, capsys):
    """Its reason is told on stderr, the others are compared."""
    options = ["--models", "hog + knn, cnn + svm", "--weights", "nowhere.h5", "--no-costs"]
    assert main(["compare", str(photo_folder), *options, "--no-groups", "--cv", "2"]) == 0
    told = capsys.readouterr()
    assert "hog + knn is right about" in told.out
    assert "cnn + svm: " in told.err


def test_wrong_turns(photo_folder, tmp_path, capsys):
    """An unknown name, a file in the way, no model that works: one sentence, exit code 1."""
    for options, message in (
        (["--models", "hogg + svm"], "did you mean 'hog'"),
        (["--report", str(tmp_path)], "found a folder"),
        (["--models", "hog + svm", "--cv", "25"], "expected at least 25"),
    ):
        assert main(["compare", str(photo_folder), *options, "--no-costs"]) == 1
        assert message in capsys.readouterr().err
