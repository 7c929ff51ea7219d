"""`explain`: which parts of an image a model decides by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from classicvis.classifiers import Network, as_network, has_network, images_step
from classicvis.evaluation._classify import Classification, classify
from classicvis.evaluation._grad_cam import grad_cam
from classicvis.evaluation._labels import by_class, names_of_classes
from classicvis.evaluation._occlusion import occlusion_map
from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.images import Fill, ImagePreprocessor, Images, ImageSequence, as_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("auto", "grad_cam", "occlusion")


@dataclass(frozen=True)
class Explanation:
    """Which parts of images a model decides by; from `explain`.

    Attributes
    ----------
    images : ndarray of shape (n, h, w, 3) or list of ndarray, uint8
        The images at the size that the model sees; a list where their sizes differ.
    maps : ndarray of shape (n, h, w) or list of ndarray of shape (h, w), float32
        What each pixel counts. "grad_cam": 0 to 1, where 1 is the part that speaks most for the
        class. "occlusion": how far the score falls when the pixel is hidden; below zero, the pixel
        speaks against the class.
    labels : ndarray of shape (n,)
        The class that is explained.
    scores : ndarray of shape (n,)
        What the model gives it: a probability, or a decision value.
    scores_are_probabilities : bool
        Which of both.
    names : tuple of str
        What people call the class of each image.
    method : {"grad_cam", "occlusion"}
        How the maps were made.
    """

    images: Images
    maps: Images
    labels: np.ndarray
    scores: np.ndarray
    scores_are_probabilities: bool
    names: tuple[str, ...]
    method: str

    def plot(self) -> Figure:
        """Draw each image, and below it its map laid over it.

        Returns
        -------
        matplotlib.figure.Figure
            Red speaks for the class, blue against it.
        """
        from classicvis.evaluation._explain_plot import plot_explanation

        return plot_explanation(self)


def explain(
    model: Any,
    images: Any,
    *,
    method: Literal["auto", "grad_cam", "occlusion"] = "auto",
    target: Any = None,
    patch_size: int | None = None,
    stride: int | None = None,
    fill: Fill = "mean",
    target_names: Sequence[str] | Mapping[Any, str] | None = None,
) -> Explanation:
    """Return which parts of images speak for a class.

    Parameters
    ----------
    model : classifier
        A fitted pipeline of `build_pipeline`, or a fitted search over one.
    images : sequence of images
        Anything that the model takes.
    method : {"auto", "grad_cam", "occlusion"}, default="auto"
        "grad_cam" looks into the network of a CNN classifier, or of a CNN embedding with a linear
        classifier [1]_. "occlusion" hides one patch after the other and asks the model again [2]_:
        for every model with probabilities or decision values, some 170 predictions per image.
        "auto" takes the first where it can.
    target : label or sequence of labels, default=None
        The class to explain, or one for each image; None is the predicted one.
    patch_size, stride : int, default=None
        Of "occlusion", in pixels of the image as the model sees it: the side of the patch (None: a
        seventh of the shorter side), and the way from one to the next (None: half of that).
    fill : int, (int, int, int) or "mean", default="mean"
        What the patch of "occlusion" shows: a grey level, an RGB colour, or the image's mean.
    target_names : sequence of str or mapping, default=None
        What people call the classes, as in `evaluate`.

    Returns
    -------
    Explanation
        Maps of the size of the images, aligned with them.

    Raises
    ------
    ParameterError
        For an unknown method or label, or a model that the method cannot explain.
    ImageError
        If an image cannot be read.

    References
    ----------
    .. [1] Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based
       localization", IJCV 128, 2020, DOI 10.1007/s11263-019-01228-7
    .. [2] Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
       DOI 10.1007/978-3-319-10590-1_53
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    model = getattr(model, "best_estimator_", model)
    _check_scores(model)
    network = _network(model, method)
    pictures = list(_pictures(model, as_images(images, "raise")))
    if not pictures:
        raise ImageError("found no images, expected at least one to explain.")
    found = classify(model, as_images(pictures))
    columns = _columns(found, target)
    if network is not None:
        maps = _grad_cam_maps(model, network, pictures, columns, len(found.classes))
    else:
        maps = [
            occlusion_map(partial(_score, model, column), picture, patch_size, stride, fill)
            for picture, column in zip(pictures, columns, strict=True)
        ]
    return Explanation(
        images=_stacked(pictures),
        maps=_stacked(maps),
        labels=found.classes[columns],
        scores=_by_class(found)[np.arange(len(columns)), columns],
        scores_are_probabilities=found.probabilities is not None,
        names=tuple(np.array(names_of_classes(found.classes, target_names))[columns].tolist()),
        method="occlusion" if network is None else "grad_cam",
    )


