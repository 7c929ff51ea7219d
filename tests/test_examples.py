"""The examples run as a reader would run them, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.model_selection import cross_val_score

from classicvis import build_pipeline, load_image_folder
from classicvis.backbones.keras import keras_is_installed

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str, *arguments: object, cwd: Path) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.check_output(command, text=True, encoding="utf-8", cwd=cwd)


def test_train_then_apply_elsewhere(photo_folder, tmp_path):
    """One program trains and saves; another, in another folder, loads and names new files."""
    here, there = tmp_path / "训练", tmp_path / "应用"
    here.mkdir()
    there.mkdir()
    model = here / "模型.cvis"
    text = run("train_from_folder.py", photo_folder, model, here / "report", cwd=here)
    assert "60 images in 3 classes" in text
    assert (here / "report" / "index.html").exists()

    photos = [next((photo_folder / name).glob("*.jpg")) for name in ("花", "coffee")]
    broken = there / "坏.jpg"
    broken.write_bytes(b"")
    lines = run("application.py", model, *photos, broken, cwd=there).splitlines()
    assert [line.split(" -> ")[1] for line in lines] == ["花", "coffee", "unreadable"]


def test_application_without_a_model(tmp_path):
    """A file that is no model gives a sentence, not a traceback."""
    (tmp_path / "model").write_text("no model")
    command = [sys.executable, str(EXAMPLES / "application.py"), "model", "photo.jpg"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("no model: ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_grid_search(photo_folder, tmp_path):
    """The table has a row for every combination, best first."""
    lines = run("grid_search.py", photo_folder, cwd=tmp_path).splitlines()
    assert len(lines) == 6
    scores = [float(line.split("%")[0]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 80


@pytest.mark.slow
@pytest.mark.skipif(not keras_is_installed(), reason="needs classicvis[deep]")
def test_svm_or_cnn(photo_folder, tmp_path):
    """One search scores classical and deep models, a line for each."""
    network = "MobileNetV2-0.35", "none"
    lines = run("svm_or_cnn.py", photo_folder, *network, cwd=tmp_path).splitlines()
    assert [line.split(" s  ")[1] for line in lines] == [
        "HOG, SVM",
        "Fisher vector, linear SVM",
        "embedding, SVM",
        "fine-tuned network",
    ]
    data = load_image_folder(photo_folder)
    alone = cross_val_score(build_pipeline("hog", "svm"), data.images, data.labels, cv=3).mean()
    assert lines[0].startswith(f"{alone:6.1%}")
    assert alone > 0.5  # of three classes
