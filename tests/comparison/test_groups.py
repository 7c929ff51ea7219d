"""Near-duplicates stay in one fold, and what they would have added is told."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from classicvis import build_pipeline
from classicvis.cli import main
from classicvis.comparison import compare


def encoded(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def lottery():
    """Return pictures whose classes are drawn by lot, each twice, and the classes."""
    rng = np.random.default_rng(0)
    pictures, labels = [], []
    for i in range(40):
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC))
        pictures += [encoded(pixels, 95), encoded(pixels, 70)]
        labels += ["甲", "乙"][i % 2 : i % 2 + 1] * 2
    return pictures, labels


def test_what_cannot_be_learnt_is_not_learnt(lottery):
    """Copies in other folds would make chance look like knowledge."""
    model = build_pipeline("color_histogram", "knn", image_size=(32, 32))
    model.set_params(classifier__n_neighbors=1, features__bins=(4, 4, 4))
    found = compare([model], *lottery, costs=False)
    assert found.leakage.n_images == 80
    assert found.leakage.naive_accuracy > 0.9
    assert 0.2 < found.best.accuracy < 0.8
    assert "80 images have a near-duplicate" in found.summary()
    folds = found.best.evaluation
    assert len(np.unique(found.groups)) == 40
    assert folds.n_samples == 80


def test_groups_can_be_given_or_left_out(lottery):
    """Labels of groups, or None for images that are all of their own."""
    pictures, labels = lottery
    model = build_pipeline("color_histogram", "knn", image_size=(32, 32))
    groups = np.arange(80) // 2
    given = compare([model], pictures, labels, groups=groups, costs=False)
    assert given.leakage is None
    np.testing.assert_array_equal(given.groups, groups)
    alone = compare([model], pictures, labels, groups=None, costs=False)
    assert alone.groups is None
    assert alone.best.accuracy > given.best.accuracy


def test_train_keeps_duplicates_together(lottery, tmp_path, capsys):
    """`train --cv` says how many there are and what a naive split would have told."""
    for i, (picture, label) in enumerate(zip(*lottery, strict=True)):
        path = tmp_path / "photos" / label / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    command = ["train", str(tmp_path / "photos"), "-o", str(tmp_path / "m"), "--classifier", "knn"]
    command += ["--features", "color_histogram", "--image-size", "32"]
    command += ["--set", "classifier__n_neighbors=1"]
    assert main(command) == 0
    told = capsys.readouterr()
    assert "80 images with a near-duplicate" in told.err
    grouped, naive = _accuracy(told.out), float(told.err.split("have told ")[1].split()[0])
    assert naive > grouped + 0.2
    assert main([*command, "--no-groups"]) == 0
    told = capsys.readouterr()
    assert _accuracy(told.out) == pytest.approx(naive, abs=1e-4)
    assert "near-duplicate" not in told.err


def _accuracy(out):
    return float(out.split("accuracy ")[1].split()[0])