def _network(model: Any, method: str) -> Network | None:
    """Return the network to look into, None where parts of images are to be hidden."""
    if method == "occlusion" or (method == "auto" and not has_network(model)):
        return None
    try:
        return as_network(model)
    except ParameterError:
        if method == "grad_cam":
            raise
        return None  # such as an embedding before a machine that is not linear


def _check_scores(model: Any) -> None:
    last = model[-1] if isinstance(model, Pipeline) else model
    of_pairs = getattr(last, "decision_function_shape", None) == "ovo" and len(model.classes_) > 2
    if of_pairs and not hasattr(model, "predict_proba"):
        raise ParameterError(
            f"found {last!r}, whose decision values belong to pairs of classes, expected one for "
            "each class; use decision_function_shape='ovr'."
        )


def _pictures(model: Any, images: ImageSequence) -> ImageSequence:
    """Return images as people see them, at the size that the model sees."""
    step = images_step(model)
    if not isinstance(step, ImagePreprocessor):
        return images
    return clone(step).set_params(color="rgb", preprocess=()).transform(images)


def _columns(found: Classification, target: Any) -> np.ndarray:
    """Return the column of the class to explain for each image."""
    labels = found.labels if target is None else np.asarray(target, dtype=object)
    if labels.shape not in ((), found.labels.shape):
        raise ParameterError(
            f"found {len(labels)} targets for {len(found.labels)} images, expected one label, or "
            "one for each image."
        )
    labels = np.broadcast_to(labels, found.labels.shape)
    column_of = {label: column for column, label in enumerate(found.classes.tolist())}
    unknown = [label for label in labels.tolist() if label not in column_of]
    if unknown:
        raise unknown_name("target", unknown[0], map(str, column_of))
    return np.array([column_of[label] for label in labels.tolist()], dtype=int)


def _by_class(found: Classification) -> np.ndarray:
    """Return probabilities or decision values, one column per class."""
    values = found.scores if found.probabilities is None else found.probabilities
    spread = None if values is None else by_class(values, found.classes, found.classes, 0.0)
    if spread is None:
        raise ParameterError(
            "found a model without a probability or a decision value for each class, expected one "
            "with predict_proba or decision_function."
        )
    return spread


def _score(model: Any, column: int, images: np.ndarray) -> np.ndarray:
    """Return what a model gives one class."""
    return _by_class(classify(model, images))[:, column]


def _grad_cam_maps(
    model: Any,
    network: Network,
    pictures: list[np.ndarray],
    columns: np.ndarray,
    n_classes: int,
) -> list[np.ndarray]:
    step = images_step(model)
    prepared = as_images(pictures) if step is None else step.transform(pictures)
    weights = np.eye(n_classes)[columns]
    if network.scores.output_shape[1] == 1:  # positive for the second of two classes
        weights = weights @ [[-1.0], [1.0]]
    maps = grad_cam(network.scores, network.inputs(prepared), weights)
    return [_enlarged(m, picture) for m, picture in zip(maps, pictures, strict=True)]


def _enlarged(cam: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return a map at the size of a picture, its largest value 1 where it has any."""
    height, width = picture.shape[:2]
    smooth = cv2.resize(cam, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth / (smooth.max() or 1.0), np.float32)


def _stacked(arrays: list[np.ndarray]) -> Images:
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else arrays
