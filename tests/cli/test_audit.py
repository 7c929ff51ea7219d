"""`classicvis audit`: tables, files, exit codes."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from classicvis.cli import main
from tests.cli.helpers import error_of, run


@pytest.fixture
def messy(photo_folder, tmp_path):
    """The photos, with a copy of one of 花 in coffee and a black picture."""
    folder = tmp_path / "照片"
    shutil.copytree(photo_folder, folder)
    with Image.open(folder / "花" / "图 19.jpg") as photo:
        photo.save(folder / "coffee" / "混入.jpg", quality=50)
    Image.fromarray(np.zeros((80, 90, 3), np.uint8)).save(folder / "china" / "黑.jpg")
    return folder


def test_findings_are_printed_and_written(messy, tmp_path, capsys):
    """Tables on stdout, every finding in the CSV file, a sheet of pictures; exit code 0."""
    table, sheet = tmp_path / "表" / "所见.csv", tmp_path / "图.png"
    options = ["--no-labels", "--csv", str(table), "--pictures", str(sheet), "--jobs", "2"]
    assert main(["audit", str(messy), *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    (pair,) = [line for line in out.splitlines() if "混入.jpg" in line]
    assert "花" in pair
    assert "other class" in pair
    assert any("黑.jpg" in line and "dark" in line for line in out.splitlines())
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} >= {"dark", "flat", "duplicate_near"}
    (row,) = [row for row in rows if row["kind"] == "duplicate_near"]
    assert {row["label"], row["other_label"]} == {"花", "coffee"}
    with Image.open(sheet) as picture:
        assert picture.width > 300


def test_labels_are_judged(messy, capsys):
    """Without --no-labels the judge says how often it agrees; --min-odds reaches it."""
    assert main(["audit", str(messy), "-q", "--min-odds", "2"]) == 0
    out = capsys.readouterr().out
    assert "suspected labels" in out
    assert "judge agrees with" in out
    assert any("混入.jpg" in line and "花" in line for line in out.splitlines())


def test_unreadable_images_give_exit_code_3(broken_folder, capsys):
    """They are listed on the side and stop nothing."""
    assert main(["audit", str(broken_folder), "--no-labels"]) == 3
    out, err = capsys.readouterr()
    assert "坏 0.jpg" in err
    assert "unreadable" in out


def test_a_folder_of_files_and_a_pipe(messy):
    """Images without classes; in a process of its own, Chinese names whole."""
    done = run("audit", messy / "coffee")
    assert done.returncode == 0, done.stderr
    assert "duplicate pairs" in done.stdout
    assert "classes" not in done.stdout.splitlines()[5]


def test_errors_are_one_sentence(messy, tmp_path, capsys):
    """No folder, a similarity out of range, an output that is a folder."""
    assert "nowhere" in error_of(capsys, "audit", tmp_path / "nowhere")
    message = error_of(capsys, "audit", messy, "--no-labels", "--min-similarity", "0.2")
    assert "0.2" in message
    assert "expected the name of a file" in error_of(capsys, "audit", messy, "--csv", messy)
