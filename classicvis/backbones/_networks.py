"""Networks from a name, a file, a factory or a model: from images to a map of features."""

from __future__ import annotations

import os
import random
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from classicvis.backbones._cards import BackboneCard, Scaling, backbone_card
from classicvis.backbones.keras import load_keras, network_lock
from classicvis.exceptions import ModelFileError, ParameterError, unknown_name

_WEIGHT_FILES = (".weights.h5", ".h5", ".keras")
_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red


def build_backbone(
    backbone: Any,
    *,
    weights: str | os.PathLike[str] | None = "imagenet",
    input_size: tuple[int, int] | None = None,
    layer: str | None = None,
    random_state: int | None = None,
) -> Any:
    """Return a network from images to a map of features.

    Parameters
    ----------
    backbone : str, Path, keras.Model or callable
        A name of `backbone_names`; a ``.keras`` file; a model; or a function without parameters
        that returns one. Models other than the named ones take values 0..255: their scaling is
        one of their layers.
    weights : "imagenet", path or None, default="imagenet"
        Of a named network: those published with it, a file of its weights without the classifier,
        or None for random ones. Of other networks: a file, else they have their own.
    input_size : (int, int), default=None
        Height and width in pixels of the images; None is the network's own.
    layer : str, default=None
        The layer whose output is wanted; None is the last one with a map, before any pooling.
    random_state : int, default=None
        Seed of random weights.

    Returns
    -------
    keras.Model
        From images (None, h, w, 3), values 0..255, scaled by layers inside, to the output of the
        layer: (None, rows, columns, channels).

    Raises
    ------
    ParameterError
        For an unknown network or layer, or a size that does not suit the network.
    ModelFileError
        If a file of weights or of a network is missing, damaged or does not fit.
    """
    keras = load_keras()
    with network_lock, drawn_from(random_state):
        if is_name(backbone):
            model = _named(keras, backbone_card(backbone), weights, input_size)
        else:
            model = _given(keras, backbone, input_size)
            if weights not in ("imagenet", None):
                _load_weights(model, weights)
        return _resized(keras, _cut(keras, model, layer), input_size)


def is_name(backbone: Any) -> bool:
    """Return whether a backbone is meant to be found by its name, and not as a file."""
    return isinstance(backbone, str) and not backbone.endswith(".keras")


