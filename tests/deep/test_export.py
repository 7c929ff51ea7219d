"""Export: what other runtimes make of the files, and files that are refused."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from classicvis import (
    CnnClassifier,
    CnnEmbedding,
    ImagePreprocessor,
    build_pipeline,
    explain,
    export_model,
    save_model,
)
from classicvis.backbones.keras import load_keras
from classicvis.classifiers import LinearSvm
from classicvis.cli import main
from classicvis.exceptions import MissingDependencyError, ModelFileError, ParameterError
from classicvis.persistence import _export_formats
from tests.deep.helpers import SIDE, Given, GivenFeatures, tiny_backbone, tiny_network

WRITES = {
    "tensorflow": {".keras", ".h5", ".hdf5", ".tflite", ".onnx"},
    "jax": {".keras", ".h5", ".hdf5"},
    "torch": {".keras", ".h5", ".hdf5", ".onnx"},
}
PACKAGE = {".tflite": "ai_edge_litert", ".onnx": "onnxruntime"}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Noise of many contrasts, at another size than the network's."""
    rng = np.random.default_rng(3)
    return (rng.random((24, 30, 26, 3)) * rng.uniform(40, 255, (24, 1, 1, 3))).astype(np.uint8)


def writable(suffix: str) -> str:
    """Return the suffix; skips where engine or packages cannot write it."""
    engine = load_keras().backend.backend()
    if suffix not in WRITES[engine]:
        pytest.skip(f"{engine} writes no {suffix}")
    if suffix in PACKAGE:
        pytest.importorskip(PACKAGE[suffix])
    return suffix


def deep_pipeline(*steps, network=None) -> Pipeline:
    features = GivenFeatures(tiny_network(0) if network is None else network)
    named = [(f"step{i}", step) for i, step in enumerate(steps[:-1])]
    images = ("images", ImagePreprocessor((SIDE, SIDE)))
    return Pipeline([images, ("features", features), *named, ("classifier", steps[-1])])


def cnn_pipeline(network=None, **params) -> Pipeline:
    network = tiny_network(3, activation="softmax") if network is None else network
    return build_pipeline(None, Given(network), **{"image_size": (SIDE, SIDE), **params})


def run_elsewhere(path: Path, images: np.ndarray) -> np.ndarray:
    """Run a file as its documentation says, without classicvis."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: images})[0]
    if path.suffix == ".tflite":
        from ai_edge_litert.interpreter import Interpreter

        run = Interpreter(str(path)).get_signature_runner()
        (name,) = run.get_input_details()
        return np.concatenate([next(iter(run(**{name: i[None]}).values())) for i in images])
    return load_keras().saving.load_model(path).predict(images, verbose=0)


PIPELINES = {
    "cnn": (3, lambda: cnn_pipeline()),
    "linear_svm": (3, lambda: deep_pipeline(Normalizer(), LinearSvm(C=10))),
    "two classes": (2, lambda: deep_pipeline(Normalizer(), LinearSVC())),
    "logistic": (3, lambda: deep_pipeline(StandardScaler(), LogisticRegression())),
    "logistic of two": (2, lambda: deep_pipeline(LogisticRegression())),
    "votes": (4, lambda: deep_pipeline(StandardScaler(), SVC(kernel="linear"))),
    "pairs": (3, lambda: deep_pipeline(SVC(kernel="linear", decision_function_shape="ovo"))),
    "chain": (
        3,
        lambda: deep_pipeline(
            StandardScaler(with_std=False),
            PCA(4, whiten=True),
            Normalizer(),
            StandardScaler(with_mean=False),
            SGDClassifier(random_state=0),
        ),
    ),
    "passthrough": (3, lambda: deep_pipeline("passthrough", PCA(3), Normalizer(), LinearSvm())),
    "norm last but one": (3, lambda: deep_pipeline(StandardScaler(), Normalizer(), LinearSvm())),
}


def fitted(name: str, images: np.ndarray) -> Pipeline:
    n_classes, make = PIPELINES[name]
    return make().fit(images, np.array(["猫", "b", "c", "d"])[np.arange(24) % n_classes])


def answers(model: Pipeline, images: np.ndarray) -> np.ndarray:
    is_probable = isinstance(model[-1], Given | LogisticRegression)
    answers = model.predict_proba(images) if is_probable else model.decision_function(images)
    return answers.reshape(len(images), -1)


@pytest.mark.parametrize("name", PIPELINES)
def test_every_head_is_exported(name, images, tmp_path):
    """Steps and classifiers become layers whose answers are the pipeline's."""
    model = fitted(name, images)
    done = export_model(model, tmp_path / "m.keras", samples=images)
    resized = np.stack(list(ImagePreprocessor((SIDE, SIDE)).transform(images[:5])))
    found = run_elsewhere(done.path, resized.astype(np.float32))
    expected = answers(model, images[:5])
    assert np.ptp(expected, axis=0).max() > 1e-3  # they tell the images apart
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert done.difference <= 1e-4 * max(1, np.abs(expected).max() * 10)
    assert os.listdir(tmp_path) == ["m.keras"]


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".tflite", ".onnx"])
@pytest.mark.parametrize("name", ["cnn", "votes", "chain"])
def test_every_format_answers_as_the_pipeline(name, suffix, images, tmp_path):
    """The runtime of each format, called from outside, gives the pipeline's answers."""
    model = fitted(name, images)
    done = export_model(model, tmp_path / f"m{writable(suffix)}")
    resized = np.stack(list(ImagePreprocessor((SIDE, SIDE)).transform(images[:5])))
    found = run_elsewhere(done.path, resized.astype(np.float32))
    np.testing.assert_allclose(found, answers(model, images[:5]), rtol=1e-4, atol=1e-4)


