"""Names of classifiers: scikit-learn estimators and their default search spaces."""

from classicvis.classifiers._as_network import Network, as_network, has_network, images_step
from classicvis.classifiers._augmented import AugmentedClassifier
from classicvis.classifiers._ensemble import EnsembleClassifier
from classicvis.classifiers._linear_svm import LinearSvm
from classicvis.classifiers._outputs import (
    cut_after_features,
    marks_unreadable,
    most_likely,
    nan_rows,
    output_method,
    takes_images,
    unwrapped,
    with_nan_rows,
)
from classicvis.classifiers._registry import (
    CLASSIFIERS,
    ClassifierEntry,
    classifier_entry,
    classifier_names,
    entry_of,
)
from classicvis.classifiers._sampling import ImageSampler, make_sampler, sampling_pipeline
from classicvis.classifiers._views import AveragedViewsClassifier
from classicvis.classifiers.cnn import CnnClassifier

__all__ = [
    "CLASSIFIERS",
    "AugmentedClassifier",
    "AveragedViewsClassifier",
    "ClassifierEntry",
    "CnnClassifier",
    "EnsembleClassifier",
    "ImageSampler",
    "LinearSvm",
    "Network",
    "as_network",
    "classifier_entry",
    "classifier_names",
    "cut_after_features",
    "entry_of",
    "has_network",
    "images_step",
    "make_sampler",
    "marks_unreadable",
    "most_likely",
    "nan_rows",
    "output_method",
    "sampling_pipeline",
    "takes_images",
    "unwrapped",
    "with_nan_rows",
]
