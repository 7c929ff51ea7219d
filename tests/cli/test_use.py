"""`classicvis predict`, `evaluate`, `info` and `list`."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest

from classicvis import load_model, read_manifest
from classicvis.cli import main
from tests.cli.helpers import error_of


def test_predict_prints_an_aligned_table(model, photo_folder, capsys):
    """In a pipe every image has one whole line, in the order of names."""
    assert main(["predict", str(model), str(photo_folder / "花"), "-q"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["file", "label", "confidence"]
    names = [line.rsplit(maxsplit=2)[0] for line in lines]
    assert names == [str(path) for path in sorted((photo_folder / "花").iterdir())]
    assert {line.split()[-2] for line in lines} == {"花"}


def test_predict_agrees_with_the_model(model, photo_folder, capsys):
    """`--json` gives label and probability of what `predict_proba` says."""
    assert main(["predict", str(model), str(photo_folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    files = [row["file"] for row in rows]
    assert len(files) == 60
    trained = load_model(model)
    assert [row["label"] for row in rows] == trained.predict(files).tolist()
    expected = trained.predict_proba(files).max(axis=1)
    assert [row["confidence"] for row in rows] == pytest.approx(expected.tolist())
    assert {row["margin"] for row in rows} == {None}


def test_predict_marks_unreadable_images(model, broken_folder, tmp_path, capsys):
    """Unreadable and missing files keep their rows with the reason; the exit code is 3."""
    bad, missing = broken_folder / "china" / "坏 0.jpg", tmp_path / "nowhere.jpg"
    good = broken_folder / "china" / "图 00.jpg"
    assert main(["predict", str(model), str(bad), str(good), str(missing), "--csv"]) == 3
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["file"] for row in rows] == [str(bad), str(good), str(missing)]
    assert [row["label"] for row in rows] == ["", "china", ""]
    assert [bool(row["error"]) for row in rows] == [True, False, True]


def test_predict_leaves_unreadable_images_out_where_told(model, broken_folder, capsys):
    """With `--on-error skip` they are listed on the side; with raise nothing is printed."""
    folder = broken_folder / "china"
    assert main(["predict", str(model), str(folder), "--json", "--on-error", "skip"]) == 3
    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 20
    assert "坏 0.jpg" in err
    assert "坏 0.jpg" in error_of(capsys, "predict", model, folder, "--on-error", "raise")


def test_predict_all_unreadable(model, tmp_path, capsys):
    """Nothing but unreadable files is a table of reasons, not a failure."""
    assert main(["predict", str(model), str(tmp_path / "a.jpg"), "--json"]) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert row["label"] is None
    assert row["error"]


@pytest.mark.parametrize("form", ["--csv", "--json", None])
def test_predict_writes_a_file(model, photo_folder, tmp_path, capsys, form):
    """`-o` writes the same rows to a file and nothing to stdout."""
    path = tmp_path / "rows"
    options = [form] if form else []
    assert main(["predict", str(model), str(photo_folder), "-o", str(path), *options]) == 0
    assert capsys.readouterr().out == ""
    text = path.read_text(encoding="utf-8-sig")
    n_rows = len(json.loads(text)) if form == "--json" else len(text.splitlines()) - 1
    assert n_rows == 60
    assert os.listdir(tmp_path) == ["rows"]


def test_margin_is_no_confidence(photo_folder, tmp_path, capsys):
    """A learner without probabilities gives the distance to the next class, named margin."""
    path = tmp_path / "m"
    options = ["--features", "color_histogram", "--classifier", "linear_svm", "--cv", "0", "-q"]
    main(["train", str(photo_folder), "-o", str(path), *options, "--image-size", "32"])
    capsys.readouterr()
    assert main(["predict", str(path), str(photo_folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    scores = load_model(path).decision_function([row["file"] for row in rows])
    scores.sort(axis=1)
    expected = scores[:, -1] - scores[:, -2]
    assert [row["margin"] for row in rows] == pytest.approx(expected.tolist())
    assert {row["confidence"] for row in rows} == {None}


def test_evaluate_prints_scores_and_writes_a_report(model, photo_folder, tmp_path, capsys):
    """`evaluate` scores a folder; the report replaces an older one."""
    report = tmp_path / "report"
    for _ in range(2):
        assert main(["evaluate", str(model), str(photo_folder), "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert "accuracy 1.0000 on 60 images" in out
    assert str(report / "index.html") in out
    assert (report / "index.html").is_file()


def test_evaluate_lists_unreadable_images(model, broken_folder, capsys):
    """Unreadable images count in no figure and give exit code 3."""
    assert main(["evaluate", str(model), str(broken_folder)]) == 3
    out, err = capsys.readouterr()
    assert "on 60 images" in out
    assert "坏 0.jpg" in err


def test_evaluate_speaks_of_names_for_models_of_numbers(photo_folder, tmp_path, capsys):
    """A model that was trained on integers with class names works with folders of these names."""
    from classicvis import build_pipeline, load_image_folder, save_model

    data = load_image_folder(photo_folder)
    trained = build_pipeline("color_histogram", "knn", image_size=(32, 32))
    trained.fit(data.images, data.target)
    path = save_model(trained, tmp_path / "m", class_names=data.target_names)
    assert main(["evaluate", str(path), str(photo_folder)]) == 0
    assert "accuracy 1.0000" in capsys.readouterr().out
    main(["predict", str(path), str(photo_folder / "花"), "--json"])
    assert {row["label"] for row in json.loads(capsys.readouterr().out)} == {"花"}


def test_info_shows_the_manifest(model, capsys):
    """`info` tells classes, features and scores; `--json` is the manifest."""
    assert main(["info", str(model)]) == 0
    out = capsys.readouterr().out
    for text in ("3: china, coffee, 花", "ColorHistogramExtractor", "32x32", "accuracy"):
        assert text in out
    assert main(["info", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == read_manifest(model)


def test_list_names_everything(capsys):
    """`list` has a line with a description for every registered name."""
    from classicvis.classifiers import classifier_names
    from classicvis.features import extractor_names
    from classicvis.images import STEPS

    assert main(["list"]) == 0
    described = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if " " in line
    )
    for name in [*extractor_names(), *classifier_names(), *STEPS]:
        assert len(described[name].strip()) > 10