def read_contract(path: Path) -> dict:
    """Read the contract with nothing but the libraries of the format."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return json.loads(session.get_modelmeta().custom_metadata_map["classicvis.json"])
    if path.suffix == ".h5":
        import h5py

        with h5py.File(path) as file:
            return json.loads(file.attrs["classicvis.json"])
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("classicvis.json"))


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".tflite", ".onnx"])
def test_the_file_says_what_it_takes_and_gives(suffix, images, tmp_path):
    """Classes, names, size, colour and kind of output lie in the file."""
    model = fitted("two classes", images)
    path = tmp_path / f"m{writable(suffix)}"
    done = export_model(model, path, class_names=["a bear", "一只猫"])
    contract = read_contract(path)
    assert contract == done.contract
    assert contract["input"] == {
        "shape": [SIDE, SIDE, 3],
        "dtype": "float32",
        "range": [0, 255],
        "color": "rgb",
        "resize": "stretch",
    }
    assert contract["output"] == "decision values"
    assert contract["classes"] == ["b", "猫"]
    assert contract["class_names"] == ["a bear", "一只猫"]


def test_a_trained_cnn_is_exported(images, tmp_path):
    """`CnnClassifier`, with a network for grey images of the size they had in training."""
    grey = np.ascontiguousarray(images[..., 0])
    cnn = CnnClassifier("simple", width=2, epochs=1, random_state=0)
    model = build_pipeline(None, cnn, color="gray").fit(grey, np.arange(24) % 2)
    done = export_model(model, tmp_path / "m.keras", samples=grey)
    assert done.contract["input"]["shape"] == [30, 26, 1]
    assert done.contract["input"]["color"] == "gray"
    assert done.contract["output"] == "probabilities"
    assert getattr(load_keras().saving.load_model(done.path), "optimizer", None) is None
    found = run_elsewhere(done.path, grey[:3, ..., None].astype(np.float32))
    np.testing.assert_allclose(found, model.predict_proba(grey[:3]), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "suffix"),
    [({}, ".keras"), ({}, ".h5"), ({}, ".onnx"), ({}, ".tflite")]
    + [({"flip": True, "pooling": "gem"}, suffix) for suffix in (".keras", ".onnx", ".tflite")],
)
def test_an_embedding_is_exported(options, suffix, images, tmp_path):
    """`CnnEmbedding` and the pipeline's own scaler, mirrored or not."""
    embedding = CnnEmbedding(tiny_backbone, image_size=(32, 28), **options)
    model = build_pipeline(embedding, "linear_svm").fit(images, np.arange(24) % 3)
    done = export_model(model, tmp_path / f"m{writable(suffix)}", samples=images)
    resized = np.stack(list(model["images"].transform(images[:4])))
    assert resized.shape == (4, 32, 28, 3)
    found = run_elsewhere(done.path, resized.astype(np.float32))
    np.testing.assert_allclose(found, model.decision_function(images[:4]), atol=1e-4)
    result = explain(model, images[:2])
    assert result.method == "grad_cam"
    assert result.maps.shape == (2, 32, 28)


