"""Extractors: scikit-learn transformers from images to rows of float32."""

from classicvis.features._base import ImageExtractor
from classicvis.features._registry import EXTRACTORS, extractor_names, make_extractor
from classicvis.features._union import ExtractorUnion
from classicvis.features.bovw import BagOfVisualWords
from classicvis.features.color_histogram import ColorHistogramExtractor
from classicvis.features.hog import HogExtractor

__all__ = [
    "EXTRACTORS",
    "BagOfVisualWords",
    "ColorHistogramExtractor",
    "ExtractorUnion",
    "HogExtractor",
    "ImageExtractor",
    "extractor_names",
    "make_extractor",
]
