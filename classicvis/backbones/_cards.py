"""What is known of each network before it is built: its input, its scaling, its licence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from classicvis.exceptions import unknown_name

Scaling: TypeAlias = Literal["inside", "unit", "caffe", "torch"]


@dataclass(frozen=True)
class BackboneCard:
    """The facts of one network of ``keras.applications``.

    Parameters
    ----------
    name : str
        Keras' own name, with the width after a hyphen: "ResNet50", "MobileNetV2-0.35".
    application : str
        The function in ``keras.applications``.
    input_size : (int, int)
        Height and width in pixels of the images that the published weights were trained on.
    min_size : int
        The least height and width in pixels.
    scaling : {"inside", "unit", "caffe", "torch"}
        What values 0..255 need: nothing, since the network has layers for it; the range -1 to 1;
        blue, green, red minus their means; or mean 0 and standard deviation 1 of each channel.
    licence : str
        Of the published weights (SPDX).
    options : dict, default={}
        Further arguments of the function.
    """

    name: str
    application: str
    input_size: tuple[int, int]
    min_size: int
    scaling: Scaling
    licence: str
    options: dict[str, float] = field(default_factory=dict)


_APACHE, _BSD, _CC_BY, _MIT = "Apache-2.0", "BSD-3-Clause", "CC-BY-4.0", "MIT"

_ROWS: tuple[tuple[str, int, int, Scaling, str], ...] = (
    # application, input size, least size, scaling, licence of the weights
    ("ConvNeXtTiny", 224, 32, "inside", _MIT),
    ("ConvNeXtSmall", 224, 32, "inside", _MIT),
    ("ConvNeXtBase", 224, 32, "inside", _MIT),
    ("ConvNeXtLarge", 224, 32, "inside", _MIT),
    ("ConvNeXtXLarge", 224, 32, "inside", _MIT),
    ("DenseNet121", 224, 32, "torch", _BSD),
    ("DenseNet169", 224, 32, "torch", _BSD),
    ("DenseNet201", 224, 32, "torch", _BSD),
    ("EfficientNetB0", 224, 32, "inside", _APACHE),
    ("EfficientNetB1", 240, 32, "inside", _APACHE),
    ("EfficientNetB2", 260, 32, "inside", _APACHE),
    ("EfficientNetB3", 300, 32, "inside", _APACHE),
    ("EfficientNetB4", 380, 32, "inside", _APACHE),
    ("EfficientNetB5", 456, 32, "inside", _APACHE),
    ("EfficientNetB6", 528, 32, "inside", _APACHE),
    ("EfficientNetB7", 600, 32, "inside", _APACHE),
    ("EfficientNetV2B0", 224, 32, "inside", _APACHE),
    ("EfficientNetV2B1", 240, 32, "inside", _APACHE),
    ("EfficientNetV2B2", 260, 32, "inside", _APACHE),
    ("EfficientNetV2B3", 300, 32, "inside", _APACHE),
    ("EfficientNetV2S", 384, 32, "inside", _APACHE),
    ("EfficientNetV2M", 480, 32, "inside", _APACHE),
    ("EfficientNetV2L", 480, 32, "inside", _APACHE),
    ("InceptionResNetV2", 299, 75, "unit", _APACHE),
    ("InceptionV3", 299, 75, "unit", _MIT),
    ("MobileNet", 224, 32, "unit", _APACHE),
    ("MobileNetV2", 224, 32, "unit", _APACHE),
    ("MobileNetV3Large", 224, 32, "inside", _APACHE),
    ("MobileNetV3Small", 224, 32, "inside", _APACHE),
    ("NASNetLarge", 331, 32, "unit", _APACHE),
    ("NASNetMobile", 224, 32, "unit", _APACHE),
    ("ResNet50", 224, 32, "caffe", _MIT),
    ("ResNet101", 224, 32, "caffe", _MIT),
    ("ResNet152", 224, 32, "caffe", _MIT),
    ("ResNet50V2", 224, 32, "unit", _APACHE),
    ("ResNet101V2", 224, 32, "unit", _APACHE),
    ("ResNet152V2", 224, 32, "unit", _APACHE),
    ("VGG16", 224, 32, "caffe", _CC_BY),
    ("VGG19", 224, 32, "caffe", _CC_BY),
    ("Xception", 299, 71, "unit", _MIT),
)
# The widths besides 1 for which there are published weights.
_WIDTHS = {
    "MobileNet": (0.25, 0.5, 0.75),
    "MobileNetV2": (0.35, 0.5, 0.75, 1.3, 1.4),
    "MobileNetV3Large": (0.75,),
    "MobileNetV3Small": (0.75,),
}


def backbone_names() -> list[str]:
    """Return the names of all networks that there is a card for, sorted."""
    return sorted(card.name for card in _CARDS.values())


def backbone_card(name: str) -> BackboneCard:
    """Return the card of a network.

    Parameters
    ----------
    name : str
        One of `backbone_names`; case and punctuation do not matter.

    Returns
    -------
    BackboneCard
        What the network expects.

    Raises
    ------
    ParameterError
        If there is no such network; the message proposes the nearest.
    """
    try:
        return _CARDS[_key(name)]
    except KeyError:
        raise unknown_name("backbone", name, backbone_names()) from None


def _key(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _cards() -> Iterator[BackboneCard]:
    for application, size, min_size, scaling, licence in _ROWS:
        card = BackboneCard(application, application, (size, size), min_size, scaling, licence)
        yield card
        for width in _WIDTHS.get(application, ()):
            yield replace(card, name=f"{application}-{width}", options={"alpha": width})


_CARDS = {_key(card.name): card for card in _cards()}
