"""`audit`: everything at once, on a folder with what is wrong planted in it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

import classicvis
from classicvis import Audit, ImageSequence, audit, build_pipeline, load_image_folder
from classicvis.exceptions import ImageError, MissingDependencyError, ParameterError
from tests.auditing.conftest import save


@pytest.fixture
def result(folder) -> Audit:
    return audit(folder, label_errors=False)


def test_a_folder_with_everything(folder, result):
    """Each planted fault is found, and named by its file."""
    names = [Path(name).name for name in result.names]
    assert result.n_images == 49
    assert [Path(entry.path).name for entry in result.unreadable] == ["坏.jpg"]
    odd = {(names[issue.image], issue.kind) for issue in result.quality}
    assert {("坏.jpg", "unreadable"), ("黑.jpg", "flat"), ("黑.jpg", "dark")} <= odd
    pairs = {(names[p.first], names[p.second], p.kind) for p in result.duplicates}
    assert pairs == {("又一次.jpg", "图 03.jpg", "bytes"), ("混入.jpg", "图 04.jpg", "near")}
    (across,) = result.across_classes
    assert {result.label_of(across.first), result.label_of(across.second)} == {"杯", "花"}
    assert result.class_counts == {"城": 18, "杯": 16, "花": 15}
    assert result.imbalance == pytest.approx(18 / 15)
    assert len(np.unique(result.groups)) == 47
    assert result.label_errors is None


def test_text_table_and_json(folder, result):
    """Every finding is in the table, the text names the files, JSON takes it all."""
    frame = result.to_frame()
    assert len(frame) == len(result.quality) + len(result.duplicates)
    assert result.counts() == frame["kind"].value_counts().to_dict()
    mixed = frame[frame["kind"] == "duplicate_near"].iloc[0]
    assert (mixed["label"], mixed["other_label"], mixed["reason"]) == ("杯", "花", "other class")
    text = result.summary()
    for word in ("坏.jpg", "黑.jpg", "混入.jpg", "labels were not judged", "18 (城)"):
        assert word in text
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert data["n_images"] == 49
    assert len(data["findings"]) == len(frame)
    assert repr(result).startswith("<Audit of 49 images: 1 unreadable")


def test_pictures(folder, result, tmp_path):
    """Each plot shows its findings, Chinese names or not, and can be saved; none is empty too."""
    for figure, n_tiles in (
        (result.plot_duplicates(), 4),
        (result.plot_duplicates(n=1), 2),
        (result.plot_quality(n=2), 2),
        (result.plot_label_errors(), 0),
    ):
        assert sum(bool(ax.images) for ax in figure.axes) == n_tiles
        figure.savefig(tmp_path / "a.png", dpi=30)


def test_wrong_labels_are_suspected(texture_tiles):
    """Tiles of textures with three wrong names: those, whatever `n_jobs`, and hardly another."""
    tiles, names = texture_tiles
    labels = names.copy()
    labels[[3, 40, 80]] = ["grass", "gravel", "brick"]
    result = audit(tiles, labels, min_odds=3)
    found = {entry.image for entry in result.label_errors}
    assert {3, 40, 80} <= found
    assert len(found) <= 5
    assert {entry.image: entry.suggested for entry in result.label_errors}[3] == "brick"
    assert result.label_accuracy > 0.85
    assert result.label_note == ""
    assert "suspected labels" in result.summary()
    assert sum(bool(ax.images) for ax in result.plot_label_errors().axes) == len(found)
    again = audit(tiles, labels, min_odds=3, n_jobs=2)
    assert [e[:3] for e in again.label_errors] == [e[:3] for e in result.label_errors]
    odds = [entry.odds for entry in result.label_errors]
    assert [entry.odds for entry in again.label_errors] == pytest.approx(odds, rel=1e-3)


def test_copies_share_a_fold(photos):
    """A copy with a wrong name is judged without its twin in the training images."""
    folds = []

    class Judge(RidgeClassifier):
        def fit(self, X, y):
            folds.append(len(X))
            return super().fit([image.ravel() for image in X], y)

        def predict(self, X):
            return super().predict([image.ravel() for image in X])

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    images = photos[:20] + [photos[0]] * 10
    result = audit(images, [0] * 10 + [1] * 10 + [0] * 10, model=Judge())
    assert len(np.unique(result.groups)) == 20
    assert min(folds) < 20  # the eleven copies are left out together
    assert result.label_errors == ()


def test_a_model_of_ones_own(photos):
    """Any classifier with probabilities judges; one without is refused in a sentence."""
    y = ["花"] * 15 + ["城"] * 15
    labels = [*y[:3], "城", *y[4:]]
    model = build_pipeline("color_histogram", "logistic_regression")
    result = audit(photos[:30], labels, model=model, min_odds=1)
    assert 3 in {entry.image for entry in result.label_errors}
    with pytest.raises(ParameterError, match=r"Pipeline without predict_proba.*Calibrated"):
        audit(photos[:30], y, model=build_pipeline("color_histogram", RidgeClassifier()))


@pytest.mark.parametrize(
    ("y", "note"),
    [
        (None, "labels were not judged"),
        ([0] * 30, "found 1 classes"),
        (list(range(30)), "found 0 classes"),
        ([0] * 12 + [1] * 12 + [2] * 6, "not judged: 1 classes with less than 10"),
    ],
)
def test_labels_that_cannot_be_judged(photos, y, note):
    """No labels, one class, classes of one image, one small class: a remark, and all the rest."""
    result = audit(photos[:30], y)
    assert note in result.label_note
    assert (result.label_errors is None) == ("less than" not in note)
    assert note in result.summary()
    assert result.n_images == 30


def test_copies_across_subsets(photos, tmp_path):
    """A test image that is in train as well is told apart from one that is twice in train."""
    for part, first in (("train", 0), ("test", 8)):
        for name, offset in (("a", 0), ("b", 40)):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(8):
                save(photos[offset + first + i], tmp_path / part / name / f"{i}.jpg")
    save(photos[0], tmp_path / "test" / "a" / "leak.jpg", quality=60)
    save(photos[1], tmp_path / "train" / "a" / "twice.jpg", quality=60)
    result = audit(tmp_path, label_errors=False)
    assert len(result.duplicates) == 2
    (pair,) = result.across_subsets
    assert {Path(result.names[i]).name for i in pair[:2]} == {"leak.jpg", "0.jpg"}
    assert "of other subset" in result.summary()
    assert "other subset" in set(result.to_frame()["reason"])


def test_images_without_classes(photos, tmp_path):
    """A folder of files, a list, and an ImageFolder are all welcome."""
    for i in range(3):
        save(photos[i], tmp_path / f"{i}.jpg")
    result = audit(tmp_path)
    assert (result.n_images, result.target, result.class_counts) == (3, None, {})
    assert result.imbalance is None
    assert audit(ImageSequence([str(tmp_path / "0.jpg")])).duplicates == ()
    assert audit([]).n_images == 0
    assert "images" in audit([]).summary()


def test_an_image_folder_keeps_its_names(folder):
    """What `load_image_folder` gives is audited as it is."""
    data = load_image_folder(folder, on_error="skip")
    result = audit(data, label_errors=False)
    assert result.n_images == 48
    assert result.target_names == ("城", "杯", "花")


def test_progress_is_told(photos):
    """Of every pass over the images, to the end."""
    calls = []
    audit(photos, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(photos), len(photos))


def test_wrong_input_is_one_sentence(photos, tmp_path):
    """Labels and subsets of another number, no folder, no images."""
    with pytest.raises(ParameterError, match="found 2 labels for 3 images"):
        audit(photos[:3], [0, 1])
    with pytest.raises(ParameterError, match="subsets"):
        audit(photos[:3], subset=["train"])
    with pytest.raises(ImageError, match="expected"):
        audit(tmp_path / "nowhere")


def test_pandas_is_optional(result, monkeypatch):
    """Without pandas the table is refused by name; all else works."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="pandas"):
        result.to_frame()
    assert result.rows()


def test_public_names():
    """What the documentation uses is exported."""
    names = {"audit", "Audit", "near_duplicates", "groups_of", "find_label_errors"}
    assert names <= set(classicvis.__all__)
    assert re.search(r"References\n", classicvis.find_label_errors.__doc__)


@pytest.mark.slow
def test_planted_label_errors_of_hands(shared_data, tmp_path):
    """The row of the benchmark on other wrong labels: precision 0.8, recall 0.7."""
    import zipfile

    from benchmarks.audit import measure_labels

    with zipfile.ZipFile(shared_data / "sign-language-digits.zip") as archive:
        archive.extractall(tmp_path)
    row = measure_labels(tmp_path, seed=7)
    assert row["precision"] >= 0.8
    assert row["recall"] >= 0.7
