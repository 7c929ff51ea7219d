"""A convolutional network as a scikit-learn classifier of images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from classicvis.backbones._augmentation import make_augmentation
from classicvis.backbones._fine_tuning import FineTune, fine_tune
from classicvis.backbones._inference import predict
from classicvis.backbones._networks import drawn_from
from classicvis.backbones._state import Packed, copied, is_model, model_bytes, model_from_bytes
from classicvis.backbones._training import (
    Course,
    History,
    Samples,
    Schedule,
    fit_network,
    precision,
)
from classicvis.backbones.keras import check_process, network_lock
from classicvis.classifiers._cnn_params import check_cnn_params, is_backbone, new_network
from classicvis.classifiers._training_set import ClassWeight, decoded, encode, loss_weights, split
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import ImageSequence, as_images, current_progress, take_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class CnnClassifier(ClassifierMixin, BaseEstimator):
    """A convolutional network, trained from scratch or fine-tuned, from images to labels.

    Parameters
    ----------
    network : str, Path, keras.Model or callable, default="simple"
        From scratch: "simple" (convolution and pooling in turn, then dense), "lenet", "vgg" (pairs
        of convolutions), "resnet" (residual, the best of them), or a function that takes the shape
        of images (h, w, c) and the number of classes and returns a `keras.Model` from values
        0..255 to probabilities. Fine-tuned: the name of a backbone ("MobileNetV2", "ResNet50",
        "EfficientNetB0", ...; see `backbone_names`), a ``.keras`` file or a model without its
        classifier, which gets a new one.
    weights : "imagenet", path or None, default="imagenet"
        Of a backbone: the published ones, a file, or None for random ones.
    image_size : (int, int), default=None
        Height and width in pixels that images are resized to. None: what a backbone was trained
        with; from scratch the size of the first image, at most 96x96.
    width : int, default=None
        Channels of the first layer of "simple" (32), "lenet" (6), "vgg" and "resnet" (16); deeper
        layers have multiples of it.
    epochs : int, default=20
        How often the network sees every image, in each stage of the training.
    batch_size : int, default=64
        Images per step.
    learning_rate : float, default=1e-3
        The highest one, of a network from scratch and of the head of a backbone.
    optimizer : str, default="adam"
        Keras' name: "adam", "adamw", "sgd" (with Nesterov's momentum of 0.9), ...
    schedule : {"cosine", "plateau", "constant"}, default="cosine"
        Rise in a tenth of the steps, then fall to zero along a cosine; or fall to 0.3 of itself
        after three epochs without a lower loss; or stay.
    dropout : float, default=0.3
        Share of the values before the last layer that are dropped at random.
    l2 : float, default=0
        Factor of the sum of squared weights that is added to the loss.
    label_smoothing : float, default=0
        Share of each label that is spread over all classes.
    augment : {"mild", "photo", "crop"}, mapping or None, default="mild"
        How images are changed at random while a network learns. "mild": turned by up to 8 degrees,
        scaled by 1.1, shifted by 8 %, never mirrored. "photo": 10 degrees, 1.2, 10 %, mirrored, and
        colours changed by 20 %. "crop": shifted by 12.5 % and mirrored. Or any of the keys
        "rotation", "scale", "shift", "flip" and "color"; see `Augmentation`.
    class_weight : mapping, "balanced" or None, default=None
        Factors of the loss by label; "balanced" lets all classes count the same.
    validation_fraction : float, default=0.1
        Share of every class, at most 0.5, that is kept aside to find the best epoch. 0: none.
    patience : int, default=None
        Stop after so many epochs without a lower loss on what is kept aside; None never stops.
        Meant for the schedules "plateau" and "constant".
    fine_tune : {"head", "all"} or int, default="all"
        What of a backbone is trained after its head: nothing, everything, or so many last blocks.
        A block ends where paths meet or the map is pooled.
    fine_tune_learning_rate : float, default=1e-4
        The learning rate of this second stage.
    mixed_precision : bool, default=False
        Compute in bfloat16: faster on GPUs, and on processors that have instructions for it.
    warm_start : bool, default=False
        Let `fit` start from the weights of the last one.
    verbose : {0, 1, 2}, default=0
        What Keras prints of the training: nothing, a bar, a line per epoch.
    random_state : int, RandomState or None, default=None
        Seeds weights, dropout, what is kept aside, order and augmentation.
    n_jobs : int, default=None
        Threads that decode images; None means 1.

    Attributes
    ----------
    model_ : keras.Model
        From images, values 0..255 and of `image_shape_`, to probabilities.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    history_ : dict of str to list of float
        "loss", "accuracy", "val_loss", "val_accuracy" and "learning_rate", one number per epoch;
        of a backbone the epochs of the head come first.
    image_shape_ : (int, int, int)
        Height, width and channels of the images that the network takes.

    Notes
    -----
    The network has the weights of the epoch with the lowest loss on what is kept aside (on the
    training images, if nothing is). It keeps them also when a loss is not finite, and when
    training is interrupted: then the classifier is fitted, if an epoch was done, and
    KeyboardInterrupt is raised again.

    The same `random_state` gives the same weights on one processor with the same number of
    threads. NumPy's global state is only drawn from where `random_state` is None.

    Examples
    --------
    >>> from classicvis import CnnClassifier
    >>> CnnClassifier("resnet", epochs=5).set_params(learning_rate=0.01)
    CnnClassifier(epochs=5, learning_rate=0.01, network='resnet')
    """

    takes_images: ClassVar[bool] = True
    """Whether it learns from images, of any sizes, and not from features."""

    _network: Any  # live, None where only its bytes are there
    _network_data: bytes

    def __init__(
        self,
        network: Any = "simple",
        *,
        weights: str | os.PathLike[str] | None = "imagenet",
        image_size: tuple[int, int] | None = None,
        width: int | None = None,
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        optimizer: str = "adam",
        schedule: Schedule = "cosine",
        dropout: float = 0.3,
        l2: float = 0.0,
        label_smoothing: float = 0.0,
        augment: str | Mapping[str, Any] | None = "mild",
        class_weight: ClassWeight = None,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        fine_tune: FineTune = "all",
        fine_tune_learning_rate: float = 1e-4,
        mixed_precision: bool = False,
        warm_start: bool = False,
        verbose: Literal[0, 1, 2] = 0,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.network = network
        self.weights = weights
        self.image_size = image_size
        self.width = width
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.schedule = schedule
        self.dropout = dropout
        self.l2 = l2
        self.label_smoothing = label_smoothing
        self.augment = augment
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.fine_tune = fine_tune
        self.fine_tune_learning_rate = fine_tune_learning_rate
        self.mixed_precision = mixed_precision
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : images
            Anything that `as_images` accepts, of any sizes. They are decoded once.
        y : array-like of shape (n_images,)
            Labels: integers or strings, of two classes or more.
        sample_weight : array-like of shape (n_images,), default=None
            Factors of the losses of the images.
        validation_data : (images, labels), default=None
            To find the best epoch by, in the place of a fraction of `X`.

        Returns
        -------
        CnnClassifier
            Itself.

        Raises
        ------
        ParameterError
            For a parameter out of its range, a single class, or labels that do not suit.
        ImageError
            If an image cannot be read, whatever the error policy.
        ModelFileError
            If weights are missing or do not fit the network.
        ClassicVisError
            If the loss of the first epoch is not finite.

        Warns
        -----
        ConvergenceWarning
            If the loss of a later epoch is not finite.
        """
        check_process()
        check_cnn_params(self)
        images, y = as_images(X), column_or_1d(np.asarray(y))
        check_consistent_length(images, y)
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ParameterError(
                f"found {len(images)} images of {len(classes)} class, expected two classes or "
                "more; add images of another class."
            )
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        with network_lock, drawn_from(seed), precision(self.mixed_precision):
            network = self._start(images, classes)
            learn, validate = self._samples(
                images, y, classes, network.input_shape[1:], sample_weight, validation_data, rng
            )
            history: History = {}
            try:
                self._train(network, learn, validate, history, seed)
            except KeyboardInterrupt:
                if history:
                    self._keep(network, classes, history)
                raise
        self._keep(network, classes, history)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of images: (n_images,).

        Raises
        ------
        ImageError
            If an image cannot be read, whatever the error policy; `predict_proba` has NaN there.
        """
        probabilities = self.predict_proba(X)
        n_missing = int(np.isnan(probabilities[:, 0]).sum())
        if n_missing:
            raise ImageError(
                f"{n_missing} of {len(probabilities)} images cannot be read, expected all of them "
                "for labels; use predict_proba, or classicvis.classify."
            )
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes: (n_images, n_classes), float32.

        Rows of unreadable images are NaN where the error policy of `X` is not "raise".
        """
        model, size = self.model_, self.image_shape_[:2]
        return predict(model, as_images(X), size, batch_size=self.batch_size, n_jobs=self.n_jobs)

    @property
    def model_(self) -> Any:
        """The network: from images, values 0..255, to probabilities."""
        check_is_fitted(self, "classes_")
        if self._network is None:
            self._network = model_from_bytes(self._network_data)
        return self._network

    def plot_history(self) -> Figure:
        """Draw loss and accuracy by epoch, on a matplotlib figure."""
        check_is_fitted(self, "classes_")
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 3.2), layout="constrained")
        for ax, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            for key, label in ((name, "to learn from"), (f"val_{name}", "kept aside")):
                if key in self.history_:
                    values = self.history_[key]
                    ax.plot(range(1, len(values) + 1), values, label=label)
            ax.set_xlabel("epoch")
            ax.set_ylabel(name)
            ax.legend()
        return figure

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with networks as bytes."""
        state = dict(super().__getstate__())
        if state.get("_network") is not None:
            state |= {"_network": None, "_network_data": model_bytes(state["_network"])}
        if is_model(self.network):
            state["network"] = Packed(self.network)
        return state

    def __sklearn_tags__(self) -> Any:
        """Declare images as input."""
        tags = take_images(super().__sklearn_tags__())
        tags.non_deterministic = self.random_state is None
        return tags

    def _start(self, images: ImageSequence, classes: np.ndarray) -> Any:
        """Return the network to train; that of the last fit, where the start is a warm one."""
        if not (self.warm_start and hasattr(self, "classes_")):
            return new_network(self, images, len(classes))
        if not np.array_equal(classes, self.classes_):
            raise ParameterError(
                f"warm_start=True: found {len(classes)} classes, expected the same "
                f"{len(self.classes_)} as in the last fit; use warm_start=False."
            )
        return copied(self.model_)

    def _samples(
        self,
        images: ImageSequence,
        y: np.ndarray,
        classes: np.ndarray,
        shape: tuple[int, int, int],
        sample_weight: Any,
        validation_data: tuple[Any, Any] | None,
        rng: np.random.RandomState,
    ) -> tuple[Samples, Samples | None]:
        codes = encode(y, classes)
        weights = loss_weights(codes, classes, self.class_weight, sample_weight)
        pixels = decoded(images, shape, self.n_jobs)
        if validation_data is not None:
            others, labels = as_images(validation_data[0]), np.asarray(validation_data[1])
            check_consistent_length(others, labels)
            scored = Samples(decoded(others, shape, self.n_jobs), encode(labels, classes))
            return Samples(pixels, codes, weights), scored
        rest, aside = split(codes, self.validation_fraction, rng)
        learn = Samples(pixels, codes, weights, rest)
        return learn, Samples(pixels[aside], codes[aside]) if len(aside) else None

    def _train(
        self, network: Any, learn: Samples, validate: Samples | None, history: History, seed: int
    ) -> None:
        course = Course(
            self.epochs, self.batch_size, self.learning_rate, self.optimizer, self.schedule,
            self.label_smoothing, self.patience, make_augmentation(self.augment), self.verbose,
            current_progress(),
        )  # fmt: skip
        if is_backbone(self.network):
            fine_tune(
                network, learn, validate, course, history, extent=self.fine_tune,
                learning_rate=self.fine_tune_learning_rate, seed=seed,
            )  # fmt: skip
        else:
            fit_network(network, learn, validate, course, history, seed=seed)

    def _keep(self, network: Any, classes: np.ndarray, history: History) -> None:
        self._network = network
        self.classes_ = classes
        self.history_ = history
        self.image_shape_ = network.input_shape[1:]
