"""Several models as one classifier."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from classicvis.classifiers._folds import fit_all, inner_splits, out_of_fold
from classicvis.classifiers._fusion import (
    as_probabilities,
    likeliest_weights,
    pooled,
    temperature_of,
)
from classicvis.classifiers._outputs import output_method, output_of, takes_images, with_nan_rows
from classicvis.exceptions import ImageError, ParameterError, unknown_name
from classicvis.images import as_images, take_images

METHODS = ("average", "vote", "weighted", "stack")


class EnsembleClassifier(ClassifierMixin, _BaseComposition):
    """Ask several models, classical and deep ones alike, and join their answers.

    Each model is a whole pipeline with its own size of images, features and classifier. Models
    that have margins and no probabilities (the support vector machines) may be among them: the
    temperature that turns their margins into probabilities is learnt from images that they have
    not learnt from.

    Parameters
    ----------
    models : list of (str, classifier)
        Names and unfitted models; ``set_params(hands__classifier__C=10)`` reaches them.
    method : {"average", "vote", "weighted", "stack"}, default="average"
        "average": the mean of the probabilities. "vote": one vote for each model; of classes with
        the same number the first one wins. "weighted": the product of the probabilities, each to
        the power of its weight (the logarithmic opinion pool [2]_), with the weights that make the
        true labels likeliest. "stack": a classifier learns from the probabilities.
    cv : int, splitter or iterable of (learn, ask), default=5
        How the images to learn from are parted for temperatures, weights and the classifier of
        "stack". An integer is the number of stratified, shuffled folds. Every model is trained
        once for each fold, and once more on all images; it is trained only once where nothing is
        to be learnt: for "vote", and for "average" of models with probabilities.
    final_classifier : classifier, default=None
        For "stack"; it learns from the probabilities of all models side by side. None is
        ``LogisticRegression()``.
    random_state : int, RandomState or None, default=0
        Seed of the shuffle, where `cv` is an integer. Models have seeds of their own.
    n_jobs : int, default=None
        Models and folds that are worked on at the same time, in threads; None means 1. Networks
        are trained one at a time. Results are the same for any number.

    Attributes
    ----------
    models_ : list of classifier
        Fitted on all images.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    weights_ : ndarray of shape (n_models,)
        Of sum 1 and equal, but for "weighted", where they are exponents of any sum. "stack" does
        not use them.
    temperatures_ : ndarray of shape (n_models,)
        By which margins are divided before the softmax; NaN for models that have probabilities or
        only vote.
    out_of_fold_accuracies_ : ndarray of shape (n_models,) or None
        Of each model, on the folds; None where there are none.
    final_classifier_ : classifier
        Fitted, for "stack".

    Notes
    -----
    Each image's out-of-fold answer of a model is computed once, and serves temperature, weights
    and stacking alike. With probabilities throughout, "average" and "vote" give the numbers of
    scikit-learn's `VotingClassifier`, "stack" those of its `StackingClassifier` [1]_ on the same
    folds. Labels reach the models as they are, not encoded, so that ``class_weight`` may name
    them. "weighted" lets a weak model speak where a strong one hesitates, which a weighted mean of
    probabilities does not: there the sure one always wins.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992,
       DOI 10.1016/S0893-6080(05)80023-1
    .. [2] T. Heskes, "Selecting weighting factors in logarithmic opinion pools", NIPS 1997

    Examples
    --------
    >>> from classicvis import EnsembleClassifier, build_pipeline
    >>> shape = build_pipeline("hog", "svm")
    >>> color = build_pipeline("color_histogram", "random_forest")
    >>> model = EnsembleClassifier([("shape", shape), ("color", color)], method="weighted")
    >>> model.set_params(shape__classifier__C=100).get_params()["shape__classifier__C"]
    100
    """

    def __init__(
        self,
        models: list[tuple[str, Any]],
        *,
        method: Literal["average", "vote", "weighted", "stack"] = "average",
        cv: Any = 5,
        final_classifier: Any = None,
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.models = models
        self.method = method
        self.cv = cv
        self.final_classifier = final_classifier
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the models, and what joins their answers.

        Parameters
        ----------
        X : images
            Anything that the models accept; or rows of features, for models that take these.
        y : array-like of shape (n_images,)
            Labels: integers or strings, of two classes or more.
        groups : array-like of shape (n_images,), default=None
            For a splitter `cv` that keeps groups together, such as `StratifiedGroupKFold`:
            pictures that nearly repeat each other should be one group.

        Returns
        -------
        EnsembleClassifier
            Itself.

        Raises
        ------
        ParameterError
            For an unknown method, models that do not fit it, or folds that do not fit the labels.
        ImageError
            If an image cannot be read.
        """
        methods = self._check_params()
        y = column_or_1d(np.asarray(y))
        check_classification_targets(y)
        X = self._indexable(X)
        check_consistent_length(X, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ParameterError(
                f"found {len(y)} images of {len(self.classes_)} class, expected two classes or "
                "more; add images of another class."
            )
        asked = list(zip([model for _, model in self.models], methods, strict=True))
        answers = None
        if self.method in ("weighted", "stack") or "decision_function" in methods:
            splits = inner_splits(self.cv, y, groups, self.random_state)
            answers = out_of_fold(asked, X, y, self.classes_, splits, self.n_jobs)
        self._methods = methods
        self._learn(answers, codes)
        self.models_ = fit_all([model for model, _ in asked], X, y, self.n_jobs)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, or the shares of the votes.

        Parameters
        ----------
        X : images
            Anything that the models accept.

        Returns
        -------
        ndarray of shape (n_images, n_classes)
            NaN where an image is unreadable and its error policy is not "raise".
        """
        check_is_fitted(self)
        X = self._indexable(X)
        outputs = [output_of(m, X, how) for m, how in zip(self.models_, self._methods, strict=True)]
        chances = self._probabilities(outputs)
        if self.method == "weighted":
            return pooled(chances, self.weights_)
        if self.method != "stack":
            return np.asarray(np.tensordot(self.weights_, chances, axes=1))
        rows = np.hstack(list(chances))
        readable = ~np.isnan(rows).any(axis=1)
        if not readable.any():
            return np.full((len(rows), len(self.classes_)), np.nan)
        return with_nan_rows(self.final_classifier_.predict_proba(rows[readable]), readable)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable labels of images: (n_images,).

        Raises
        ------
        ImageError
            If an image cannot be read, whatever the error policy; `predict_proba` has NaN there.
        """
        chances = self.predict_proba(X)
        n_missing = int(np.isnan(chances[:, 0]).sum())
        if n_missing:
            raise ImageError(
                f"{n_missing} of {len(chances)} images cannot be read, expected all of them for "
                "labels; use predict_proba, or classicvis.classify."
            )
        return self.classes_[chances.argmax(axis=1)]

    @property
    def takes_images(self) -> bool:
        """Whether the models learn from images, and not from features."""
        return any(takes_images(model) for _, model in self.models)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the models by their names."""
        return self._get_params("models", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, a model by its name or those of models by ``name__parameter``."""
        return self._set_params("models", **params)

    def __sklearn_tags__(self) -> Any:
        """Declare images as input, where the models take them."""
        tags = super().__sklearn_tags__()
        return take_images(tags) if self.takes_images else tags

    def _check_params(self) -> list[str]:
        """Return what each model is asked."""
        if self.method not in METHODS:
            raise unknown_name("method", self.method, METHODS)
        are_pairs = all(isinstance(m, tuple) and hasattr(m[-1], "fit") for m in self.models)
        if not (self.models and are_pairs):
            raise ParameterError(
                f"models={self.models!r}: expected a list of (name, classifier), such as "
                "[('hog', build_pipeline('hog'))]."
            )
        names = [name for name, _ in self.models]
        try:
            self._validate_names(names)
        except ValueError as error:
            raise ParameterError(
                f"models: {error}; expected names that differ from each other and from parameters."
            ) from error
        if self.method == "vote":
            return ["predict"] * len(names)
        methods = [output_method(model) for _, model in self.models]
        if None in methods:
            name, model = self.models[methods.index(None)]
            raise ParameterError(
                f"{name}: {type(model).__name__} has neither predict_proba nor decision_function; "
                "use method='vote'."
            )
        return [str(method) for method in methods]

    def _indexable(self, X: Any) -> Any:
        if self.takes_images:
            return as_images(X)
        return np.asarray(X) if hasattr(X, "iloc") or not hasattr(X, "shape") else X

    def _learn(self, answers: list[np.ndarray] | None, codes: np.ndarray) -> None:
        """Learn temperatures, accuracies and weights, or the last classifier, from answers."""
        n_models = len(self.models)
        self.weights_ = np.full(n_models, 1 / n_models)
        self.temperatures_ = np.full(n_models, np.nan)
        self.out_of_fold_accuracies_ = None
        if answers is None:
            return
        for i, method in enumerate(self._methods):
            if method == "decision_function":
                self.temperatures_[i] = temperature_of(answers[i], codes)
        chances = self._probabilities(answers)
        self.out_of_fold_accuracies_ = (chances.argmax(axis=2) == codes).mean(axis=1)
        if self.method == "weighted":
            self.weights_ = likeliest_weights(chances, codes)
        elif self.method == "stack":
            learner = self.final_classifier
            learner = LogisticRegression() if learner is None else clone(learner)
            self.final_classifier_ = learner.fit(np.hstack(list(chances)), self.classes_[codes])

    def _probabilities(self, outputs: list[np.ndarray]) -> np.ndarray:
        """Return the probabilities, or votes, of all models: (n_models, n_images, n_classes)."""
        return np.stack(
            [
                as_probabilities(output, temperature) if how == "decision_function" else output
                for output, temperature, how in zip(
                    outputs, self.temperatures_, self._methods, strict=True
                )
            ]
        ).astype(np.float64)
