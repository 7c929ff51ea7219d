"""Networks that are trained from scratch, from the textbook to a small residual one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from classicvis.backbones.keras import load_keras

_MOMENTUM = 0.9  # of the batch statistics: Keras' 0.99 needs hundreds of batches to forget zero


class Design(NamedTuple):
    """What the networks leave open; `width` counts the channels of the first layer."""

    width: int | None
    dropout: float
    l2: float


def build_network(name: str, shape: tuple[int, int, int], n_classes: int, design: Design) -> Any:
    """Return a network from images to probabilities, with random weights.

    Parameters
    ----------
    name : str
        One of `ARCHITECTURES`.
    shape : (int, int, int)
        Height, width and channels of the images.
    n_classes : int
        Probabilities per image.
    design : Design
        Width, dropout and penalty.

    Returns
    -------
    keras.Model
        From (None, height, width, channels), values 0..255, to (None, n_classes).
    """
    keras = load_keras()
    images = keras.Input(shape, name="images")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    rows = ARCHITECTURES[name](_Blocks(keras, design.l2), scaled, design)
    return keras.Model(images, probabilities(rows, n_classes, design), name=name)


def probabilities(rows: Any, n_classes: int, design: Design) -> Any:
    """Return the last layers of a classifier: dropout, one number per class, softmax."""
    layers = load_keras().layers
    rows = layers.Dropout(design.dropout)(rows)
    penalty = load_keras().regularizers.L2(design.l2) if design.l2 else None
    rows = layers.Dense(n_classes, kernel_regularizer=penalty)(rows)
    return layers.Activation("softmax", dtype="float32")(rows)


class _Blocks:
    """The parts that the networks are made of."""

    def __init__(self, keras: Any, l2: float) -> None:
        self.layers = keras.layers
        self.penalty = keras.regularizers.L2(l2) if l2 else None

    def conv(self, x: Any, channels: int, size: int = 3, **options: Any) -> Any:
        options = {"padding": "same", "kernel_regularizer": self.penalty, **options}
        return self.layers.Conv2D(channels, size, **options)(x)

    def dense(self, x: Any, units: int, activation: str) -> Any:
        dense = self.layers.Dense(units, activation=activation, kernel_regularizer=self.penalty)
        return dense(x)

    def normed_conv(self, x: Any, channels: int, pool: bool = False) -> Any:
        """Convolution, pooling where asked for, batch normalisation, rectifier."""
        x = self.conv(x, channels, use_bias=False)
        if pool:
            x = self.layers.MaxPooling2D(2)(x)
        return self.layers.ReLU()(self.layers.BatchNormalization(momentum=_MOMENTUM)(x))

    def residual(self, x: Any) -> Any:
        change = self.normed_conv(self.normed_conv(x, x.shape[-1]), x.shape[-1])
        return self.layers.Add()([x, change])


def _halvings(x: Any, side: int) -> int:
    """Return how often a map is halved until its shorter side is below twice `side`."""
    return max(min(x.shape[1:3]) // side, 1).bit_length() - 1


def _simple(blocks: _Blocks, x: Any, design: Design) -> Any:
    """Return convolution and pooling in turn, two times or until 7 pixels are left, then dense."""
    width = design.width or 32
    for i in range(max(2, _halvings(x, 6))):
        x = blocks.conv(x, min(width * 2**i, 4 * width), activation="relu")
        x = blocks.layers.MaxPooling2D(2, padding="same")(x)
    return blocks.dense(blocks.layers.Flatten()(x), 4 * width, "relu")


def _lenet(blocks: _Blocks, x: Any, design: Design) -> Any:
    """Return LeNet-5 [1]_ with the usual simplifications: full connections, mean pooling.

    .. [1] LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
       recognition", Proc. IEEE 86(11), 1998, DOI 10.1109/5.726791
    """
    width = design.width or 6
    x = blocks.layers.AveragePooling2D(2)(blocks.conv(x, width, 5, activation="tanh"))
    padding = "valid" if min(x.shape[1:3]) > 5 else "same"
    x = blocks.conv(x, width * 16 // 6, 5, padding=padding, activation="tanh")
    x = blocks.layers.Flatten()(blocks.layers.AveragePooling2D(2)(x))
    return blocks.dense(blocks.dense(x, 20 * width, "tanh"), 14 * width, "tanh")


def _vgg(blocks: _Blocks, x: Any, design: Design) -> Any:
    """Return pairs of 3x3 convolutions with pooling between them [1]_, here with normalisation.

    .. [1] Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
       recognition", ICLR 2015, arXiv:1409.1556
    """
    width = design.width or 16
    for i in range(1 + max(2, _halvings(x, 8))):
        channels = min(width * 2**i, 8 * width)
        x = blocks.normed_conv(blocks.normed_conv(x, channels), channels, pool=True)
    return blocks.layers.GlobalAveragePooling2D()(x)


def _resnet(blocks: _Blocks, x: Any, design: Design) -> Any:
    """Return a narrow ResNet-9: stages that halve the map, a residual block in the first and last.

    The shape is that of D. Page's entry to DAWNBench (2018,
    https://github.com/davidcpage/cifar10-fast); larger images pass further halvings first.
    """
    width = design.width or 16
    x = blocks.normed_conv(x, width)
    for _ in range(_halvings(x, 32)):
        x = blocks.normed_conv(x, width, pool=True)
    x = blocks.residual(blocks.normed_conv(x, 2 * width, pool=True))
    x = blocks.normed_conv(x, 4 * width, pool=True)
    x = blocks.residual(blocks.normed_conv(x, 8 * width, pool=True))
    return blocks.layers.GlobalMaxPooling2D()(x)


Architecture = Callable[[_Blocks, Any, Design], Any]
ARCHITECTURES: dict[str, Architecture] = {
    "simple": _simple,
    "lenet": _lenet,
    "vgg": _vgg,
    "resnet": _resnet,
}
MIN_SIZE = 8
"""The least height and width in pixels that the networks take."""
