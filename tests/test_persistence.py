"""`save_model`, `load_model`, `read_manifest`: one file, whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from classicvis.classifiers import EnsembleClassifier
from classicvis.exceptions import ModelFileError, ParameterError
from classicvis.persistence import _manifest as manifest_module
from classicvis.persistence import load_model, read_manifest, save_model
from classicvis.pipeline import build_pipeline

ROOT = Path(__file__).parents[1]


class Versioned(FunctionTransformer):
    """Stands for an extractor: it has a version."""

    version = 3


class Images(FunctionTransformer):
    """Stands for the step that prepares images: it has the input contract."""

    def __init__(self, image_size=(8, 8), color="gray", preprocess=(np.flip,)):
        super().__init__()
        self.image_size = image_size
        self.color = color
        self.preprocess = preprocess


@pytest.fixture(scope="module")
def digits():
    """Return features and string labels."""
    data = load_digits()
    return data.data[:200], np.array([f"数字{i}" for i in data.target[:200]])


@pytest.fixture(scope="module")
def model(digits):
    """Return a fitted pipeline of importable parts."""
    return Pipeline([("scaler", StandardScaler()), ("classifier", SVC())]).fit(*digits)


@pytest.fixture
def saved(model, tmp_path):
    """Return the path of a saved model."""
    return save_model(model, tmp_path / "模型.cvm")


def edit(path, **changes):
    """Change entries of the manifest inside a model file; a dict is merged."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        payload = archive.read("model.joblib")
    for key, value in changes.items():
        manifest[key] = {**manifest[key], **value} if isinstance(value, dict) else value
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("model.joblib", payload)


def test_round_trip(saved, model, digits):
    """A loaded model is a plain pipeline that predicts what the saved one did."""
    loaded = load_model(saved)
    assert type(loaded) is Pipeline
    assert_array_equal(loaded.predict(digits[0]), model.predict(digits[0]))
    assert_array_equal(loaded.decision_function(digits[0]), model.decision_function(digits[0]))
    assert [path.name for path in saved.parent.iterdir()] == ["模型.cvm"]


@pytest.fixture(scope="module")
def pictures():
    """Return pictures of digits, uint8 (n, 8, 8), and string labels."""
    data = load_digits()
    return (data.images[:60] * 15).astype(np.uint8), [f"数字{i}" for i in data.target[:60]]


@pytest.fixture(scope="module")
def pipeline(pictures):
    """Return a fitted pipeline of the package's own parts."""
    model = build_pipeline(["hog", "color_histogram"], image_size=(32, 32), color="rgb")
    return model.fit(*pictures)


def test_another_process(pipeline, pictures, tmp_path):
    """Another process in another working directory predicts identically, also by plain joblib."""
    save_model(pipeline, tmp_path / "模型.cvm")
    joblib.dump(pipeline, tmp_path / "模型.joblib")
    np.save(tmp_path / "pictures.npy", pictures[0])
    (tmp_path / "else where").mkdir()
    code = """
import joblib, numpy as np
from classicvis.persistence import load_model
pictures = np.load("../pictures.npy")
for model in load_model("../模型.cvm"), joblib.load("../模型.joblib"):
    print(*model.predict(pictures))
    print(model.decision_function(pictures).tobytes().hex())
"""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", code],
        cwd=tmp_path / "else where",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    labels = " ".join(pipeline.predict(pictures[0]))
    values = pipeline.decision_function(pictures[0]).tobytes().hex()
    assert done.stdout.splitlines() == [labels, values] * 2


def test_manifest_of_a_pipeline(pipeline, tmp_path):
    """The manifest of a pipeline gives its input contract and the versions of its extractors."""
    manifest = read_manifest(save_model(pipeline, tmp_path / "m"))
    assert manifest["input"]["image_size"] == [32, 32]
    assert manifest["input"]["color"] == "rgb"
    assert {entry["name"]: entry["class"] for entry in manifest["extractors"]} == {
        "hog": "HogExtractor",
        "color_histogram": "ColorHistogramExtractor",
        "features": "ExtractorUnion",
    }
    assert all(entry["version"] >= 1 for entry in manifest["extractors"])
    assert manifest["n_features"] == pipeline["features"].n_features_out_
    assert manifest["class_names"] == pipeline.classes_.tolist()


