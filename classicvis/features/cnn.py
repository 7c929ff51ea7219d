"""Embeddings: the features that a convolutional network has learnt."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from classicvis.backbones._cards import backbone_card
from classicvis.backbones._embed import embed
from classicvis.backbones._networks import is_name
from classicvis.backbones._pooling import POOLINGS
from classicvis.backbones._shared import Recipe, SharedNetwork
from classicvis.features._base import ImageExtractor, check_choice, check_pair, check_positive
from classicvis.images import Images, ImageSequence, as_images, show_progress


class CnnEmbedding(ImageExtractor):
    """Activations of a convolutional network, pooled over the image.

    Images of any size, grey or RGB, are resized to the network's input and scaled as it was
    trained. The network runs in inference mode; nothing of it is trained.

    Parameters
    ----------
    backbone : str, Path, keras.Model or callable, default="MobileNetV2"
        A network of ``keras.applications`` by name ("ResNet50", "EfficientNetB0",
        "MobileNetV2-0.35", ...); a ``.keras`` file; a function without parameters that returns a
        keras.Model; or such a model, which every clone copies. Networks other than the named ones
        take values 0..255: their scaling is one of their layers.
    weights : "imagenet", path or None, default="imagenet"
        Of a named network: the published ones, which Keras downloads once; a file of its weights
        without the classifier; or None for random ones. Other networks have their own, unless a
        file is given.
    layer : str, default=None
        The layer whose output is taken; None is the last one with a map of features.
    pooling : {"avg", "max", "gem", "flatten"}, default="avg"
        What becomes of each channel of the map: its mean, its maximum, its generalised mean (the
        cube root of the mean of cubes [2]_, for maps without negative values), or all its values.
    grid : (int, int), default=(2, 2)
        Rows and columns of regions of the map that are pooled each on its own; (1, 1) forgets
        where in the image things are.
    image_size : (int, int), default=None
        Height and width in pixels of what the network sees; None is its own input size.
    batch_size : int, default=32
        Images that the network takes at once; halved as often as memory runs out.
    mixed_precision : bool, default=False
        Whether the network computes in float16: faster on GPUs made for it, slower on others.
    flip : bool, default=False
        Average the maps of an image and of its mirror image, mirrored back: twice the time.
    n_jobs : int, default=None
        Threads that decode and resize images while the network runs; None means 1.
    random_state : int, RandomState or None, default=None
        For random weights.

    Attributes
    ----------
    network_ : keras.Model
        From images (None, h, w, 3), values 0..255, to rows; built when first asked for.

    Notes
    -----
    Extractors of one configuration share the network in a process. A pickle of a fitted extractor
    takes it along, weights included, and needs neither their file nor a network connection.

    All processes of a session (a program, and the workers that it starts) keep their rows in a
    database in the temporary folder, up to 2 GiB, and only one of them runs a network at a time:
    a search with ``n_jobs=8`` computes each row once.

    The default grid was chosen on images to learn from of Caltech-101, 10 a class, none of them
    for tests, with MobileNetV2-0.35 and a linear machine: 82.2 % with (1, 1), 86.5 with (2, 2);
    "gem" then gave 87.0, and 88.0 with `flip` (at 256 pixels).

    References
    ----------
    .. [1] Razavian, Azizpour, Sullivan and Carlsson, "CNN features off-the-shelf: an astounding
       baseline for recognition", CVPR workshops 2014, DOI 10.1109/CVPRW.2014.131.
    .. [2] Radenovic, Tolias and Chum, "Fine-tuning CNN image retrieval with no human annotation",
       TPAMI 41(7), 2019, DOI 10.1109/TPAMI.2018.2846566.

    Examples
    --------
    >>> from classicvis import CnnEmbedding, build_pipeline
    >>> model = build_pipeline(CnnEmbedding("ResNet50", flip=True), "linear_svm")
    >>> model.named_steps["images"].image_size
    (224, 224)
    """

    version: ClassVar[int] = 1
    reference: ClassVar[str] = "keras.applications on the same pixels, to 1e-4"

    def __init__(
        self,
        backbone: str | os.PathLike[str] | Callable[..., Any] = "MobileNetV2",
        *,
        weights: str | os.PathLike[str] | None = "imagenet",
        layer: str | None = None,
        pooling: str = "avg",
        grid: tuple[int, int] = (2, 2),
        image_size: tuple[int, int] | None = None,
        batch_size: int = 32,
        mixed_precision: bool = False,
        flip: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.layer = layer
        self.pooling = pooling
        self.grid = grid
        self.image_size = image_size
        self.batch_size = batch_size
        self.mixed_precision = mixed_precision
        self.flip = flip
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def learns(self) -> bool:
        """False: the network has learnt before."""
        return False

    @property
    def best_size(self) -> tuple[int, int]:
        """Height and width in pixels of what the network sees."""
        if self.image_size is not None:
            height, width = self.image_size
            return height, width
        if isinstance(self.backbone, str) and is_name(self.backbone):
            return backbone_card(self.backbone).input_size
        return self._make_network().shape[:2]

    @property
    def network_(self) -> Any:
        """The live network, from images to rows."""
        check_is_fitted(self, "n_features_out_")
        return self._network.model

    def _check_params(self) -> None:
        check_choice("pooling", self.pooling, POOLINGS)
        check_pair("grid", self.grid)
        check_positive("batch_size", self.batch_size)
        if self.image_size is not None:
            check_pair("image_size", self.image_size)
        if isinstance(self.backbone, str) and is_name(self.backbone):
            backbone_card(self.backbone)

    def _learn(self, images: ImageSequence) -> None:
        self._network = self._make_network()

    def _make_network(self) -> SharedNetwork:
        seed = None
        if self.weights is None or self.random_state is not None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        recipe = Recipe(
            backbone=self.backbone,
            weights=self.weights,
            input_size=self.image_size,
            layer=self.layer,
            random_state=seed,
            pooling=self.pooling,
            grid=self.grid,
            flip=self.flip,
            mixed_precision=self.mixed_precision,
        )
        return SharedNetwork(recipe)

    def _n_features(self, shape: tuple[int, ...]) -> int:
        return self._network.shape[-1]

    def _extract(self, images: Images) -> np.ndarray:
        with show_progress(None):  # whoever decoded the images shows it
            return self._embedded(as_images(list(images)), n_jobs=None)

    def _transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "n_features_out_")
        return self._embedded(as_images(X), self.n_jobs)

    def _embedded(self, images: ImageSequence, n_jobs: int | None) -> np.ndarray:
        return embed(self._network, images, batch_size=self.batch_size, n_jobs=n_jobs)
