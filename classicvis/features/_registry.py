"""Extractor names: ours in one literal table, those of other packages by entry point."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from classicvis.exceptions import ParameterError, unknown_name
from classicvis.features._base import ImageExtractor

ENTRY_POINT_GROUP = "classicvis.extractors"

EXTRACTORS = {
    "hog": "classicvis.features.hog:HogExtractor",
    "color_histogram": "classicvis.features.color_histogram:ColorHistogramExtractor",
    "bovw": "classicvis.features.bovw:BagOfVisualWords",
    "lbp": "classicvis.features.lbp:LbpExtractor",
    "haralick": "classicvis.features.haralick:HaralickExtractor",
    "gabor": "classicvis.features.gabor:GaborExtractor",
    "moments": "classicvis.features.moments:MomentsExtractor",
    "phog": "classicvis.features.phog:PyramidHog",
    "vlad": "classicvis.features.vlad:Vlad",
    "fisher": "classicvis.features.fisher:FisherVector",
    "patches": "classicvis.features.patches:PatchDictionary",
    "cnn": "classicvis.features.cnn:CnnEmbedding",
}


def extractor_names() -> list[str]:
    """Return all registered names, those of installed plug-ins included."""
    return sorted(_registered())


def make_extractor(name: str, **params: Any) -> ImageExtractor:
    """Return a new extractor by its registered name.

    Parameters
    ----------
    name : str
        Such as ``"hog"``.
    **params
        Parameters of the extractor.

    Raises
    ------
    ParameterError
        If the name is unknown (the message proposes the nearest) or registered twice.
    """
    registered = _registered()
    if name not in registered:
        raise unknown_name("extractor", name, registered)
    module, _, attribute = registered[name].partition(":")
    return getattr(import_module(module), attribute)(**params)


def _registered() -> dict[str, str]:
    registered = dict(EXTRACTORS)
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        if entry_point.name in registered:
            raise ParameterError(
                f"the extractor name {entry_point.name!r} is registered twice, by "
                f"{registered[entry_point.name]} and {entry_point.value}; uninstall one of them."
            )
        registered[entry_point.name] = entry_point.value
    return registered
