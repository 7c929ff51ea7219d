"""The report folder: what it holds, and that it is there as a whole or not at all."""

from __future__ import annotations

import csv
import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from classicvis.evaluation import Evaluation, evaluate
from classicvis.evaluation._report import FILES
from classicvis.exceptions import ClassicVisError, MissingDependencyError
from classicvis.images import ImageSequence

NAMES = ["零", "one & only", "<script>alert(2)</script>", *"3456789"]


@pytest.fixture(scope="module")
def result(weak, digits):
    """Return an evaluation with mistakes, an unreadable image, and names that need care."""
    images, target = digits
    sources = [*images[60:90], b"no image", *images[90:100]]
    y = [*target[60:90], 3, *target[90:100]]
    return evaluate(weak, ImageSequence(sources, on_error="mark"), y, target_names=NAMES)


@pytest.fixture(scope="module")
def report(result, tmp_path_factory):
    """Return a written report."""
    return result.save_report(tmp_path_factory.mktemp("报告") / "第一", title="A & B <i>")


def test_the_six_files(report, result):
    """The folder holds the six files and nothing else; the pictures are pictures."""
    assert {path.name for path in report.iterdir()} == FILES
    assert (report / "summary.txt").read_text("utf-8") == result.summary()
    for name in ("confusion_matrix.png", "mistakes.png"):
        with Image.open(report / name) as image:
            assert min(image.size) > 300
    assert [path.name for path in report.parent.iterdir()] == [report.name]


def test_metrics_json(report, result):
    """The figures come back as they are, with a mark that tells whose file it is."""
    record = json.loads((report / "metrics.json").read_text("utf-8"))
    assert record["format"] == "classicvis-report"
    assert record["accuracy"] == result.accuracy
    assert record["classes"][0]["name"] == "零"
    assert record["skipped"][0]["path"] == "image 30"


def test_predictions_csv(report, result):
    """One row per image in order, unreadable ones included, in an encoding that Excel knows."""
    data = (report / "predictions.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert len(rows) == 41
    assert rows[30]["image"] == "image 30"
    assert rows[30]["predicted"] == rows[30]["correct"] == ""
    assert rows[30]["error"] == result.skipped[0].reason
    readable = [row for row in rows if not row["error"]]
    assert [row["correct"] == "yes" for row in readable] == result.correct.tolist()
    assert [row["predicted"] for row in readable] == result.name_of(result.y_pred)
    assert float(rows[0]["confidence"]) == pytest.approx(result.confidences[0], rel=1e-5)
    assert pd.read_csv(report / "predictions.csv").columns[0] == "image"


def test_page_is_self_contained_and_escaped(report):
    """The page names nothing outside itself, and names of classes are text in it."""
    page = (report / "index.html").read_text("utf-8")
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    assert "<script" not in page
    assert "&lt;script&gt;alert(2)" in page
    assert "A &amp; B &lt;i&gt;" in page
    assert page.count("data:image/png;base64,") == 1
    assert page.count("data:image/jpeg;base64,") > 1
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    assert "image 30" in page  # the unreadable one


def test_no_mistakes(oracle, tmp_path):
    """A perfect result, of features without pictures, has a report as well."""
    folder = evaluate(oracle(), np.eye(3), [0, 1, 2]).save_report(tmp_path / "report")
    assert "<p>None.</p>" in (folder / "index.html").read_text("utf-8")


@pytest.fixture
def quick(monkeypatch):
    """Leave out the drawing, for tests of the folder as such."""
    monkeypatch.setattr(Evaluation, "plot_confusion_matrix", lambda self: Figure())
    monkeypatch.setattr(Evaluation, "plot_mistakes", lambda self, n: Figure())


def test_older_report_is_replaced(result, tmp_path, quick):
    """A report of ours, or an empty folder, gives way to a new report."""
    folder = tmp_path / "report"
    folder.mkdir()
    result.save_report(folder)
    (folder / "summary.txt").write_text("old")
    result.save_report(folder)
    assert (folder / "summary.txt").read_text("utf-8") == result.summary()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_link_to_a_report(result, tmp_path, quick):
    """Through a link, what it points to is replaced and the link stays."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    result.save_report(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "index.html").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"thesis.txt": "years of work"}, "no report of ours"),
        ({"metrics.json": "{}"}, "no report of ours"),
        ({"metrics.json": "[]"}, "no report of ours"),
        ({"metrics.json": "not json"}, "no report of ours"),
        ({"metrics.json": '{"format": "classicvis-report"}', "notes.txt": "mine"}, "notes.txt"),
    ],
)
def test_folders_of_others_are_left_alone(result, tmp_path, files, message):
    """A folder that holds anything but a report of ours is refused and stays as it is."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ClassicVisError, match=message):
        result.save_report(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_place_that_cannot_be_written(result, tmp_path):
    """A file in the way, of the folder or above it, gives one sentence."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ClassicVisError, match="found a file, expected a folder"):
        result.save_report(tmp_path / "file")
    with pytest.raises(ClassicVisError, match="cannot be written"):
        result.save_report(tmp_path / "file" / "report")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full"), RuntimeError("x")])
@pytest.mark.parametrize("when", ["writing", "moving"])
def test_failure_leaves_no_trace(result, tmp_path, monkeypatch, quick, error, when):
    """Whenever it fails, nothing half-written stays and the older report is as it was."""
    old = result.save_report(tmp_path / "old")
    before = {path.name: path.read_bytes() for path in old.iterdir()}

    def fail(*args):
        raise error

    if when == "writing":
        monkeypatch.setattr("classicvis.evaluation._report._html", fail)
    else:
        rename = type(old).rename

        def rename_old_only(self, target):
            return fail() if target == old and ".old" not in self.name else rename(self, target)

        monkeypatch.setattr(type(old), "rename", rename_old_only)
    expected = ClassicVisError if isinstance(error, OSError) else error
    expected = expected if isinstance(expected, type) else type(expected)
    with pytest.raises(expected):
        result.save_report(old)
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    if when == "writing":
        with pytest.raises(expected):
            result.save_report(tmp_path / "new" / "deep" / "report")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_missing_jinja_is_named(result, tmp_path, monkeypatch):
    """Without Jinja2 the error names the package, before anything is written."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingDependencyError, match="pip install Jinja2"):
        result.save_report(tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_file_names_that_are_no_unicode(weak, digits, tmp_path):
    """A file whose name is no UTF-8 is reported with escapes instead of failing."""
    path = tmp_path / b"odd\xff.png".decode("utf-8", "surrogateescape")
    try:
        Image.fromarray(digits[0][0]).save(str(path), format="PNG")
    except OSError:
        pytest.skip("the file system takes only Unicode names")
    result = evaluate(weak, [str(path)], [digits[1][0]])
    folder = result.save_report(tmp_path / "report")
    assert r"odd\udcff.png" in (folder / "predictions.csv").read_text("utf-8-sig")
