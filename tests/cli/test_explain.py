"""`classicvis explain` and `classicvis export`."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image

from classicvis.cli import main
from tests.cli.helpers import error_of


def test_explain_writes_a_picture_per_image(model, photo_folder, tmp_path, capsys):
    """Pictures are numbered in the order of names, and show something."""
    out = tmp_path / "图"
    images = [str(photo_folder / "花" / f"图 0{i}.jpg") for i in (1, 0)]
    assert main(["explain", str(model), *images, "-o", str(out), "-q"]) == 0
    assert sorted(os.listdir(out)) == ["001-图 01.png", "002-图 00.png"]
    assert "2 pictures" in capsys.readouterr().out
    assert np.ptp(np.asarray(Image.open(out / "001-图 01.png"))) == 255


def test_explain_another_class(model, photo_folder, tmp_path, capsys):
    """`--target` takes the name of a class; an unknown one is told with the nearest."""
    image = str(photo_folder / "花" / "图 00.jpg")
    for target in ("花", "china"):
        out = tmp_path / target
        assert main(["explain", str(model), image, "-o", str(out), "--target", target, "-q"]) == 0
    pictures = [(tmp_path / name / "001-图 00.png").read_bytes() for name in ("花", "china")]
    assert pictures[0] != pictures[1]
    sentence = error_of(capsys, "explain", model, image, "-o", tmp_path / "x", "--target", "chino")
    assert "did you mean 'china'?" in sentence
    assert not (tmp_path / "x").exists()


def test_explain_leaves_unreadable_images_out(model, broken_folder, tmp_path, capsys):
    """They are listed, the others are drawn, and the exit code is 3."""
    bad, good = broken_folder / "china" / "坏 0.jpg", broken_folder / "china" / "图 00.jpg"
    assert main(["explain", str(model), str(bad), str(good), "-o", str(tmp_path / "out")]) == 3
    assert os.listdir(tmp_path / "out") == ["002-图 00.png"]
    assert "坏 0.jpg" in capsys.readouterr().err


def test_classical_models_are_not_exported(model, tmp_path, capsys):
    """The sentence says what can be."""
    sentence = error_of(capsys, "export", model, tmp_path / "m.onnx")
    assert "not yet a network" in sentence
    assert os.listdir(tmp_path) == []