def make_model(backbone: Any, random_state: int | None = None) -> Any:
    """Return a model that is given as it is, or made by a function without parameters.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    keras = load_keras()
    model = backbone
    with network_lock, drawn_from(random_state):
        if callable(backbone) and not isinstance(backbone, keras.Model | type):
            model = backbone()
    if not isinstance(model, keras.Model):
        raise ParameterError(
            f"backbone={backbone!r}: expected the name of a network, a .keras file, a keras.Model, "
            "or a function without parameters that returns one."
        )
    return model


def _named(
    keras: Any,
    card: BackboneCard,
    weights: str | os.PathLike[str] | None,
    input_size: tuple[int, int] | None,
) -> Any:
    size = input_size or card.input_size
    if min(size) < card.min_size:
        raise ParameterError(
            f"found images of {size[0]}x{size[1]} pixels, expected at least "
            f"{card.min_size}x{card.min_size} for {card.name}; take a larger image_size."
        )
    inputs = keras.Input((*size, 3), name="images")
    model = _application(
        keras,
        card,
        include_top=False,
        weights="imagenet" if weights == "imagenet" else None,
        input_tensor=_scaled(keras, inputs, card.scaling),
        input_shape=(*size, 3),
    )
    if weights not in ("imagenet", None):
        _load_weights(model, weights)
    return model


def _application(keras: Any, card: BackboneCard, **arguments: Any) -> Any:
    build = getattr(keras.applications, card.application)
    try:
        with warnings.catch_warnings():
            # MobileNet's weights are there for some sizes; those for 224 pixels serve the others.
            warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
            return build(**card.options, **arguments)
    except Exception as error:
        url = re.search(r"https?://\S+/([^/\s]+\.h5)", str(error))
        if url is None:
            raise
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras"), "models")
        raise ModelFileError(
            f"found no weights of {card.name} on this computer and could not download them "
            f"({str(error).rpartition('--')[2].strip()}); expected the file {url[1]} in {folder}: "
            f"put it there from {url[0]}, or give weights=None or the path of a file."
        ) from error


def _scaled(keras: Any, images: Any, scaling: Scaling) -> Any:
    """Bring values 0..255 to the range that a network was trained on."""
    if scaling == "inside":
        return images
    scale: Any = 1.0
    offset: Any = [-mean for mean in _CAFFE_MEAN]
    if scaling == "caffe":
        images = keras.ops.flip(images, -1)
    elif scaling == "unit":
        scale, offset = 1 / 127.5, -1.0
    else:
        scale = [1 / (255 * std) for std in _TORCH_STD]
        offset = [-mean / std for mean, std in zip(_TORCH_MEAN, _TORCH_STD, strict=True)]
    return keras.layers.Rescaling(scale, offset=offset, name="scaling")(images)


def _given(keras: Any, backbone: Any, input_size: tuple[int, int] | None) -> Any:
    """Return the model that is given, in a file or by a function, with inputs that are known."""
    is_file = isinstance(backbone, str | os.PathLike)
    model = _loaded(keras, Path(backbone)) if is_file else make_model(backbone)
    if not model.built and input_size is not None:
        model.build((None, *input_size, 3))
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] not in (1, 3):
        raise ParameterError(
            f"found a network for input of shape {shape}, expected (None, height, width, 1 or 3): "
            "a functional or sequential keras.Model of one input."
        )
    if input_size is None and None in shape[1:3]:
        raise ParameterError(
            "found a network for images of any size, expected to know theirs: give image_size."
        )
    return model


def _loaded(keras: Any, path: Path) -> Any:
    _check_file(path)
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # deserialising may raise anything
        raise ModelFileError(
            f"{path}: Keras {keras.__version__} cannot rebuild the network ({_first_line(error)}); "
            "expected a .keras file of this version or older."
        ) from error


def _load_weights(model: Any, weights: Any) -> None:
    path = Path(weights)
    if not path.name.endswith(_WEIGHT_FILES):
        raise ModelFileError(
            f"weights={os.fspath(weights)!r}: expected 'imagenet', None, or the path of a file "
            f"whose name ends in {', '.join(_WEIGHT_FILES)}."
        )
    _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one for each layer that does not fit
            model.load_weights(path)
    except Exception as error:  # what a foreign or damaged file raises differs
        raise ModelFileError(
            f"{path}: the weights do not fit the network {model.name} ({_first_line(error)}); "
            "expected those of the same network and width, without its classifier."
        ) from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file; check the path.")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def _cut(keras: Any, model: Any, layer: str | None) -> Any:
    """Return the network up to a layer: the last one with a map, if none is named."""
    layers = {known.name: known for known in model.layers}
    if layer is None:
        layer = next(filter(lambda name: _is_map(keras, layers[name]), reversed(layers)), None)
    elif layer not in layers:
        raise unknown_name("layer", layer, layers)
    if layer is None:
        raise ParameterError(
            f"the network {model.name} has no layer with a map of features, expected one to pool; "
            f"name the layer that gives the row, such as layer={model.layers[-1].name!r}."
        )
    return keras.Model(model.inputs[0], layer_output(layers[layer]))


def _is_map(keras: Any, layer: Any) -> bool:
    return not isinstance(layer, keras.layers.InputLayer) and layer_output(layer).ndim == 4


def layer_output(layer: Any) -> Any:
    """Return what a layer gives in the network; `output` of a nested network is its inside."""
    return load_keras().Operation.output.fget(layer)


def leaf_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, and those of the models inside it instead of these."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaf_layers(layer)
        else:
            yield layer


def _resized(keras: Any, model: Any, input_size: tuple[int, int] | None) -> Any:
    """Return the network for images of another size, with the same weights."""
    height, width, n_channels = model.input_shape[1:]
    if input_size is None or tuple(input_size) == (height, width):
        return model
    try:
        inputs = keras.Input((*input_size, n_channels), name="images")
        copy = keras.models.clone_model(model, input_tensors=inputs)
        copy.set_weights(model.get_weights())
    except Exception as error:  # whatever a layer raises that wants the old size
        raise ParameterError(
            f"image_size={input_size!r}: the network {model.name} takes {height}x{width} pixels "
            f"only ({_first_line(error)}); leave image_size out."
        ) from error
    return copy


@contextmanager
def drawn_from(seed: int | None) -> Iterator[None]:
    """Let Keras draw random weights from a seed; it takes those of its layers from `random`."""
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
