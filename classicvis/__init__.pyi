from . import functional
from ._version import __version__
from ._warmup import warmup
from .classifiers import AugmentedClassifier, CnnClassifier, LinearSvm
from .evaluation import Classification, Evaluation, classify, cross_evaluate, evaluate
from .exceptions import (
    ClassicVisError,
    ImageError,
    MissingDependencyError,
    ModelFileError,
    ParameterError,
    UnreadableImageWarning,
)
from .features import (
    BagOfVisualWords,
    CnnEmbedding,
    ColorHistogramExtractor,
    ExtractorUnion,
    FisherVector,
    GaborExtractor,
    HaralickExtractor,
    HogExtractor,
    ImageExtractor,
    LbpExtractor,
    MomentsExtractor,
    PatchDictionary,
    PyramidHog,
    Vlad,
)
from .images import (
    ImageFolder,
    ImagePreprocessor,
    ImageSequence,
    as_images,
    load_image_folder,
    show_progress,
)
from .persistence import load_model, read_manifest, save_model
from .pipeline import build_pipeline, param_grid

__all__ = [
    "AugmentedClassifier",
    "BagOfVisualWords",
    "ClassicVisError",
    "Classification",
    "CnnClassifier",
    "CnnEmbedding",
    "ColorHistogramExtractor",
    "Evaluation",
    "ExtractorUnion",
    "FisherVector",
    "GaborExtractor",
    "HaralickExtractor",
    "HogExtractor",
    "ImageError",
    "ImageExtractor",
    "ImageFolder",
    "ImagePreprocessor",
    "ImageSequence",
    "LbpExtractor",
    "LinearSvm",
    "MissingDependencyError",
    "ModelFileError",
    "MomentsExtractor",
    "ParameterError",
    "PatchDictionary",
    "PyramidHog",
    "UnreadableImageWarning",
    "Vlad",
    "__version__",
    "as_images",
    "build_pipeline",
    "classify",
    "cross_evaluate",
    "evaluate",
    "functional",
    "load_image_folder",
    "load_model",
    "param_grid",
    "read_manifest",
    "save_model",
    "show_progress",
    "warmup",
]
