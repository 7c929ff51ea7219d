"""Descriptors as plain functions of one image, with the signatures and numbers of their peers."""

from classicvis.functional._color_histogram import color_histogram
from classicvis.functional._dense_sift import DenseSift, dense_sift
from classicvis.functional._fisher import fisher_vector, learn_gmm
from classicvis.functional._hog import hog
from classicvis.functional._lbp import lbp
from classicvis.functional._perceptual_hash import perceptual_hash
from classicvis.functional._sift import Sift, sift

__all__ = [
    "DenseSift",
    "Sift",
    "color_histogram",
    "dense_sift",
    "fisher_vector",
    "hog",
    "lbp",
    "learn_gmm",
    "perceptual_hash",
    "sift",
]
