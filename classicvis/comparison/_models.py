"""What is compared: models by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from classicvis.classifiers import CLASSIFIERS, classifier_entry, entry_of, takes_images
from classicvis.exceptions import ParameterError
from classicvis.features import extractor_names, make_extractor
from classicvis.pipeline import build_pipeline


def as_models(models: Any, random_state: int | None = None) -> dict[str, Any]:
    """Return unfitted estimators by unique names.

    Parameters
    ----------
    models : str, estimator, sequence of these, or mapping from name to str or estimator
        A string such as "hog + linear_svm" names extractors and, last, a classifier.
    random_state : int, default=None
        Given to every step that draws random numbers and has no seed of its own.

    Returns
    -------
    dict of str to estimator
        Clones, in the order given.

    Raises
    ------
    ParameterError
        If there is none, or one is no model.
    """
    return {name: _seeded(model, random_state) for name, model in _by_name(models).items()}


def fitted_models(models: Any) -> dict[str, Any]:
    """Return fitted estimators by unique names, as they are; see `as_models`."""
    named = _by_name(models)
    for name, model in named.items():
        try:
            check_is_fitted(model)
        except NotFittedError as error:
            raise ParameterError(
                f"cv='prefit': found the model {name!r} unfitted, expected a fitted one; fit it "
                "first, or pass a number of folds"
            ) from error
    return named


def _by_name(models: Any) -> dict[str, Any]:
    if isinstance(models, str) or hasattr(models, "fit"):
        models = [models]
    if not isinstance(models, Mapping | Sequence) or not len(models):
        raise ParameterError(
            f"found models={models!r}, expected a list such as ['hog + svm', 'fisher + linear_svm']"
        )
    if isinstance(models, Mapping):
        return {str(name): _model(model) for name, model in models.items()}
    named: dict[str, Any] = {}
    for item in models:
        model = _model(item)
        base = " + ".join(_parts(item)) if isinstance(item, str) else name_of(model)
        name, count = base, 1
        while name in named:
            count += 1
            name = f"{base} ({count})"
        named[name] = model
    return named


def named_model(text: str) -> Any:
    """Return the pipeline of a name such as "hog + color_histogram + svm", or "cnn" alone."""
    *features, classifier = _parts(text)
    if not features and not takes_images(classifier_entry(classifier).build()):
        features = ["hog"]
    if len(features) < 2:
        return build_pipeline(features[0] if features else None, classifier)
    return build_pipeline(features, classifier)


def name_of(model: Any) -> str:
    """Return what people call a model: registered names of its parts where it has them."""
    if not isinstance(model, Pipeline):
        return type(model).__name__
    steps = dict(model.steps)
    features = steps.get("features")
    parts = [] if features is None else _extractor_names(features)
    return " + ".join([*parts, _classifier_name(model.steps[-1][1])])


def _extractor_names(features: Any) -> list[str]:
    if isinstance(features, FeatureUnion):
        return [name for _, part in features.transformer_list for name in _extractor_names(part)]
    registered = {type(make_extractor(name)): name for name in extractor_names()}
    return [registered.get(type(features), type(features).__name__)]


def _classifier_name(classifier: Any) -> str:
    entry = entry_of(classifier)
    names = [name for name, known in CLASSIFIERS.items() if known is entry]
    return names[0] if names else type(classifier).__name__


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split("+")]
    if not all(parts):
        raise ParameterError(
            f"found the model {text!r}, expected names joined by +, such as 'hog + linear_svm'"
        )
    return parts


def _model(model: Any) -> Any:
    if isinstance(model, str):
        return named_model(model)
    if isinstance(model, type) or not hasattr(model, "fit"):
        raise ParameterError(
            f"found the model {model!r}, expected a name such as 'hog + svm', a pipeline of "
            "build_pipeline or any scikit-learn classifier"
        )
    return model


def _seeded(model: Any, random_state: int | None) -> Any:
    """Return a clone whose steps all have a seed."""
    model = clone(model)
    if random_state is None:
        return model
    known = model.get_params()
    unseeded = [k for k in known if k.rpartition("__")[2] == "random_state" and known[k] is None]
    return model.set_params(**dict.fromkeys(unseeded, random_state))
