"""`classicvis train` with a network for classifier."""

from __future__ import annotations

from classicvis import load_model
from classicvis.cli import main
from classicvis.persistence import read_manifest

QUICK = ["--classifier", "cnn", "--image-size", "24", "-q"]
SMALL = [f"--set=classifier__{setting}" for setting in ("width=4", "batch_size=16", "augment=None")]


def test_a_network_learns_from_images(photo_folder, tmp_path):
    """A network needs no --features; the saved model has no such step."""
    path = tmp_path / "模型"
    options = [*QUICK, *SMALL, "--set", "classifier__epochs=2", "--cv", "2"]
    assert main(["train", str(photo_folder), "-o", str(path), *options]) == 0
    assert list(load_model(path).named_steps) == ["images", "classifier"]
    assert read_manifest(path)["metrics"]["n_samples"] == 60
    photo = next((photo_folder / "花").glob("*.jpg"))
    assert main(["predict", str(path), str(photo), "-q"]) == 0


def test_tune_a_network(photo_folder, tmp_path):
    """`--tune` searches over what was not set, on images in place of rows."""
    path = tmp_path / "model"
    options = [*QUICK, *SMALL, "--tune", "--cv", "0", "--set", "classifier__epochs=1"]
    assert main(["train", str(photo_folder), "-o", str(path), *options]) == 0
    best = read_manifest(path)["metadata"]["best_params"]
    assert list(best) == ["classifier__learning_rate"]
    assert load_model(path)["classifier"].learning_rate == best["classifier__learning_rate"]


def test_features_for_a_network(photo_folder, tmp_path, capsys):
    """--features beside a network is one sentence; "none" may be said."""
    command = ["train", str(photo_folder), "-o", str(tmp_path / "model"), *QUICK]
    assert main([*command, "--features", "hog"]) == 1
    assert "learns from images; use features=None" in capsys.readouterr().err
    options = ["--features", "none", *SMALL, "--set", "classifier__epochs=1", "--cv", "0"]
    assert main([*command, *options]) == 0
