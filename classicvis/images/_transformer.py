"""The first step of every pipeline: from whatever holds images to prepared images, lazily."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from sklearn.base import BaseEstimator, TransformerMixin

from classicvis.exceptions import ParameterError
from classicvis.images._preprocess import ConvertColor, Resize, Shrink, make_step
from classicvis.images._sequence import ON_ERROR, ImageSequence, OnError, Step, as_images
from classicvis.images._tags import take_images


class ImagePreprocessor(TransformerMixin, BaseEstimator):
    """Turn paths, arrays, bytes or a folder into an `ImageSequence` of prepared images.

    Nothing is decoded here: the steps are composed, and run when an extractor asks for an image.

    Parameters
    ----------
    image_size : (int, int), int or None, default=(96, 96)
        Height and width in pixels of every image. One number: larger images are shrunk, in their
        proportions, until this is their longest side. None keeps the sizes.
    color : {"rgb", "gray", "hsv", "lab"}, default="rgb"
        The colour space of the prepared images; "gray" gives (h, w), the others (h, w, 3).
    preprocess : str, callable, or sequence of these, default=()
        Steps between resizing and the conversion of colours, by registered name ("clahe",
        "median", ...; see `classicvis.images.STEPS`) or as callables on one uint8 image.
    resize_mode : {"stretch", "letterbox", "crop"}, default="stretch"
        How other proportions become those of `image_size`; see `Resize`.
    on_error : {"raise", "skip", "mark"}, default=None
        What happens to unreadable images (see `ImageSequence`); None keeps the policy of an
        ImageSequence and is "raise" for all other input.
    """

    def __init__(
        self,
        image_size: tuple[int, int] | int | None = (96, 96),
        color: Literal["rgb", "gray", "hsv", "lab"] = "rgb",
        preprocess: Sequence[str | Step] | str | Step = (),
        resize_mode: Literal["stretch", "letterbox", "crop"] = "stretch",
        on_error: OnError | None = None,
    ) -> None:
        self.image_size = image_size
        self.color = color
        self.preprocess = preprocess
        self.resize_mode = resize_mode
        self.on_error = on_error

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : images
            Anything that `as_images` accepts.
        y : ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self
        """
        self._steps()
        return self

    def transform(self, X: Any) -> ImageSequence:
        """Return the images with all steps mapped, not yet run.

        Parameters
        ----------
        X : images
            Anything that `as_images` accepts.

        Returns
        -------
        ImageSequence
            One image per element of `X`.
        """
        images = as_images(X, self.on_error)
        steps = self._steps()
        if self._are_ready(images):
            return images
        for step in steps:
            images = images.map(step)
        return images

    def _are_ready(self, images: ImageSequence) -> bool:
        """Return whether no step would change anything: then none is called image by image."""
        pixels = images.pixels()
        if pixels is None or not (isinstance(self.preprocess, Sequence) and not self.preprocess):
            return False
        if isinstance(self.image_size, int):
            has_size = max(pixels.shape[1:3]) <= self.image_size
        else:
            has_size = self.image_size in (None, pixels.shape[1:3])
        return has_size and self.color in (("rgb",) if pixels.ndim == 4 else ("gray", "grey"))

    def _steps(self) -> list[Step]:
        if self.on_error not in (None, *ON_ERROR):
            raise ParameterError(
                f"on_error={self.on_error!r}: expected one of {', '.join(ON_ERROR)}."
            )
        specs = self.preprocess
        if isinstance(specs, str) or callable(specs):
            specs = [specs]
        steps: list[Step] = [make_step(spec) for spec in specs]
        if isinstance(self.image_size, int):
            steps.insert(0, Shrink(self.image_size))
        elif self.image_size is not None:
            steps.insert(0, Resize(self.image_size, self.resize_mode))
        return [*steps, ConvertColor(self.color)]

    def __sklearn_is_fitted__(self) -> bool:
        """Return True: the step is stateless."""
        return True

    def __sklearn_tags__(self) -> Any:
        """Declare images as input and that no fit is required."""
        tags = take_images(super().__sklearn_tags__())
        tags.requires_fit = False
        return tags