def test_manifest(digits, tmp_path):
    """The manifest says what the model is, what it takes and what it was made with."""
    union = FeatureUnion([("raw", Versioned()), ("unversioned", FunctionTransformer())])
    steps = [("images", Images()), ("features", union), ("classifier", SVC())]
    model = Pipeline(steps).fit(*digits)
    names = [f"digit {i}" for i in range(10)]
    path = save_model(
        model, tmp_path / "m", class_names=names, metrics={"accuracy": np.float64(0.5)}
    )
    manifest = read_manifest(path)
    assert manifest["format"] == "classicvis-model"
    assert manifest["class_names"] == names
    assert manifest["classes"] == model.classes_.tolist()
    assert manifest["input"]["image_size"] == [8, 8]
    assert manifest["input"]["color"] == "gray"
    assert manifest["input"]["preprocess"] == ["flip"]
    assert "paths" in manifest["input"]["accepts"]
    (extractor,) = manifest["extractors"]
    assert extractor == {"name": "raw", "module": __name__, "class": "Versioned", "version": 3}
    assert manifest["n_features"] == 128
    assert manifest["classifier"] == "SVC"
    assert manifest["metrics"] == {"accuracy": 0.5}
    assert manifest["created"].endswith("+00:00")
    assert manifest["versions"]["numpy"] == np.__version__
    assert set(manifest["versions"]) >= {"classicvis", "python", "scikit-learn", "opencv", "numba"}
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[0] == "manifest.json"


def test_manifest_of_other_models(digits, tmp_path):
    """A search describes its winner; a bare classifier has no input contract."""
    pipeline = Pipeline([("scaler", Versioned()), ("classifier", SVC())])
    search = GridSearchCV(pipeline, {"classifier__C": [1, 2]}, cv=2).fit(*digits)
    manifest = read_manifest(save_model(search, tmp_path / "search"))
    assert manifest["classifier"] == "SVC"
    assert manifest["extractors"][0]["version"] == 3
    manifest = read_manifest(save_model(SVC().fit(*digits), tmp_path / "svc"))
    assert manifest["input"] is None
    assert manifest["class_names"] == manifest["classes"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: VotingClassifier([("a", model), ("b", SVC())]),
        lambda model: EnsembleClassifier([("a", model), ("b", model)], cv=2),
        lambda model: Pipeline([("all", EnsembleClassifier([("a", model)], method="vote"))]),
    ],
)
def test_extractors_inside_other_models_are_checked(digits, wrap, tmp_path, monkeypatch):
    """The manifest lists an extractor once, wherever it is, and another version is refused."""
    model = wrap(Pipeline([("features", Versioned()), ("classifier", SVC())])).fit(*digits)
    path = save_model(model, tmp_path / "m")
    assert [entry["class"] for entry in read_manifest(path)["extractors"]] == ["Versioned"]
    load_model(path)
    monkeypatch.setattr(Versioned, "version", 4)
    with pytest.raises(ModelFileError, match="version 3 of Versioned"):
        load_model(path)


def test_class_names_go_by_label(digits, tmp_path):
    """Integer labels index the class names, so that an absent class shifts nothing."""
    codes = np.where(np.arange(200) % 2, 0, 2)
    model = SVC().fit(digits[0], codes)
    manifest = read_manifest(save_model(model, tmp_path / "m", class_names=["a", "b", "c"]))
    assert manifest["class_names"] == ["a", "c"]
    with pytest.raises(ParameterError, match="1 class_names for 2 classes"):
        save_model(model, tmp_path / "n", class_names=["a"])


