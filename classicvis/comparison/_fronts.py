"""The part of a pipeline that turns images into rows, computed once for all that share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from joblib import hash as digest_of
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from classicvis.features import ExtractorUnion, joined
from classicvis.images import ImagePreprocessor


class Part(NamedTuple):
    """Steps from images to the rows of one extractor.

    Attributes
    ----------
    steps : Pipeline
        Not fitted.
    key : str
        Equal for equal steps.
    learns : bool
        Whether rows depend on the images that the steps were fitted on.
    """

    steps: Pipeline
    key: str
    learns: bool


class Front:
    """The steps of a pipeline up to "features", one part per extractor, and what is behind them.

    Parameters
    ----------
    model : estimator
        Any. Only a pipeline with a step "features" has a front.

    Attributes
    ----------
    parts : tuple of Part
        None of them: the model takes the images themselves.
    rest : estimator
        What takes the rows, or the images.
    learns : bool
        Whether any part does, or there is none.
    """

    def __init__(self, model: Any) -> None:
        self.parts: tuple[Part, ...] = ()
        self.rest, self.learns = model, True
        self._union: ExtractorUnion | None = None
        names = [name for name, _ in model.steps] if isinstance(model, Pipeline) else []
        if "features" not in names or names[-1] == "features":
            return
        cut = names.index("features")
        before, features = clone(model[:cut]), clone(model[cut])
        self.rest = clone(model[cut + 1 :])
        extractors = [features]
        if isinstance(features, ExtractorUnion):
            self._union = features
            extractors = [extractor for _, extractor in features.transformer_list]
        self.parts = tuple(_part(before, extractor) for extractor in extractors)
        self.learns = any(part.learns for part in self.parts)

    def join(self, blocks: Sequence[Any]) -> Any:
        """Return the rows of the pipeline from the rows of its parts."""
        if self._union is None:
            return blocks[0]
        return joined(blocks, self._union.weights())

    def assembled(self, fitted: Sequence[Pipeline], rest: Pipeline) -> Pipeline:
        """Return the whole pipeline, fitted, from its fitted parts and what is behind them."""
        *before, (name, features) = fitted[0].steps
        if self._union is not None:
            features = clone(self._union)
            names = [name for name, _ in features.transformer_list]
            extractors = [steps[-1] for steps in fitted]
            features.transformer_list = list(zip(names, extractors, strict=True))
            features.n_features_out_ = sum(extractor.n_features_out_ for extractor in extractors)
        return type(rest)([*before, (name, features), *rest.steps])  # its kind knows samplers


def _part(before: Pipeline, extractor: Any) -> Part:
    steps = clone(Pipeline([*before.steps, ("features", extractor)]))
    return Part(steps, _key(steps), any(_learns(step) for _, step in steps.steps))


def _learns(step: Any) -> bool:
    """Whether a step depends on the images of `fit`; of a stranger we must assume it."""
    if isinstance(step, ImagePreprocessor):
        return False
    return bool(getattr(step, "learns", True))


def _key(steps: Pipeline) -> str:
    try:
        return str(digest_of(steps))
    except Exception:  # what cannot be pickled is equal to itself only
        return f"{id(steps)}"
