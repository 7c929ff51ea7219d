"""The layers of the house: imports go downwards only, and importing the package is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import classicvis

PACKAGE = Path(classicvis.__file__).parent
LAYERS = [
    {"exceptions", "_version"},
    {"_files"},
    {"kernels", "images", "backbones"},
    {"functional", "features", "classifiers"},
    {"pipeline", "evaluation", "persistence", "testing", "_warmup"},
    {"auditing"},
    {"comparison"},
    {"cli"},
    {"__main__"},
]
ENGINES = {"keras", "tensorflow", "jax", "torch"}
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
# An extractor is a transformer around the plain function of its descriptor; what feeds a network
# takes images from their one door.
BESIDE = {("features", "functional"), ("backbones", "images")}


def room_of(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {m.split(".")[1] for m in modules if m.startswith("classicvis.")}
    return rooms


def violations(package: Path) -> list[str]:
    """Return one line per import that goes upwards, sideways or to an unknown room."""
    found = []
    for path in sorted(package.rglob("*.py")):
        room = room_of(path, package)
        if room == "__init__":
            continue
        for target in sorted(imported_rooms(path) - {room}):
            allowed = LEVEL.get(target, 99) < LEVEL.get(room, -1) or (room, target) in BESIDE
            if not allowed:
                found.append(f"{path.relative_to(package)} imports {target}")
    return found


def test_imports_go_downwards():
    """No module of the package imports from its own level or above."""
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("room", "statement"),
    [
        ("kernels", "from classicvis.features import HogExtractor"),
        ("images", "import classicvis.kernels.hog"),
        ("features", "def f():\n    from classicvis.pipeline import build_pipeline"),
        ("evaluation", "from classicvis import persistence"),
        ("evaluation", "from classicvis.auditing import groups_of"),
        ("auditing", "from classicvis import comparison"),
        ("nursery", "from classicvis.exceptions import ImageError"),
    ],
)
def test_a_planted_violation_is_caught(tmp_path, room, statement):
    """The walker sees upward, sideways, hidden and unknown imports."""
    (tmp_path / room).mkdir()
    (tmp_path / room / "module.py").write_text(statement)
    assert len(violations(tmp_path)) == 1


def engine_imports(package: Path) -> list[str]:
    """Return the files besides the door that import Keras or an engine below it."""
    found = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            name = path.relative_to(package).as_posix()
            if name != "backbones/keras.py" and {m.split(".")[0] for m in modules} & ENGINES:
                found.append(name)
    return found


def test_one_file_imports_keras():
    """Keras and the engines have one door."""
    assert engine_imports(PACKAGE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import keras",
        "from keras.layers import Dense",
        "def f():\n    import tensorflow as tf",
        "import jax.numpy",
        "from torch import nn",
    ],
)
def test_a_planted_engine_import_is_caught(tmp_path, statement):
    """The walker sees imports of Keras and of each engine, but not those of the door."""
    (tmp_path / "backbones").mkdir()
    (tmp_path / "backbones" / "keras.py").write_text(statement)
    assert engine_imports(tmp_path) == []
    (tmp_path / "backbones" / "_other.py").write_text(statement)
    assert engine_imports(tmp_path) == ["backbones/_other.py"]


def test_files_stay_readable():
    """No file of the package is longer than 400 lines."""
    lengths = {str(p): len(p.read_text("utf-8").splitlines()) for p in PACKAGE.rglob("*.py")}
    assert {path: n for path, n in lengths.items() if n > 400} == {}


def test_import_is_lazy():
    """Importing the package loads none of the heavy libraries."""
    code = "import classicvis, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert "classicvis" in loaded
    heavy = {"numba", "cv2", "skimage", "sklearn", "keras", "tensorflow", "numpy", "matplotlib"}
    assert not loaded & heavy


def test_a_classical_fit_imports_no_engine():
    """A pipeline without a network loads neither Keras nor an engine, whatever is registered."""
    code = """
import sys
import numpy as np
from classicvis import CnnEmbedding, build_pipeline
images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
build_pipeline(["hog", "color_histogram"], "svm").fit(images, [0, 1] * 4).predict(images)
print(*{name.split('.')[0] for name in sys.modules})
"""
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert "sklearn" in loaded
    assert not loaded & ENGINES


def test_every_public_name_exists():
    """All names of the stub can be loaded, and dir() shows them."""
    for name in classicvis.__all__:
        assert getattr(classicvis, name) is not None
    assert "build_pipeline" in dir(classicvis)
