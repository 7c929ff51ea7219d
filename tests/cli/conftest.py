"""A trained model and a folder with a broken file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from classicvis.cli import main
from tests.cli.helpers import QUICK


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