def test_manifest_is_read_without_unpickling(saved, monkeypatch):
    """Reading the manifest, and refusing a model, never reaches the pickle."""

    def fail(*args, **kwargs):
        raise AssertionError("unpickled")

    monkeypatch.setattr(joblib, "load", fail)
    assert read_manifest(saved)["format_version"] == 1
    edit(saved, versions={"scikit-learn": "0.9.1"})
    with pytest.raises(ModelFileError):
        load_model(saved)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(Pipeline([("c", SVC())]), "not fitted"), (SVC(), "not fitted"), ({"a": 1}, "found dict")],
)
def test_only_fitted_models_are_saved(wrong, message, tmp_path):
    """What is not fitted, or no model, is refused before a file is made."""
    with pytest.raises(ParameterError, match=message):
        save_model(wrong, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_model_that_cannot_be_pickled(digits, tmp_path):
    """A lambda in the pipeline is named as the reason, and no file is made."""
    steps = [("f", FunctionTransformer(lambda X: X)), ("classifier", SVC())]
    with pytest.raises(ModelFileError, match=r"cannot be pickled .*lambda"):
        save_model(Pipeline(steps).fit(*digits), tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_metadata_that_json_cannot_hold(model, tmp_path):
    """A value that JSON cannot hold is refused, not turned into something else."""
    with pytest.raises(ParameterError, match="found object"):
        save_model(model, tmp_path / "m", metadata={"x": object()})
    assert not list(tmp_path.iterdir())


# -- damage ------------------------------------------------------------------------------------


def test_every_truncation_is_told(saved):
    """A file cut at any length is refused in a sentence."""
    data = saved.read_bytes()
    lengths = [*range(70), *np.linspace(70, len(data) - 1, 60).astype(int), len(data) - 1]
    for length in lengths:
        saved.write_bytes(data[:length])
        with pytest.raises(ModelFileError, match=r"damaged|empty|not a classicvis model"):
            load_model(saved)


def test_flipped_bytes_never_change_a_prediction(saved, model, digits):
    """With any one byte wrong the model is refused, or loads unharmed."""
    data = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        begin = archive.getinfo("model.joblib").header_offset
        directory = archive.start_dir
    rng = np.random.default_rng(0)
    headers = [*range(45), *range(begin, begin + 45), *range(directory, len(data))]
    inside = rng.integers(0, len(data), 100).tolist()
    expected = model.predict(digits[0][:20])
    n_refused = 0
    for position in headers + inside:
        broken = bytearray(data)
        broken[position] ^= 0xFF
        saved.write_bytes(broken)
        try:
            loaded = load_model(saved)
        except ModelFileError:
            n_refused += 1
            continue
        assert_array_equal(loaded.predict(digits[0][:20]), expected)
    assert n_refused > 200


def test_wrong_checksum(saved):
    """A payload that the zip itself finds whole is checked against the manifest."""
    edit(saved, payload={"sha256": "0" * 64})
    with pytest.raises(ModelFileError, match=r"checksum.*copy it again"):
        load_model(saved)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"hello world", "not a classicvis model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a classicvis model"),
        (b"PK\x03\x04" + bytes(100), "damaged or cut off"),
    ],
)
@pytest.mark.parametrize("function", [load_model, read_manifest])
def test_files_of_other_kinds(tmp_path, content, message, function):
    """A file that is no model is called what it is."""
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        function(tmp_path / "m")


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3)])
def test_plain_joblib_file(model, tmp_path, compress):
    """A plain joblib file is recognised, and the message says how to load it."""
    joblib.dump(model, tmp_path / "m", compress=compress)
    with pytest.raises(ModelFileError, match=r"joblib\.load"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    "manifest", [None, "[]", "{}", '{"format": "x"}', '{"format": "classicvis-model"}']
)
def test_foreign_zip(tmp_path, manifest):
    """A zip archive that is no model is refused, whatever its manifest."""
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        archive.writestr("manifest.json" if manifest else "a.txt", manifest or "a")
    with pytest.raises(ModelFileError, match="zip archive but not a classicvis model"):
        load_model(tmp_path / "m")


def test_missing_file_and_folder(tmp_path):
    """A path where there is no file gives a sentence that names it."""
    with pytest.raises(ModelFileError, match=r"没有\.cvm: .*No such file"):
        load_model(tmp_path / "没有.cvm")
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_model(tmp_path)


# -- versions ----------------------------------------------------------------------------------


def test_newer_format(saved):
    """A file of a newer format says which classicvis wrote it and how to update."""
    edit(saved, format_version=99, versions={"classicvis": "7.1.0"})
    for function in (load_model, read_manifest):
        with pytest.raises(ModelFileError, match=r"format 99 of classicvis 7\.1\.0.*install -U"):
            function(saved)


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("classicvis", "9.2.0", r'saved by classicvis 9\.2\.0.*"classicvis==9\.2\.0"'),
        ("scikit-learn", "1.2.3", r'scikit-learn 1\.2\.3, installed.*"scikit-learn==1\.2\.3"'),
        ("scikit-learn", None, "scikit-learn None"),
    ],
)
def test_other_versions(saved, digits, package, version, message):
    """A version that may change predictions is refused with the fix, unless it is allowed."""
    edit(saved, versions={package: version})
    with pytest.raises(ModelFileError, match=message):
        load_model(saved)
    with pytest.warns(UserWarning, match=message):
        loaded = load_model(saved, allow_version_mismatch=True)
    assert len(loaded.predict(digits[0])) == 200


