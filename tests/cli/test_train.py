"""`classicvis train`: scores, models, tuning, what is left out."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from classicvis import load_model, read_manifest
from classicvis.cli import main
from tests.cli.helpers import QUICK, error_of


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


@pytest.mark.parametrize(
    ("option", "size", "told"),
    [
        ([], (96, 96), "resized to 96x96"),
        (["--image-size", "auto"], (96, 96), "resized to 96x96"),
        (["--image-size", "keep"], None, "any size"),
        (["--image-size", "max40"], 40, "at most 40 pixels"),
        (["--image-size", "40"], (40, 40), "resized to 40x40"),
    ],
    ids=str,
)
def test_image_sizes(photo_folder, tmp_path, capsys, option, size, told):
    """Sizes are what suits the features, the file's own, the longest side, or both sides."""
    path = tmp_path / "m"
    options = ["--features", "color_histogram", "--classifier", "knn", "--cv", "0", "-q", *option]
    assert main(["train", str(photo_folder), "-o", str(path), *options]) == 0
    assert load_model(path)["images"].image_size == size
    assert main(["info", str(path)]) == 0
    assert told in " ".join(capsys.readouterr().out.split())


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
