"""Export of networks: a file for another runtime, accepted only when it answers as the pipeline."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from classicvis._files import replaced_file
from classicvis._version import __version__
from classicvis.backbones.keras import network_lock
from classicvis.classifiers import Network, as_network, images_step
from classicvis.exceptions import ModelFileError, ParameterError
from classicvis.images import as_images
from classicvis.persistence._archive import MODEL
from classicvis.persistence._export_formats import Format, format_of
from classicvis.persistence._manifest import as_json, named
from classicvis.persistence._model import check_fitted

_COLORS = ("rgb", "gray")


class ExportedModel(NamedTuple):
    """A file that `export_model` wrote.

    Attributes
    ----------
    path : Path
        The file.
    contract : dict
        What goes in and comes out; the file holds it as well (see `export_model`).
    difference : float
        The largest one between what the file and what the pipeline says of the samples.
    """

    path: Path
    contract: dict[str, Any]
    difference: float


def export_model(
    pipeline: Any,
    path: str | os.PathLike[str],
    *,
    samples: Any = None,
    tolerance: float = 1e-4,
    class_names: Sequence[str] | None = None,
) -> ExportedModel:
    """Write a fitted CNN pipeline as one network for another runtime, and prove the file.

    The file is run on sample images by the runtime that it is for, and written only if it
    answers as the pipeline does.

    Parameters
    ----------
    pipeline : Pipeline or CnnClassifier
        Fitted: ``build_pipeline(None, "cnn")``; or ``build_pipeline("cnn", ...)`` with a linear
        classifier ("linear_svm", "logistic_regression", `LinearSVC`, ``SVC(kernel="linear")``,
        `SGDClassifier`, ...), and between them any of `Normalizer`, `StandardScaler` and `PCA`.
    path : str or Path
        The file; its suffix names the format: ``.keras``, ``.h5`` or ``.hdf5`` (HDF5),
        ``.tflite`` (LiteRT) or ``.onnx``. It appears complete or not at all.
    samples : images, default=None
        On which file and pipeline are compared; anything that the pipeline takes. None takes
        photographs of scikit-image and noise; images of the kind at hand prove more.
    tolerance : float, default=1e-4
        The largest difference allowed, as a share of the largest absolute output, or of 1 where
        that is larger.
    class_names : sequence of str, default=None
        What people call the classes, as in `save_model`.

    Returns
    -------
    ExportedModel
        With the contract that the file holds, and the difference that was found.

    Raises
    ------
    ParameterError
        For a pipeline that is no network (classical features, say), an unknown suffix, or a
        format that the engine in use does not write: TensorFlow writes all, PyTorch all but
        LiteRT, JAX Keras and HDF5.
    MissingDependencyError
        Where the runtime or the converter of the format is not installed.
    ModelFileError
        If the network cannot be converted, or the file answers differently: nothing is written.

    Notes
    -----
    The input is float32 of shape (n, height, width, channels) with values 0..255, of the size of
    the network, RGB (or grey, as the contract says); LiteRT takes one image at a time. Decoding
    and resizing stay outside: no runtime resizes exactly as OpenCV does, which the pipeline uses
    (`classicvis.images.Resize`). The scaling of the values is inside.

    The output is (n, n_classes) probabilities, in the order of the contract's ``classes``, for a
    CNN and for logistic regression. For other classifiers it is ``decision_function``: (n, 1) for
    two classes, positive for the second, else one column per class (per pair of classes for
    ``SVC(decision_function_shape="ovo")``), the largest of the predicted one.

    The contract is JSON: ``input`` (``shape``, ``dtype``, ``range``, ``color``, ``resize``),
    ``output``, ``classes``, ``class_names``. It lies under ``classicvis.json``: a member of the
    zip archive that a ``.keras`` file is and that a ``.tflite`` file ends with, an attribute of
    the HDF5 root, an entry of the ONNX metadata.
    """
    path = Path(path)
    check_fitted(pipeline)
    pipeline = getattr(pipeline, "best_estimator_", pipeline)
    network = as_network(pipeline)
    _check_preprocessing(pipeline, network)
    chosen = format_of(path)
    contract = _contract(pipeline, network, class_names)
    text = as_json(contract)

    images = _prepared(pipeline, network, samples)
    expected = _answers(pipeline, network, images)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"network{path.suffix.lower()}"
        found = _converted(network, chosen, draft, images, text, path)
        difference = _compare(expected, found, tolerance, path)
        with replaced_file(path, MODEL, ModelFileError) as file:
            file.write(draft.read_bytes())
    return ExportedModel(path, contract, difference)


def _check_preprocessing(pipeline: Any, network: Network) -> None:
    """Raise for steps on images that the network does not hold."""
    step = images_step(pipeline)
    if step is None:
        return
    if step.color not in _COLORS:
        raise ParameterError(
            f"found color={step.color!r}, which the exported network cannot compute, expected one "
            f"of {', '.join(_COLORS)}; train with one of these."
        )
    if callable(step.preprocess) or len(step.preprocess):
        raise ParameterError(
            f"found preprocess={step.preprocess!r}, which the exported network cannot hold, "
            "expected none; set images__preprocess=() and do these steps before the network."
        )
    height, width, _ = network.outputs.input_shape[1:]
    if step.image_size not in (None, (height, width)):
        raise ParameterError(
            f"found image_size={step.image_size!r} before a network for images of "
            f"{height}x{width} pixels, expected one resizing only; set images__image_size to "
            f"({height}, {width})."
        )


def _contract(pipeline: Any, network: Network, class_names: Sequence[str] | None) -> dict[str, Any]:
    step, classes = images_step(pipeline), np.asarray(pipeline.classes_).tolist()
    return {
        "format": "classicvis-network",
        "format_version": 1,
        "classicvis": __version__,
        "input": {
            "shape": list(network.outputs.input_shape[1:]),
            "dtype": "float32",
            "range": [0, 255],
            "color": _color(step, network),
            "resize": step.resize_mode if step is not None and step.image_size else "stretch",
        },
        "output": {"predict_proba": "probabilities", "decision_function": "decision values"}[
            network.method
        ],
        "classes": classes,
        "class_names": named(classes, class_names),
    }


def _color(step: Any, network: Network) -> str:
    is_grey = network.outputs.input_shape[3] == 1 or (step is not None and step.color == "gray")
    return "gray" if is_grey else "rgb"


def _prepared(pipeline: Any, network: Network, samples: Any) -> np.ndarray:
    """Return sample images as the network takes them."""
    step = images_step(pipeline)
    images = as_images(_default_samples() if samples is None else samples, "raise")
    if not len(images):
        raise ParameterError("samples=[]: expected at least one image to compare answers on.")
    return network.inputs(images if step is None else step.transform(images))


def _default_samples() -> list[np.ndarray]:
    from skimage import data

    noise = np.random.default_rng(0).integers(0, 256, (4, 256, 256, 3), dtype=np.uint8)
    return [data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), *noise]


def _answers(pipeline: Any, network: Network, images: np.ndarray) -> np.ndarray:
    """Return what the pipeline says of prepared images, two-dimensional."""
    after = pipeline if images_step(pipeline) is None else pipeline[1:]
    pixels = images.astype(np.uint8)
    answers = getattr(after, network.method)(pixels[..., 0] if pixels.shape[3] == 1 else pixels)
    return np.asarray(answers).reshape(len(images), -1)


def _converted(
    network: Network, chosen: Format, draft: Path, images: np.ndarray, text: str, path: Path
) -> np.ndarray:
    """Write the file to `draft`, and return what its runtime makes of the images."""
    try:
        with _quiet():
            with network_lock:
                chosen.write(network.outputs, draft)
            chosen.describe(draft, text)
            return chosen.run(draft, images)
    except Exception as error:  # converters and runtimes raise anything
        reason = " ".join(str(error).split()).partition(". ")[0][:300]
        raise ModelFileError(
            f"{path}: nothing was written, since the network cannot be had as {chosen.name} "
            f"({type(error).__name__}: {reason}); try another format."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what converters tell their own authors."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _compare(expected: np.ndarray, found: np.ndarray, tolerance: float, path: Path) -> float:
    """Return the largest difference; raise where it is larger than the tolerance."""
    if found.shape != expected.shape:
        difference, allowed = np.inf, 0.0
    else:
        difference = float(np.abs(found - expected).max())
        allowed = tolerance * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:  # NaN as well
        raise ModelFileError(
            f"{path}: nothing was written, since the file answers differently from the pipeline, "
            f"by up to {difference:.2g} on {len(expected)} images, expected at most {allowed:.2g}; "
            "try another format, or a larger tolerance if that is good enough."
        )
    return difference
