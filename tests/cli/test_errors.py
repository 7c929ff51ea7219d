"""How commands fail: one sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import shutil

import pytest

from classicvis.cli import main
from classicvis.cli._train import _Folds
from tests.cli.helpers import QUICK, error_of


def test_truncated_photo_stops_or_is_skipped(photo_folder, tmp_path, capsys):
    """A photo whose end is missing passes the look at its header, and is told all the same."""
    photos = tmp_path / "photos"
    shutil.copytree(photo_folder, photos)
    cut = photos / "coffee" / "图 07.jpg"
    cut.write_bytes(cut.read_bytes()[:600])
    command = ["train", photos, "-o", tmp_path / "m", *QUICK]
    assert str(cut) in error_of(capsys, *command, "--on-error", "raise")
    assert not (tmp_path / "m").exists()
    assert main([*map(str, command)]) == 3
    assert str(cut) in capsys.readouterr().err


def test_progress_is_shown_on_a_terminal_only(photo_folder, tmp_path, capsys, monkeypatch):
    """A terminal gets bars on stderr; --quiet and pipes get none; results are the same."""
    outputs = []
    for is_terminal, options in [("1", []), ("1", ["-q"]), ("0", [])]:
        monkeypatch.setenv("TTY_COMPATIBLE", is_terminal)
        command = ["train", str(photo_folder), "-o", str(tmp_path / "m"), *QUICK, *options]
        assert main(command) == 0
        outputs.append(capsys.readouterr())
    assert "cross-validation" in outputs[0].err
    assert outputs[1].err == ""
    assert "cross-validation" not in outputs[2].err
    assert "\x1b" not in outputs[2].out


def test_images_show_that_long_folds_are_alive():
    """Between two folds the bar counts the images that were read."""
    shown = []
    folds = _Folds(lambda *state: shown.append(state), 5)
    folds(1, 5)
    for image in range(40):
        assert folds.read(image) == image
    assert shown == [
        (1, 5, "folds"),
        (1, 5, "folds, 20 images read"),
        (1, 5, "folds, 40 images read"),
    ]


def test_one_class_only(photo_folder, tmp_path, capsys):
    """A folder of one class is refused by name."""
    shutil.copytree(photo_folder / "花", tmp_path / "photos" / "花")
    message = error_of(capsys, "train", tmp_path / "photos", "-o", tmp_path / "m", *QUICK)
    assert "one class, '花'" in message


@pytest.mark.parametrize(
    ("n_images", "options", "fix"),
    [(3, [], "--cv 3"), (1, [], "--cv 0"), (4, ["--tune"], "--cv 4"), (2, ["--tune"], "--tune")],
)
def test_a_small_class(photo_folder, tmp_path, capsys, n_images, options, fix):
    """A class with fewer images than folds is named, with an option that works."""
    photos = tmp_path / "photos"
    shutil.copytree(photo_folder, photos)
    for path in sorted((photos / "花").iterdir())[n_images:]:
        path.unlink()
    command = ["train", photos, "-o", tmp_path / "m", *QUICK]
    message = error_of(capsys, *command, *options)
    assert "'花'" in message
    assert fix in message
    if fix.startswith("--cv"):
        assert main([*map(str, command), *options, *fix.split()]) == 0


def test_empty_folder(tmp_path, capsys):
    """A folder without images says what was expected."""
    (tmp_path / "empty").mkdir()
    message = error_of(capsys, "train", tmp_path / "empty", "-o", tmp_path / "m")
    assert "one folder per class" in message


def test_missing_folder(tmp_path, capsys):
    """A folder that is not there is named."""
    assert "nowhere" in error_of(capsys, "train", tmp_path / "nowhere", "-o", tmp_path / "m")


@pytest.mark.parametrize(
    ("options", "proposal"),
    [
        (["--features", "hogg"], "did you mean 'hog'"),
        (["--classifier", "svn"], "did you mean 'svm'"),
        (["--preprocess", "median,clah"], "did you mean 'clahe'"),
        (["--set", "classifier__c=1"], "did you mean 'classifier__C'"),
    ],
)
def test_wrong_names_propose_the_nearest(photo_folder, tmp_path, capsys, options, proposal):
    """A misspelt name is refused before any image is read."""
    assert proposal in error_of(capsys, "train", photo_folder, "-o", tmp_path / "m", *options)


def test_a_wrong_value_is_one_sentence(photo_folder, tmp_path, capsys):
    """What scikit-learn refuses comes out as one line, and --debug shows the traceback."""
    command = ["train", photo_folder, "-o", tmp_path / "m", *QUICK]
    command += ["--set", "classifier__n_neighbors=many"]
    assert "n_neighbors" in error_of(capsys, *command)
    with pytest.raises(ValueError, match="n_neighbors"):
        main([*map(str, command), "--debug"])


def test_output_is_checked_before_the_work(tmp_path, capsys):
    """Unwritable outputs are refused before the folder is looked at."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for output, found in [
        ("folder", "found a folder"),
        ("file", "no model of classicvis"),
        ("file/m", "cannot be written"),
    ]:
        message = error_of(capsys, "train", tmp_path / "nowhere", "-o", tmp_path / output)
        assert found in message
    assert (tmp_path / "file").read_text() == "x"


def test_foreign_report_folder_is_checked_before_the_work(tmp_path, capsys):
    """A report never takes the place of other files."""
    (tmp_path / "notes.txt").write_text("x")
    command = ["train", tmp_path / "nowhere", "-o", tmp_path / "m", "--report", tmp_path]
    assert "no report of ours" in error_of(capsys, *command)


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 cut off"])
@pytest.mark.parametrize("command", ["info", "predict", "evaluate"])
def test_broken_model_files(tmp_path, capsys, command, content):
    """A file that is no model is told in one sentence by every command."""
    path = tmp_path / "m"
    path.write_bytes(content)
    assert str(path) in error_of(capsys, command, path, *[tmp_path] * (command != "info"))


def test_predict_on_an_empty_folder(model, tmp_path, capsys):
    """A folder without images is an error, not an empty table."""
    assert "found no image" in error_of(capsys, "predict", model, tmp_path)


def test_evaluate_on_a_folder_of_other_classes(model, photo_folder, tmp_path, capsys):
    """A folder none of whose classes the model knows is a mistake."""
    for name in ("a", "b"):
        shutil.copytree(photo_folder / "花", tmp_path / name)
    assert "expected those of the model" in error_of(capsys, "evaluate", model, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "photos"],
        ["train", "photos", "-o", "m", "--image-size", "big"],
        ["train", "photos", "-o", "m", "--cv", "1"],
        ["train", "photos", "-o", "m", "--jobs", "0"],
        ["train", "photos", "-o", "m", "--set", "classifier__C"],
        ["train", "photos", "-o", "m", "--reduce", "-3"],
        ["predict", "m"],
        ["nonsense"],
    ],
)
def test_wrong_usage(capsys, arguments):
    """Arguments that make no sense end with exit code 2 and the usage."""
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: classicvis" in capsys.readouterr().err


def test_no_command_prints_the_help(capsys):
    """The bare command shows what there is."""
    assert main([]) == 2
    assert "train" in capsys.readouterr().out
