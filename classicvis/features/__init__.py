"""Extractors: scikit-learn transformers from images to rows of float32."""

from classicvis.features._base import ImageExtractor, without_missing_rows
from classicvis.features._registry import EXTRACTORS, extractor_names, make_extractor
from classicvis.features._union import ExtractorUnion, joined
from classicvis.features.bovw import BagOfVisualWords
from classicvis.features.cnn import CnnEmbedding
from classicvis.features.color_histogram import ColorHistogramExtractor
from classicvis.features.fisher import FisherVector
from classicvis.features.gabor import GaborExtractor
from classicvis.features.haralick import HaralickExtractor
from classicvis.features.hog import HogExtractor
from classicvis.features.lbp import LbpExtractor
from classicvis.features.moments import MomentsExtractor
from classicvis.features.patches import PatchDictionary
from classicvis.features.phog import PyramidHog
from classicvis.features.vlad import Vlad

__all__ = [
    "EXTRACTORS",
    "BagOfVisualWords",
    "CnnEmbedding",
    "ColorHistogramExtractor",
    "ExtractorUnion",
    "FisherVector",
    "GaborExtractor",
    "HaralickExtractor",
    "HogExtractor",
    "ImageExtractor",
    "LbpExtractor",
    "MomentsExtractor",
    "PatchDictionary",
    "PyramidHog",
    "Vlad",
    "extractor_names",
    "joined",
    "make_extractor",
    "without_missing_rows",
]
