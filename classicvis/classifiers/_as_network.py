"""A fitted pipeline as one network, where that is what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from classicvis.backbones._inference import of_shape
from classicvis.backbones.keras import load_keras, network_lock
from classicvis.exceptions import ParameterError
from classicvis.images import ImageSequence

_STEP = 1e30  # times a margin, it is far outside of where a hard sigmoid is between 0 and 1


class Network(NamedTuple):
    """What a pipeline computes after its step "images".

    Attributes
    ----------
    outputs : keras.Model
        From images (n, h, w, c), values 0..255, to what `method` returns; (n, 1) where that is
        one number per image.
    scores : keras.Model
        From the same images to what each class gathers, to be taken apart by place: (n, n_classes)
        or (n, 1), the more the more it is the second of two classes. Softmax and the scaling of
        rows to unit length are left out.
    method : str
        Of the pipeline: "predict_proba" or "decision_function".
    """

    outputs: Any
    scores: Any
    method: str

    def inputs(self, images: ImageSequence) -> np.ndarray:
        """Return images as the network takes them: float32 (n, h, w, c), values 0..255."""
        shape = self.outputs.input_shape[1:]
        return np.stack(list(of_shape(images, shape))).reshape(-1, *shape).astype(np.float32)


class _Linear(NamedTuple):
    """Rows times `weights` (n_features, n_outputs) plus `bias` (n_outputs,); float64."""

    weights: np.ndarray
    bias: np.ndarray


def has_network(model: Any) -> bool:
    """Return whether a network reads the images of a pipeline; none is built for the answer."""
    first, *_ = _steps(model)
    return _owns(first, "model_") or _owns(first, "network_")


def as_network(model: Any) -> Network:
    """Return a fitted pipeline as one network, which shares the weights of the pipeline's own.

    Parameters
    ----------
    model : Pipeline or CnnClassifier
        A `CnnClassifier`; or a `CnnEmbedding`, any of `Normalizer`, `StandardScaler` and `PCA`,
        and a linear classifier. A step "images" stays outside.

    Returns
    -------
    Network
        Of Keras' own layers.

    Raises
    ------
    ParameterError
        For a step that is no layer of a network.
    """
    first, *between = _steps(model)
    if not has_network(model) or (_owns(first, "network_") and not between):
        raise ParameterError(
            f"found {type(first).__name__}, which is not yet a network, expected the classifier "
            "'cnn', or the features 'cnn' and a linear classifier."
        )
    with network_lock:
        if _owns(first, "model_"):
            network = first.model_
            # a new one: files of a model that was trained hold its optimizer as well
            outputs = load_keras().Model(network.inputs[0], network.outputs[0])
            return Network(outputs, _before_softmax(network), "predict_proba")
        return _with_head(first, between[:-1], between[-1])


def images_step(model: Any) -> Any:
    """Return the step "images" of a pipeline, None where there is none."""
    return model.named_steps.get("images") if isinstance(model, Pipeline) else None


def _steps(model: Any) -> list[Any]:
    """Return the steps after "images" that do anything to what is predicted."""
    if not isinstance(model, Pipeline):
        return [model]
    after = [step for name, step in model.steps if name != "images"]
    idle = (None, "passthrough")
    return [step for step in after if step not in idle and not hasattr(step, "fit_resample")]


def _owns(step: Any, name: str) -> bool:
    return hasattr(type(step), name)  # asked of the class: the property would build the network


def _before_softmax(network: Any) -> Any:
    """Return a network without its softmax, or with the logarithm where that cannot be had."""
    keras = load_keras()
    layers, last = keras.layers, network.layers[-1]
    if isinstance(last, layers.Activation | layers.Softmax):
        return keras.Model(network.inputs[0], last.input)
    if not isinstance(last, layers.Dense):
        return keras.Model(network.inputs[0], keras.ops.log(network.outputs[0] + 1e-12))
    linear = layers.Dense.from_config(last.get_config() | {"activation": None})
    scores = keras.Model(network.inputs[0], linear(last.input))
    linear.set_weights([keras.ops.convert_to_numpy(weights.value) for weights in last.weights])
    return scores


def _with_head(features: Any, between: Sequence[Any], classifier: Any) -> Network:
    """Return the network of an embedding, continued by scalers, reducers and the classifier."""
    keras = load_keras()
    model, layers = keras.Model, keras.layers
    head = [
        layers.UnitNormalization() if part is None else _dense(part)
        for part in _folded(between, _decision(classifier))
    ]
    n_classes = len(classifier.classes_)
    counts_votes = n_classes > 2 and getattr(classifier, "decision_function_shape", "") == "ovr"

    def continued(rows: Any, layers_after: Sequence[Any]) -> Any:
        for layer in layers_after:
            rows = layer(rows)
        return _votes(rows, n_classes) if counts_votes else rows

    network = features.network_
    linear = [layer for layer in head if isinstance(layer, layers.Dense)]
    scores = model(network.inputs[0], continued(network.outputs[0], linear))
    outputs = model(network.inputs[0], continued(network.outputs[0], head))
    if isinstance(classifier, LogisticRegression):
        probabilities = layers.Softmax()(outputs.outputs[0])
        return Network(model(network.inputs[0], probabilities), scores, "predict_proba")
    return Network(outputs, scores, "decision_function")


def _decision(classifier: Any) -> _Linear:
    """Return the decision values of a linear classifier as a linear map."""
    if not hasattr(classifier, "coef_") or not hasattr(classifier, "decision_function"):
        raise ParameterError(
            f"found the classifier {type(classifier).__name__}, which is no layer of a network, "
            "expected a linear one such as 'linear_svm' or 'logistic_regression'."
        )
    coef = classifier.coef_
    weights = np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef, np.float64).T
    bias = np.broadcast_to(np.asarray(classifier.intercept_, np.float64), weights.shape[1:])
    if isinstance(classifier, LogisticRegression) and weights.shape[1] == 1:
        # of two classes: softmax(-z / 2, z / 2) is what the logistic function makes of z
        halves = np.array([-0.5, 0.5])
        return _Linear(weights * halves, bias * halves)
    return _Linear(weights, bias)


def _folded(steps: Sequence[Any], last: _Linear) -> list[_Linear | None]:
    """Return steps and the linear map after them as few maps; None: rows to unit length."""
    parts: list[_Linear | None] = [last]
    for step in reversed(steps):
        if isinstance(step, Normalizer) and step.norm == "l2":
            parts.insert(0, None)
        elif not isinstance(step, StandardScaler | PCA):
            raise ParameterError(
                f"found the step {step!r}, which is no layer of a network, expected "
                "Normalizer(), StandardScaler or PCA between the features and the classifier."
            )
        elif parts[0] is None:
            n_columns = len(step.get_feature_names_out())
            parts.insert(0, _after(step, _Linear(np.eye(n_columns), np.zeros(n_columns))))
        else:
            parts[0] = _after(step, parts[0])
    return parts


def _after(step: StandardScaler | PCA, then: _Linear) -> _Linear:
    """Return the map that a step and a map after it make together."""
    weights, mean = then.weights, step.mean_
    if isinstance(step, StandardScaler):
        if step.with_std:
            weights = weights / step.scale_[:, None]
        if not step.with_mean:
            return _Linear(weights, then.bias)
    else:
        if step.whiten:
            scale = np.sqrt(step.explained_variance_)
            weights = weights / np.maximum(scale, np.finfo(scale.dtype).eps)[:, None]
        weights = step.components_.T.astype(np.float64) @ weights
    return _Linear(weights, then.bias - mean @ weights)


def _dense(part: _Linear) -> Any:
    keras = load_keras()
    layer = keras.layers.Dense(part.weights.shape[1], dtype="float32")
    layer.build((None, part.weights.shape[0]))
    layer.set_weights([part.weights, part.bias])
    return layer


def _votes(margins: Any, n_classes: int) -> Any:
    """Return the decision values of `SVC` from the margins of its pairs of classes.

    Each pair votes for one of its classes; s / (3 (abs(s) + 1)) of the sum of the margins decides
    between equal numbers of votes. All in layers, which every format can hold.
    """
    layers = load_keras().layers
    first, second = np.triu_indices(n_classes, 1)
    for_first, for_second = np.eye(n_classes)[first], np.eye(n_classes)[second]
    none = np.zeros(n_classes)
    steps = layers.Activation("hard_sigmoid")(layers.Rescaling(_STEP)(margins))  # 0 or 1
    votes = _dense(_Linear(for_first - for_second, for_second.sum(axis=0)))(steps)
    sums = _dense(_Linear(for_first - for_second, none))(margins)
    return layers.Add()([votes, layers.Rescaling(1 / 3)(layers.Activation("softsign")(sums))])
