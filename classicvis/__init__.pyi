from . import functional
from ._version import __version__
from ._warmup import warmup
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
    ColorHistogramExtractor,
    ExtractorUnion,
    HogExtractor,
    ImageExtractor,
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
    "BagOfVisualWords",
    "ClassicVisError",
    "Classification",
    "ColorHistogramExtractor",
    "Evaluation",
    "ExtractorUnion",
    "HogExtractor",
    "ImageError",
    "ImageExtractor",
    "ImageFolder",
    "ImagePreprocessor",
    "ImageSequence",
    "MissingDependencyError",
    "ModelFileError",
    "ParameterError",
    "UnreadableImageWarning",
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
