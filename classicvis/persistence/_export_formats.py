"""The formats of an exported network: how each is written, described and run."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from classicvis.backbones._networks import leaf_layers
from classicvis.backbones.keras import ENGINES, load_keras, network_lock
from classicvis.exceptions import MissingDependencyError, ParameterError, unknown_name

CONTRACT = "classicvis.json"
"""Where a file holds its contract: a member of a zip archive, or an entry of the metadata."""


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes
    ----------
    name : str
        What people call it.
    write : callable
        ``write(network, path)`` writes a Keras model.
    describe : callable
        ``describe(path, text)`` puts the contract, a JSON text, into the file.
    run : callable
        ``run(path, images)`` returns what the runtime of the format makes of images: float32
        (n, h, w, c) to (n, n_outputs).
    packages : mapping of str to tuple of str
        The engines that write it, and the packages that writing and running need there.
    """

    name: str
    write: Callable[[Any, Path], None]
    describe: Callable[[Path, str], None]
    run: Callable[[Path, np.ndarray], np.ndarray]
    packages: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: dict.fromkeys(ENGINES, ())
    )


def format_of(path: Path) -> Format:
    """Return the format that the suffix of a path names, whose packages are installed.

    Raises
    ------
    ParameterError
        For another suffix, or one that the engine in use cannot write.
    MissingDependencyError
        Without the packages that the format needs.
    """
    if path.suffix.lower() not in FORMATS:
        raise unknown_name("suffix of an exported network", path.suffix, FORMATS)
    chosen = FORMATS[path.suffix.lower()]
    engine = load_keras().backend.backend()
    if engine not in chosen.packages:
        raise ParameterError(
            f"{path}: found the engine {engine!r}, which writes no {chosen.name} file, expected "
            f"one of {', '.join(chosen.packages)}; save the model and export it in a process with "
            "KERAS_BACKEND=tensorflow."
        )
    missing = [name for name in chosen.packages[engine] if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"{path}: {chosen.name} files need {', '.join(missing)}, not installed here; "
            "run `pip install 'classicvis[export]'`."
        )
    return chosen


def _save(network: Any, path: Path) -> None:
    network.save(path)


def _run_keras(path: Path, images: np.ndarray) -> np.ndarray:
    with network_lock:
        network = load_keras().saving.load_model(path, compile=False)
        return np.asarray(network.predict(images, batch_size=8, verbose=0))


def _write_onnx(network: Any, path: Path) -> None:
    shape = (None, *network.input_shape[1:])
    signature = [load_keras().InputSpec(dtype="float32", shape=shape, name="images")]
    with _constants_as_arrays(network):
        network.export(path, format="onnx", verbose=False, input_signature=signature)


@contextmanager
def _constants_as_arrays(network: Any) -> Iterator[None]:
    """Let `Normalization` layers hold arrays; tf2onnx takes their tensors for further inputs."""
    keras = load_keras()
    layers = [x for x in leaf_layers(network) if isinstance(x, keras.layers.Normalization)]
    tensors = [(layer.mean, layer.variance) for layer in layers]
    try:
        for layer, (mean, variance) in zip(layers, tensors, strict=True):
            layer.mean = keras.ops.convert_to_numpy(mean)
            layer.variance = keras.ops.convert_to_numpy(variance)
        yield
    finally:
        for layer, (mean, variance) in zip(layers, tensors, strict=True):
            layer.mean, layer.variance = mean, variance


def _run_onnx(path: Path, images: np.ndarray) -> np.ndarray:
    runtime = import_module("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {session.get_inputs()[0].name: images})
    return np.asarray(outputs)


def _describe_onnx(path: Path, text: str) -> None:
    onnx = import_module("onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CONTRACT: text})
    onnx.save(model, path)


def _write_litert(network: Any, path: Path) -> None:
    shape = (1, *network.input_shape[1:])  # one image: phones plan their memory ahead
    signature = [load_keras().InputSpec(dtype="float32", shape=shape, name="images")]
    network.export(path, format="litert", verbose=False, input_signature=signature)


def _run_litert(path: Path, images: np.ndarray) -> np.ndarray:
    runtime = import_module("ai_edge_litert.interpreter")
    interpreter = runtime.Interpreter(str(path))
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for image in images:
        interpreter.set_tensor(source["index"], image[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target["index"])[0])
    return np.stack(rows)


def _describe_hdf5(path: Path, text: str) -> None:
    with import_module("h5py").File(path, "r+") as file:
        file.attrs[CONTRACT] = text


def _describe_archive(path: Path, text: str) -> None:
    """Add a member: a .keras file is a zip archive; at the end of a LiteRT file one may lie."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CONTRACT, text)


_HDF5 = Format("HDF5", _save, _describe_hdf5, _run_keras)

FORMATS: dict[str, Format] = {
    ".keras": Format("Keras", _save, _describe_archive, _run_keras),
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".tflite": Format(
        "LiteRT",
        _write_litert,
        _describe_archive,
        _run_litert,
        {"tensorflow": ("ai_edge_litert",)},
    ),
    ".onnx": Format(
        "ONNX",
        _write_onnx,
        _describe_onnx,
        _run_onnx,
        {
            "tensorflow": ("onnx", "onnxruntime", "tf2onnx"),
            "torch": ("onnx", "onnxruntime"),
        },
    ),
}
"""The formats by suffix."""
