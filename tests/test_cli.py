"""The command line: what it prints, writes and returns, and how it fails."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from classicvis import load_model, read_manifest
from classicvis.cli import main

QUICK = ["--features", "color_histogram", "--classifier", "knn", "--image-size", "32"]


def run(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a shell does."""
    command = [sys.executable, "-m", "classicvis", *map(str, args)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"} | options.pop("env", {})
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, **options
    )


def error_of(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """Return the one sentence that a command fails with."""
    assert main([*map(str, args)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("classicvis: ")
    assert "Traceback" not in "".join(lines)
    return lines[-1]


@pytest.fixture(scope="module")
def model(photo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that the command trained on the photos."""
    path = tmp_path_factory.mktemp("models") / "模型.model"
    assert main(["train", str(photo_folder), "-o", str(path), *QUICK, "-q"]) == 0
    return path


@pytest.fixture
def broken_folder(photo_folder: Path, tmp_path: Path) -> Path:
    """The photos and one file that is no image although its name says so."""
    folder = tmp_path / "broken"
    shutil.copytree(photo_folder, folder)
    (folder / "china" / "坏 0.jpg").write_text("a text file", encoding="utf-8")
    return folder


def test_train_prints_scores_and_writes_a_model(photo_folder, tmp_path, capsys):
    """`train` cross-validates, prints a row per class, saves, and says what to type next."""
    path = tmp_path / "new" / "photos.model"
    assert main(["train", str(photo_folder), "-o", str(path), *QUICK]) == 0
    out, err = capsys.readouterr()
    assert "60 images in 3 classes" in err
    assert "over 5 folds" in out
    assert {"china", "coffee", "花"} <= {line.split()[0] for line in out.splitlines()}
    assert f"classicvis predict {path}" in err
    manifest = read_manifest(path)
    assert manifest["class_names"] == ["china", "coffee", "花"]
    assert len(manifest["metrics"]["fold_accuracies"]) == 5
    assert f"{manifest['metrics']['accuracy']:.2f}" in out


def test_trained_model_answers_with_names(model, photo_folder):
    """Another program loads the file and gets class names for paths."""
    photos = [str(path) for path in sorted((photo_folder / "花").iterdir())[:3]]
    assert load_model(model).predict(photos).tolist() == ["花"] * 3


def test_train_without_cross_validation(photo_folder, tmp_path, capsys):
    """`--cv 0` fits and saves without scores."""
    path = tmp_path / "m"
    assert main(["train", str(photo_folder), "-o", str(path), *QUICK, "--cv", "0"]) == 0
    assert "accuracy" not in capsys.readouterr().out
    assert read_manifest(path)["metrics"] is None


def test_train_passes_every_option_on(photo_folder, tmp_path):
    """Options and `--set` reach the steps of the pipeline."""
    path = tmp_path / "m"
    options = ["--features", "color_histogram", "--classifier", "svm", "--image-size", "24x32"]
    options += ["--color", "hsv", "--preprocess", "median", "--reduce", "5", "--seed", "7"]
    options += ["--set", "classifier__C=3.5", "--set", "classifier__kernel=linear", "--cv", "2"]
    assert main(["train", str(photo_folder), "-o", str(path), *options, "-q"]) == 0
    trained = load_model(path)
    assert trained["images"].image_size == (24, 32)
    assert trained["images"].color == "hsv"
    assert trained["images"].preprocess == ["median"]
    assert trained["reducer"].n_components_ == 5
    assert (trained["classifier"].C, trained["classifier"].kernel) == (3.5, "linear")
    assert trained["classifier"].random_state == 7


def test_result_does_not_depend_on_jobs(photo_folder, tmp_path):
    """The same seed gives the same scores with one thread and with three."""
    matrices = []
    for jobs in ("1", "3"):
        path = tmp_path / jobs
        main(["train", str(photo_folder), "-o", str(path), *QUICK, "--jobs", jobs, "-q"])
        matrices.append(read_manifest(path)["metrics"]["confusion_matrix"])
    assert matrices[0] == matrices[1]


def test_tune_saves_the_winner(photo_folder, tmp_path, capsys):
    """`--tune` prints and saves the best parameters; the file holds a plain pipeline."""
    path = tmp_path / "m"
    assert main(["train", str(photo_folder), "-o", str(path), *QUICK, "--tune", "--cv", "2"]) == 0
    assert "best parameters: classifier__n_neighbors=" in capsys.readouterr().out
    trained = load_model(path)
    assert list(trained.named_steps) == ["images", "features", "scaler", "classifier"]
    best = read_manifest(path)["metadata"]["best_params"]
    assert trained["classifier"].n_neighbors == best["classifier__n_neighbors"]
    assert read_manifest(path)["metrics"]["n_samples"] == 60


def test_search_equals_a_search_over_the_whole_pipeline(photo_folder):
    """Features computed once give the winner of GridSearchCV over everything, weights included."""
    from classicvis import build_pipeline, load_image_folder
    from classicvis.cli._tune import Search

    data = load_image_folder(photo_folder)
    pipeline = build_pipeline(["color_histogram", "hog"], "svm", image_size=(32, 32))
    pipeline.set_params(features__color_histogram__bins=(2, 2, 2))
    grid = {
        "classifier__C": [0.01, 1.0, 10.0],
        "features__transformer_weights": [{"color_histogram": 0.01}, {"hog": 0.5}],
    }
    ticks: list[int] = []
    search = Search(pipeline, grid, tick=lambda: ticks.append(1)).fit(data.images, data.labels)
    expected = GridSearchCV(pipeline, grid, cv=StratifiedKFold(3, shuffle=True, random_state=0))
    expected.fit(data.images, data.labels)
    assert search.best_params_ == expected.best_params_
    assert len(set(expected.cv_results_["mean_test_score"])) > 3
    params = search.best_estimator_.get_params()
    assert {name: params[name] for name in grid} == search.best_params_
    np.testing.assert_allclose(
        search.best_estimator_.decision_function(data.images),
        expected.decision_function(data.images),
        atol=1e-4,
    )
    assert len(ticks) == search.n_fits == 18


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.7])
def test_quick_machine_equals_svc(texture_tiles, gamma):
    """The machine of trial fits predicts what scikit-learn's SVC predicts."""
    from sklearn.svm import SVC

    from classicvis.cli._tune import _BlasSvc

    tiles, labels = texture_tiles
    rows = (tiles[:, ::8, ::8].reshape(len(tiles), -1) / 255).astype(np.float32)
    options = {"C": 3.0, "gamma": gamma, "class_weight": "balanced"}
    expected = SVC(**options).fit(rows[::2], labels[::2]).predict(rows[1::2])
    assert len(set(expected)) == 3
    np.testing.assert_array_equal(
        _BlasSvc(**options).fit(rows[::2], labels[::2]).predict(rows[1::2]), expected
    )


def test_tune_leaves_what_was_set(photo_folder, tmp_path):
    """A parameter given with `--set` is no axis of the search."""
    path = tmp_path / "m"
    options = [*QUICK, "--tune", "--cv", "0", "--set", "classifier__n_neighbors=2", "-q"]
    assert main(["train", str(photo_folder), "-o", str(path), *options]) == 0
    assert load_model(path)["classifier"].n_neighbors == 2
    assert list(read_manifest(path)["metadata"]["best_params"]) == ["classifier__weights"]


def test_divided_folder_is_scored_on_its_test_part(photo_folder, tmp_path, capsys):
    """With train/ and test/ the model learns from one and is scored on the other."""
    root = tmp_path / "divided"
    for photo in sorted(photo_folder.rglob("*.jpg")):
        part = "test" if photo.stem.endswith("5") else "train"
        target = root / part / photo.parent.name / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    path = tmp_path / "m"
    assert main(["train", str(root), "-o", str(path), *QUICK]) == 0
    assert "on 6 images" in capsys.readouterr().out
    assert read_manifest(path)["metadata"]["n_images"] == 54
    assert main(["evaluate", str(path), str(root)]) == 0
    assert "on 6 images" in capsys.readouterr().out


def test_train_skips_unreadable_images_and_says_so(broken_folder, tmp_path, capsys):
    """One bad file costs that file: it is named, the rest is learnt, and the exit code is 3."""
    path = tmp_path / "m"
    assert main(["train", str(broken_folder), "-o", str(path), *QUICK]) == 3
    assert "坏 0.jpg" in capsys.readouterr().err
    assert read_manifest(path)["metadata"]["n_images"] == 60


def test_train_stops_at_unreadable_images_where_told(broken_folder, tmp_path, capsys):
    """`--on-error raise` names the file and the option that goes on without it."""
    path = tmp_path / "m"
    message = error_of(capsys, "train", broken_folder, "-o", path, *QUICK, "--on-error", "raise")
    assert "坏 0.jpg" in message
    assert "--on-error skip" in message
    assert not path.exists()


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
    assert "images read" in outputs[0].err
    assert outputs[1].err == ""
    assert "cross-validation" not in outputs[2].err
    assert "\x1b" not in outputs[2].out


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


def test_help_and_version_load_nothing_heavy():
    """`--help` and `--version` answer before any heavy import."""
    code = (
        "import sys\nfrom classicvis.cli import main\n"
        "try:\n    main([sys.argv[1]])\n"
        "finally:\n    print(*{name.split('.')[0] for name in sys.modules})"
    )
    for option in ("--help", "--version"):
        out = subprocess.check_output([sys.executable, "-c", code, option], text=True)
        assert out.startswith(("usage: classicvis", "classicvis "))
        loaded = set(out.splitlines()[-1].split())
        assert "classicvis" in loaded
        assert not loaded & {"numba", "cv2", "skimage", "sklearn", "numpy", "rich", "joblib"}


def test_process_prints_whole_lines_in_a_pipe(model, photo_folder):
    """In a pipe: no colours, no progress, no cut paths, results and nothing else on stdout."""
    done = run("predict", model, photo_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert sum(str(photo_folder) in line for line in done.stdout.splitlines()) == 60


def test_output_without_unicode(model, photo_folder):
    """A terminal that has no Chinese gets escapes; JSON stays valid."""
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    done = run("predict", model, photo_folder / "花", env=ascii_only)
    assert done.returncode == 0
    assert "\\u82b1" in done.stdout
    done = run("predict", model, photo_folder / "花", "--json", env=ascii_only)
    assert json.loads(done.stdout)[0]["label"] == "花"


def test_names_with_control_characters_do_not_reach_the_terminal(model, photo_folder, tmp_path):
    """Escape sequences and line ends in file names are shown as escapes."""
    name = "a\x1b[31m\nb.jpg"
    shutil.copy(next((photo_folder / "花").iterdir()), tmp_path / name)
    done = run("predict", model, tmp_path)
    assert "a\\x1b[31m\\nb.jpg" in done.stdout
    assert "\x1b" not in done.stdout


def test_closed_pipe_is_no_traceback(model, photo_folder):
    """`classicvis predict ... | head -1` ends in silence."""
    command = [sys.executable, "-m", "classicvis", "list"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    with process:
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupt_writes_nothing(photo_folder, tmp_path, jobs):
    """Ctrl-C during training: exit code 130, one sentence, and no trace of the model."""
    command = [sys.executable, "-m", "classicvis", "train", str(photo_folder), "--jobs", jobs]
    command += ["-o", str(tmp_path / "new" / "m"), "--features", "color_histogram"]
    command += ["--classifier", "random_forest", "--set", "classifier__n_estimators=1000000"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            first = process.stderr.readline()  # the folder was read, training begins
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "60 images" in first
    assert (process.returncode, out) == (130, "")
    assert err == "classicvis: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_demo_report(tmp_path):
    """`demo` compares pipelines on photos that are there already, and writes a report."""
    done = run("demo", "--report", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    out = done.stdout
    for text in ("hog + color_histogram, svm", "bovw, linear_svm", "macro F1", "astronaut/14.jpg"):
        assert text in out
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] > 0.8
    assert (tmp_path / "report" / "mistakes.png").stat().st_size > 10_000


def test_demo_tiles_share_no_pixel(tmp_path):
    """The photos of the demo are as many for each class, and all different."""
    from classicvis.cli._pictures import TILES_PER_CLASS, write_photo_folder

    write_photo_folder(tmp_path)
    for folder in tmp_path.iterdir():
        contents = {path.read_bytes() for path in folder.iterdir()}
        assert len(contents) == TILES_PER_CLASS