@pytest.mark.parametrize("package", ["classicvis", "scikit-learn"])
def test_patch_versions_may_differ(saved, package):
    """Versions that differ in the last number only are loaded without a word."""
    versions = read_manifest(saved)["versions"]
    edit(saved, versions={package: versions[package].rsplit(".", 1)[0] + ".99"})
    with warnings.catch_warnings(action="error"):
        load_model(saved)


def test_extractor_of_another_version(digits, tmp_path, monkeypatch):
    """An extractor whose numbers have changed since is refused, and named."""
    model = Pipeline([("features", Versioned()), ("classifier", SVC())]).fit(*digits)
    path = save_model(model, tmp_path / "m")
    load_model(path)
    monkeypatch.setattr(Versioned, "version", 4)
    with pytest.raises(ModelFileError, match="version 3 of Versioned, installed is version 4"):
        load_model(path)


def test_extractor_that_is_not_installed(saved):
    """An extractor of a package that is missing is named with its package."""
    gone = {"name": "x", "module": "no_such_plugin.x", "class": "X", "version": 1}
    edit(saved, extractors=[gone])
    with pytest.raises(ModelFileError, match="installed is none: install the package no_such_plug"):
        load_model(saved)


def test_class_that_has_gone(digits, tmp_path, monkeypatch):
    """What unpickling cannot find becomes a sentence with the saved versions."""
    model = Pipeline([("features", Images()), ("classifier", SVC())]).fit(*digits)
    path = save_model(model, tmp_path / "m")
    monkeypatch.delattr(sys.modules[__name__], "Images")
    with pytest.raises(ModelFileError, match=r"cannot be rebuilt .*Images.* numpy \d"):
        load_model(path)


def test_opencv_is_found_under_any_of_its_names(monkeypatch):
    """The version of OpenCV is that of whichever distribution is installed."""

    def version(name):
        if name == "opencv-python-headless":
            return "4.9"
        raise manifest_module.PackageNotFoundError(name)

    monkeypatch.setattr(manifest_module, "version", version)
    assert manifest_module._versions()["opencv"] == "4.9"
    assert manifest_module._versions()["numba"] is None


# -- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("where", ["os.fsync", "os.replace", "zipfile.ZipFile.writestr"])
def test_failure_leaves_no_trace(saved, model, monkeypatch, error, where):
    """Wherever writing fails, no temporary file stays and the older model is as it was."""
    before = saved.read_bytes()

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(where, fail)
    expected = KeyboardInterrupt if error is KeyboardInterrupt else ModelFileError
    for path in (saved, saved.parent / "new" / "deep" / "m.cvm"):
        with pytest.raises(expected):
            save_model(model, path)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    assert saved.read_bytes() == before


def test_place_that_cannot_be_written(model, saved):
    """A folder in the place of the file, or a file in that of the folder, gives a sentence."""
    with pytest.raises(ModelFileError, match="it is a folder"):
        save_model(model, saved.parent)
    with pytest.raises(ModelFileError, match=r"cannot be written .*choose a file in a folder"):
        save_model(model, saved / "m.cvm")


def test_folders_are_made_and_files_replaced(model, digits, tmp_path):
    """Missing folders on the way are made, and an older model is replaced."""
    path = tmp_path / "a" / "b" / "m.cvm"
    path.parent.mkdir(parents=True)
    path.write_text("old")
    assert save_model(model, str(path)) == path
    other = save_model(model, tmp_path / "c" / "d" / "m.cvm", metadata={"note": "中文"})
    assert read_manifest(other)["metadata"] == {"note": "中文"}
    assert_array_equal(load_model(path).predict(digits[0]), model.predict(digits[0]))


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_are_the_usual_ones(saved):
    """Others may read a model as they may any new file, although it was a temporary one."""
    (saved.parent / "usual").touch()
    assert saved.stat().st_mode == (saved.parent / "usual").stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_link_stays_a_link(model, saved):
    """Through a link, the file that it points to is replaced and the link stays."""
    before = saved.read_bytes()
    link = saved.parent / "latest.cvm"
    link.symlink_to(saved)
    save_model(model, link, metadata={"note": "new"})
    assert link.is_symlink()
    assert saved.read_bytes() != before