def test_a_search_exports_its_winner(images, tmp_path):
    """A fitted search is its best pipeline."""
    search = GridSearchCV(deep_pipeline(LinearSvm()), {"classifier__C": [0.1, 1.0]}, cv=2)
    search.fit(images, np.arange(24) % 3)
    assert export_model(search, tmp_path / "m.keras").contract["classes"] == [0, 1, 2]


def test_grey_pictures_for_a_network_of_three_channels(images, tmp_path):
    """They are repeated, which the contract tells."""
    model = cnn_pipeline(color="gray").fit(images, np.arange(24) % 3)
    model["classifier"].network = tiny_network(3, activation="softmax", n_channels=1)
    done = export_model(model, tmp_path / "m.keras", samples=images)
    assert done.contract["input"] == {**done.contract["input"], "color": "gray"}


class Warmer(Given):
    """Softens the probabilities of its network, which the network does not know."""

    def predict_proba(self, X):
        soft = super().predict_proba(X) + 0.01
        return soft / soft.sum(axis=1, keepdims=True)


def test_a_file_that_answers_differently_is_refused(images, tmp_path):
    """Nothing is written, the old file stays, and the sentence tells by how much it differs."""
    path = tmp_path / "m.keras"
    path.write_text("old")
    warmer = Warmer(tiny_network(3, activation="softmax"))
    model = build_pipeline(None, warmer, image_size=(SIDE, SIDE)).fit(images, np.arange(24) % 3)
    with pytest.raises(ModelFileError, match=r"nothing was written.*by up to 0\.0"):
        export_model(model, path, samples=images)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m.keras"]
    assert export_model(model, path, samples=images, tolerance=0.1).difference > 1e-3


def test_answers_that_are_no_numbers_are_refused(images, tmp_path):
    """NaN never passes for agreement."""
    model = cnn_pipeline().fit(images, np.arange(24) % 3)
    scores = model["classifier"].network.get_layer("scores")
    scores.set_weights([np.full(w.shape, np.nan) for w in scores.weights])
    with pytest.raises(ModelFileError, match="nothing was written"):
        export_model(model, tmp_path / "m.keras", samples=images)
    assert os.listdir(tmp_path) == []


def test_a_network_that_the_format_cannot_hold(images, tmp_path):
    """HDF5 holds layers and no other operations; the sentence says what Keras said."""
    keras = load_keras()
    inputs = keras.Input((SIDE, SIDE, 3))
    network = tiny_network(3, activation="softmax")
    network = keras.Model(inputs, network(keras.ops.flip(inputs, -1)))
    model = cnn_pipeline(network).fit(images, np.arange(24) % 3)
    with pytest.raises(ModelFileError, match=r"cannot be had as HDF5 \(.*Flip"):
        export_model(model, tmp_path / "m.h5", samples=images)
    assert os.listdir(tmp_path) == []
    export_model(model, tmp_path / "m.keras", samples=images)


@pytest.mark.parametrize("suffix", [".onnx", ".tflite", ".h5"])
def test_a_network_that_standardises_its_input(suffix, images, tmp_path):
    """`Normalization`, which EfficientNets begin with, holds tensors that are no weights."""
    keras = load_keras()
    inputs = keras.Input((SIDE, SIDE, 3))
    network = keras.Model(
        inputs, tiny_network(3, activation="softmax")(keras.layers.Normalization()(inputs))
    )
    network.layers[1].set_weights(
        [np.array([100.0, 90.0, 110.0]), np.array([900.0, 3000.0, 2000.0]), np.array(0)]
    )
    network.layers[1].finalize_state()
    model = cnn_pipeline(network).fit(images, np.arange(24) % 3)
    before = model.predict_proba(images[:4])
    done = export_model(model, tmp_path / f"m{writable(suffix)}", samples=images)
    resized = np.stack(list(ImagePreprocessor((SIDE, SIDE)).transform(images[:4])))
    found = run_elsewhere(done.path, resized.astype(np.float32))
    np.testing.assert_allclose(found, before, atol=1e-5)
    np.testing.assert_array_equal(model.predict_proba(images[:4]), before)


