"""The door: a lazy, sliceable sequence of images that scikit-learn can split."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, overload

import numpy as np

from classicvis.exceptions import ImageError, ParameterError
from classicvis.images._decode import Source, as_uint8, read_image
from classicvis.images._files import find_images

OnError: TypeAlias = Literal["raise", "skip", "mark"]
Step: TypeAlias = Callable[[np.ndarray], np.ndarray]

ON_ERROR = ("raise", "skip", "mark")


class Unreadable(NamedTuple):
    """An image that could not be read: which one, and why (one sentence)."""

    path: str
    reason: str


class ImageSequence(Sequence[np.ndarray]):
    """Images that are decoded when they are asked for, one by one.

    Parameters
    ----------
    sources : folder, sequence of sources, or ndarray of shape (n, h, w) or (n, h, w, c)
        A folder stands for all images below it, in the order of their paths. A sequence may mix
        paths, bytes and arrays of unequal sizes.
    steps : sequence of callable, default=()
        Applied in this order to every image after decoding; each takes and returns one image.
    on_error : {"raise", "skip", "mark"}, default="raise"
        What extractors do with an unreadable image: "raise" stops with an ImageError that names
        it; with "mark" and "skip" its row of features is NaN and a warning lists it, so that rows
        stay aligned with targets. (`load_image_folder`, which owns the targets as well, leaves
        the image out for "skip".)

    Notes
    -----
    ``seq[3]`` is a uint8 array of shape (h, w, 3) or (h, w); ``seq[2:9]``, ``seq[[4, 1]]`` and
    ``seq[mask]`` are ImageSequences. Indexing decodes anew every time: nothing is kept.
    """

    def __init__(
        self,
        sources: Any,
        *,
        steps: Sequence[Step] = (),
        on_error: OnError = "raise",
    ) -> None:
        if on_error not in ON_ERROR:
            raise ParameterError(f"on_error={on_error!r}: expected one of {', '.join(ON_ERROR)}.")
        self.sources = _sources(sources)
        self.steps = tuple(steps)
        self.on_error: OnError = on_error
        self._numbers: Sequence[int] | np.ndarray = range(len(self.sources))  # before slicing

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def shape(self) -> tuple[int]:
        """The number of images, as a tuple: what scikit-learn's splitters look at."""
        return (len(self.sources),)

    @overload
    def __getitem__(self, key: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, key: Any) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        """Return one image (an integer), or an ImageSequence (a slice, indices or a mask)."""
        if isinstance(key, tuple):  # scikit-learn indexes arrays as X[indices, ...]
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(f"an ImageSequence has one dimension, found the index {key!r}")
            key = key[0]
        if isinstance(key, int | np.integer):
            return self._image(range(len(self))[int(key)])
        if not isinstance(key, slice):
            key = np.asarray(key)
            key = np.arange(len(self))[key if key.size else key.astype(int)]
        return self._copy(sources=_take(self.sources, key), _numbers=_take(self._numbers, key))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self._image(i) for i in range(len(self)))

    def __repr__(self) -> str:
        steps = f", {len(self.steps)} steps" if self.steps else ""
        return f"<ImageSequence of {len(self)} images{steps}, on_error={self.on_error!r}>"

    def name(self, i: int) -> str:
        """Return what messages call image `i`: its path, or its number before slicing."""
        source = self.sources[i]
        if isinstance(source, str | os.PathLike):
            return os.fspath(source)
        return f"image {self._numbers[i]}"

    def pixels(self) -> np.ndarray | None:
        """Return all images as one uint8 array (n, h, w[, 3]), where that is what they are.

        Nothing is decoded or copied: None where a step, a conversion or a file is in the way.
        """
        pixels = self.sources
        if self.steps or not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
            return None
        is_image = pixels.ndim == 3 or (pixels.ndim == 4 and pixels.shape[3] == 3)
        return pixels if is_image and pixels.size else None

    def map(self, step: Step) -> ImageSequence:
        """Return the sequence with one more step, which is not run yet.

        Parameters
        ----------
        step : callable
            Takes one uint8 image and returns one. Where its attribute ``numbered`` is true, it
            also takes the number that the image had before slicing.

        Returns
        -------
        ImageSequence
            A new sequence; this one stays as it is.
        """
        return self._copy(steps=(*self.steps, step))

    def with_on_error(self, on_error: OnError) -> ImageSequence:
        """Return the sequence with another error policy."""
        return self if on_error == self.on_error else self._copy(on_error=on_error)

    def _copy(self, **changes: Any) -> ImageSequence:
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def _image(self, i: int) -> np.ndarray:
        name = self.name(i)
        image = read_image(self.sources[i], name)
        for step in self.steps:
            call: Any = step
            number = (int(self._numbers[i]),) if getattr(step, "numbered", False) else ()
            try:
                image = as_uint8(call(image, *number), name)
            except ImageError:
                raise
            except Exception as error:  # a step is foreign code: say which image it failed on
                raise ImageError(
                    f"{name}: the step {step!r} failed on an image of shape {image.shape}: {error}"
                ) from error
        return image


def _take(items: Any, key: slice | np.ndarray) -> Any:
    if isinstance(key, slice) or isinstance(items, np.ndarray):
        return items[key]
    return [items[i] for i in key]


def as_images(X: Any, on_error: OnError | None = None) -> ImageSequence:
    """Return anything that holds images as an ImageSequence, without decoding.

    Parameters
    ----------
    X : ImageSequence, or the `sources` of one
        A folder, a sequence of paths, bytes and arrays, or an array of images.
    on_error : {"raise", "skip", "mark"}, default=None
        The error policy; None keeps that of an ImageSequence, and is "raise" for all else.

    Returns
    -------
    ImageSequence
        One image per element of `X`.

    Raises
    ------
    ImageError
        If `X` is a single image, or nothing that holds images.
    """
    if isinstance(X, ImageSequence):
        return X if on_error is None else X.with_on_error(on_error)
    return ImageSequence(X, on_error=on_error or "raise")


def _sources(X: Any) -> Sequence[Source] | np.ndarray:
    if isinstance(X, str | os.PathLike):
        if Path(X).is_dir():
            return [str(path) for path in find_images(Path(X)).images]
        raise ImageError(
            f"found the single path {os.fspath(X)!r}, expected a folder or a list of images; "
            "put it in a list: [path]."
        )
    if isinstance(X, bytes | bytearray):
        raise ImageError("found the bytes of one image, expected a list of images; use [data].")
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUS":
        return _stack(X)
    if not isinstance(X, Iterable):
        raise ImageError(
            f"found {type(X).__name__}, expected images: a folder, a list of paths, arrays or "
            "bytes, an array of shape (n, height, width[, channels]) or an ImageSequence."
        )
    sources = list(X)
    for i, source in enumerate(sources):
        if not isinstance(source, str | os.PathLike | bytes | np.ndarray):
            raise ImageError(
                f"image {i}: found {type(source).__name__}, expected a path, bytes or an array; "
                "convert nested lists with numpy.asarray(image, dtype=numpy.uint8)."
            )
    return sources


def _stack(X: np.ndarray) -> np.ndarray:
    single_colour = X.ndim == 3 and X.shape[2] in (3, 4) and min(X.shape[:2]) > 16
    if X.ndim not in (3, 4) or single_colour:
        raise ImageError(
            f"found an array of shape {X.shape}, expected (n, height, width) or "
            "(n, height, width, channels); for a single image pass image[None]."
        )
    return X
