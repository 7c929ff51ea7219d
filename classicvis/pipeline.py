"""`build_pipeline`: images to labels as one plain scikit-learn Pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from joblib import Memory
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer

from classicvis.classifiers import (
    classifier_entry,
    entry_of,
    make_sampler,
    sampling_pipeline,
    takes_images,
)
from classicvis.exceptions import ParameterError, unknown_name
from classicvis.features import ExtractorUnion, ImageExtractor, make_extractor
from classicvis.images import ImagePreprocessor, Step

DEFAULT_SIZE = (96, 96)
Features: TypeAlias = str | BaseEstimator


def build_pipeline(
    features: Features | Sequence[Features] | None = "hog",
    classifier: str | BaseEstimator = "svm",
    *,
    image_size: tuple[int, int] | int | Literal["auto"] | None = "auto",
    color: Literal["rgb", "gray", "hsv", "lab"] = "rgb",
    preprocess: Sequence[str | Step] | str | Step = (),
    reduce: int | float | BaseEstimator | None = None,
    sampler: str | BaseEstimator | None = None,
    memory: str | Path | Memory | None = None,
    n_jobs: int | None = None,
    random_state: int | None = None,
    **params: Any,
) -> Pipeline:
    """Return an unfitted pipeline from images to labels.

    Parameters
    ----------
    features : str, extractor, list of these, or None, default="hog"
        A registered name ("hog", "color_histogram", "fisher", ...; see `extractor_names`), any
        transformer from images to rows, or several, whose rows are laid side by side, each scaled
        to unit length. None: no features step, the classifier takes the images.
    classifier : str or scikit-learn classifier, default="svm"
        A registered name ("svm", "linear_svm", "random_forest", "knn", "decision_tree",
        "logistic_regression", "gradient_boosting"), "cnn" (of images: features=None), or any
        scikit-learn classifier.
    image_size : (int, int), int, "auto" or None, default="auto"
        Height and width in pixels to which every image is resized. One number: the longest side
        to which larger images are shrunk, in their proportions. None keeps the sizes. "auto" is
        the input size of a network ("cnn"), else (96, 96); but where all extractors take images
        of unequal sizes, and some know how large these are best, such as "fisher", it is that
        longest side, and a network resizes for itself. The classifier "cnn" always does.
    color : {"rgb", "gray", "hsv", "lab"}, default="rgb"
        The colour space of the prepared images.
    preprocess : str, callable, or list of these, default=()
        Steps after resizing, such as "clahe" or "median"; see `ImagePreprocessor`.
    reduce : int, float, transformer, "passthrough" or None, default=None
        A principal component analysis of the features to so many components, or to that share of
        the variance; or any transformer of features. None keeps the features as they are, but for
        "gradient_boosting", whose time grows with their number: it gets 90 % of the variance.
    sampler : {"over", "under", "smote"}, sampler of imbalanced-learn or None, default=None
        What evens out the numbers of images per class, in fit only and thus inside each fold:
        rows of rare classes are repeated at random, those of common ones left out, or new ones
        laid between neighbours [1]_. It sees the rows that the classifier gets. A classifier that
        takes images gets images repeated or left out. Needs ``classicvis[imbalance]``.
    memory : str, Path or joblib.Memory, default=None
        Where scikit-learn's Pipeline keeps fitted steps between fits.
    n_jobs : int, default=None
        Threads for extraction, and for learners that have them; None means 1.
    random_state : int, default=None
        Given to every step that draws random numbers.
    **params
        Further parameters of the steps, by ``set_params`` names: ``classifier__C=10``,
        ``features__orientations=12``, ``images__on_error="mark"``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps "images", "features", "scaler" (rows of unit length, where the learner measures
        distances or angles and the extractor does not scale them), "reducer" (where asked for or
        needed), "sampler" (where asked for) and "classifier". With a sampler it is
        `imblearn.pipeline.Pipeline`, a subclass.

    Raises
    ------
    ParameterError
        For an unknown name or parameter; the message proposes the nearest.
    MissingDependencyError
        If a sampler is asked for, and imbalanced-learn is not installed.

    Notes
    -----
    The defaults of the named classifiers are for features of images: ``class_weight="balanced"``
    where the learner has it, so that a rare class counts as much as a common one, C = 10 for the
    machines on rows of unit length, 300 trees. The support vector machines give margins
    (``decision_function``); for probabilities pass
    ``CalibratedClassifierCV(SVC(C=10), ensemble=False)``. Where a sampler evens out the classes,
    balanced weights are 1.

    References
    ----------
    .. [1] N. V. Chawla et al., "SMOTE: synthetic minority over-sampling technique", JAIR 16, 2002,
       DOI 10.1613/jair.953

    Examples
    --------
    >>> from classicvis import build_pipeline
    >>> list(build_pipeline(["hog", "color_histogram"], "random_forest").named_steps)
    ['images', 'features', 'classifier']
    """
    learner = _classifier(classifier)
    entry = entry_of(learner)
    extractor = None if features is None else _features(features)
    of_images = takes_images(learner)
    if of_images and extractor is not None:
        raise ParameterError(
            f"found features={features!r} for {type(learner).__name__}, which learns from images; "
            "use features=None."
        )
    if image_size == "auto":
        image_size = None if of_images else _image_size(extractor)
    steps: list[tuple[str, Any]] = [
        ("images", ImagePreprocessor(image_size=image_size, color=color, preprocess=preprocess))
    ]
    if extractor is not None:
        steps.append(("features", extractor))
        if (entry is None or entry.unit_rows) and not getattr(extractor, "scaled", False):
            # Rows of our extractors are fresh: scaled where they lie, since they may be large.
            is_ours = isinstance(extractor, ImageExtractor | ExtractorUnion)
            steps.append(("scaler", Normalizer(copy=not is_ours)))
        if reduce is None and entry is not None:
            reduce = entry.variance_kept
    if reduce is not None:
        steps.append(("reducer", PCA(reduce) if isinstance(reduce, int | float) else reduce))
    if sampler is not None:
        steps.append(("sampler", make_sampler(sampler, of_images)))
    steps.append(("classifier", learner))
    memory = str(memory) if isinstance(memory, Path) else memory
    pipeline = (
        Pipeline(steps, memory=memory) if sampler is None else sampling_pipeline(steps, memory)
    )
    _spread(pipeline, n_jobs=n_jobs, random_state=random_state)
    return _with_params(pipeline, params)


def param_grid(pipeline: Pipeline) -> dict[str, list[Any]]:
    """Return a default search space for `GridSearchCV` and its kin.

    Parameters
    ----------
    pipeline : Pipeline
        From `build_pipeline`.

    Returns
    -------
    dict of str to list
        Values of the classifier's most telling parameters, and of the weights of the extractors
        where there are several, by ``set_params`` names. Features are an axis as well: add
        ``{"features": [HogExtractor(), ColorHistogramExtractor()]}``.
    """
    entry = entry_of(pipeline.named_steps["classifier"])
    if entry is None:
        raise ParameterError(
            f"no default search space for {type(pipeline.named_steps['classifier']).__name__}: "
            "expected a classifier that build_pipeline knows by name; write the grid yourself."
        )
    grid = {f"classifier__{name}": values for name, values in entry.search_space.items()}
    features = pipeline.named_steps.get("features")
    if isinstance(features, ExtractorUnion):
        grid["features__transformer_weights"] = _weights([n for n, _ in features.transformer_list])
    return grid


def _weights(names: list[str]) -> list[dict[str, float] | None]:
    """Return equal weights, and each extractor in turn at twice the weight of the others."""
    return [None, *({other: 0.5 for other in names if other != name} for name in names)]


def _classifier(classifier: str | BaseEstimator) -> BaseEstimator:
    if isinstance(classifier, str):
        return classifier_entry(classifier).build()
    if isinstance(classifier, type) or not hasattr(classifier, "fit"):
        raise ParameterError(
            f"classifier={classifier!r}: expected a registered name or a scikit-learn classifier "
            "object such as SVC()."
        )
    return clone(classifier)


def _features(features: Features | Sequence[Features]) -> BaseEstimator:
    if not isinstance(features, list | tuple):
        return _extractor(features)
    if not features:
        raise ParameterError("features=[]: expected at least one extractor, or None.")
    names: list[str] = []
    for item in features:
        base = item if isinstance(item, str) else type(item).__name__.lower()
        count = sum(name == base or name.startswith(f"{base}_") for name in names)
        names.append(f"{base}_{count + 1}" if count else base)
    return ExtractorUnion([(n, _extractor(f)) for n, f in zip(names, features, strict=True)])


def _extractor(extractor: Any) -> BaseEstimator:
    if isinstance(extractor, str):
        return make_extractor(extractor)
    if isinstance(extractor, type) or not hasattr(extractor, "transform"):
        raise ParameterError(
            f"features={extractor!r}: expected a registered name or an extractor object such as "
            "HogExtractor()."
        )
    return clone(extractor)


def _image_size(extractor: BaseEstimator | None) -> tuple[int, int] | int:
    """Return the size of images that suits an extractor, or all extractors of a union."""
    if isinstance(extractor, ExtractorUnion):
        parts = [part for _, part in extractor.transformer_list]
    else:
        parts = [extractor]
    ours = [part for part in parts if isinstance(part, ImageExtractor)]
    sizes = [part.best_size for part in ours]
    longest_sides = [size for size in sizes if isinstance(size, int)]
    if longest_sides and len(ours) == len(parts) and not any(part.fixed_size for part in ours):
        return max(longest_sides)
    return max((size for size in sizes if isinstance(size, tuple)), default=DEFAULT_SIZE)


def _spread(pipeline: Pipeline, **values: Any) -> None:
    """Set shared parameters on every step, nested ones too, that has them and was not told."""
    known = pipeline.get_params()
    settings = {
        key: value
        for key in known
        for name, value in values.items()
        if value is not None and key.rpartition("__")[2] == name and known[key] is None
    }
    pipeline.set_params(**settings)


def _with_params(pipeline: Pipeline, params: dict[str, Any]) -> Pipeline:
    known = pipeline.get_params()
    for name in params:
        if name not in known:
            settable = [key for key in known if "__" in key]
            raise unknown_name("parameter", name, settable)
    return pipeline.set_params(**params)