REFUSED = [
    (lambda: build_pipeline("hog", "linear_svm", image_size=32), "not yet a network"),
    (lambda: deep_pipeline(Normalizer(), SVC()), "found the classifier SVC"),
    (lambda: deep_pipeline(Normalizer("l1"), LinearSvm()), r"found the step Normalizer\(norm='l1'"),
    (lambda: cnn_pipeline(color="hsv"), "color='hsv'"),
    (lambda: cnn_pipeline(preprocess="clahe"), "images__preprocess"),
    (lambda: cnn_pipeline(image_size=SIDE), r"images__image_size to \(20, 20\)"),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_pipelines_that_are_no_network(make, sentence, images, tmp_path):
    """What cannot be exported is told in one sentence, before anything is written."""
    model = make().fit(images, np.arange(24) % 3)
    with pytest.raises(ParameterError, match=sentence):
        export_model(model, tmp_path / "m.keras")
    assert os.listdir(tmp_path) == []


def test_bad_calls(images, tmp_path):
    """An unfitted pipeline, an unknown suffix, no samples."""
    with pytest.raises(ParameterError, match="not fitted"):
        export_model(build_pipeline(None, CnnClassifier()), tmp_path / "m.keras")
    model = cnn_pipeline().fit(images, np.arange(24) % 3)
    with pytest.raises(ParameterError, match=r"unknown suffix.*'.pb'"):
        export_model(model, tmp_path / "m.pb")
    with pytest.raises(ParameterError, match="at least one image"):
        export_model(model, tmp_path / "m.keras", samples=[])


def test_a_missing_package_is_named_with_its_extra(images, tmp_path, monkeypatch):
    """Without the runtime of a format the sentence says what to install."""
    suffix = next(s for s in (".tflite", ".onnx") if writable(s))
    model = cnn_pipeline().fit(images, np.arange(24) % 3)
    monkeypatch.setattr(_export_formats, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classicvis\[export\]'"):
        export_model(model, tmp_path / f"m{suffix}")


def test_an_engine_that_cannot_write_a_format_says_which_can(images, tmp_path):
    """The sentence names the engines that write the format, and the way there."""
    engine = load_keras().backend.backend()
    missing = sorted(WRITES["tensorflow"] - WRITES[engine])
    if not missing:
        pytest.skip("this engine writes every format")
    model = cnn_pipeline().fit(images, np.arange(24) % 3)
    for suffix in missing:
        with pytest.raises(ParameterError, match=rf"'{engine}', which.*KERAS_BACKEND=tensorflow"):
            export_model(model, tmp_path / f"m{suffix}")


def test_the_command_exports_and_explains(images, tmp_path, capsys):
    """A saved model becomes a file that carries the names of its classes."""
    model = build_pipeline(CnnEmbedding(tiny_backbone), "logistic_regression").fit(
        images, np.arange(24) % 2
    )
    save_model(model, tmp_path / "a.model", class_names=["猫", "狗"])
    Image.fromarray(images[0]).save(tmp_path / "photo.png")
    assert main(["export", str(tmp_path / "a.model"), str(tmp_path / "a.keras")]) == 0
    assert "probabilities of 2 classes" in capsys.readouterr().out
    assert read_contract(tmp_path / "a.keras")["class_names"] == ["猫", "狗"]
    arguments = ["explain", tmp_path / "a.model", tmp_path / "photo.png", "-o", tmp_path / "out"]
    assert main([*map(str, arguments), "--method", "grad_cam"]) == 0
    assert os.listdir(tmp_path / "out") == ["001-photo.png"]
