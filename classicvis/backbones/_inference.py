"""Images through a network: decoded in threads while it runs, in batches of one shape."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypeVar

import numpy as np

from classicvis.backbones.keras import check_process, is_out_of_memory, network_lock
from classicvis.exceptions import ParameterError
from classicvis.images import Chunk, ImagePreprocessor, ImageSequence, stream

T = TypeVar("T")
_END: Any = object()


@dataclass(frozen=True)
class Prepared:
    """Images as a network takes them: ``pixels[j]`` is number ``positions[j]`` of a sequence."""

    positions: np.ndarray
    pixels: np.ndarray
    keys: np.ndarray
    """Digests of the pixels, where they are asked for: bytes objects."""

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, some: Any) -> Prepared:
        """Return some of the images: a slice or a mask."""
        return Prepared(self.positions[some], self.pixels[some], self.keys[some])


def predict(
    model: Any,
    images: ImageSequence,
    size: tuple[int, int],
    *,
    batch_size: int = 32,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Return what a network answers to each image.

    Parameters
    ----------
    model : keras.Model
        From images (None, h, w, 1 or 3), values 0..255, to one array.
    images : ImageSequence
        Of any sizes, grey or RGB; they become what the network takes.
    size : (int, int)
        Height and width in pixels to which they are resized.
    batch_size : int, default=32
        Images that the network takes at once; halved as often as memory runs out.
    n_jobs : int, default=None
        Threads that decode and resize while the network runs; None means 1.

    Returns
    -------
    ndarray of shape (n_images, ...), float32
        NaN for unreadable images, where the policy of `images` is not "raise".
    """
    check_process()
    out = np.full((len(images), *model.output_shape[1:]), np.nan, np.float32)
    run = BatchRunner(model, batch_size)
    shape = (*size, model.input_shape[-1])
    with network_lock, closing(prepared(images, shape, n_jobs)) as parts:
        for part in regrouped(parts, batch_size):
            out[part.positions] = run(part.pixels)
    return out


def prepared(
    images: ImageSequence,
    shape: tuple[int, int, int],
    n_jobs: int | None,
    salt: bytes | None = None,
) -> Generator[Prepared, None, None]:
    """Yield images decoded and brought to a shape (h, w, 1 or 3), ahead of the caller.

    With `salt` they have keys, which depend on it and on the pixels.
    """
    return _ahead(stream(of_shape(images, shape), _Stack(shape, salt), n_jobs))


def of_shape(images: ImageSequence, shape: tuple[int, int, int]) -> ImageSequence:
    """Return images that become (h, w, 3), or grey and (h, w) for (h, w, 1), when decoded."""
    height, width, n_channels = shape
    color: Literal["gray", "rgb"] = "gray" if n_channels == 1 else "rgb"
    return ImagePreprocessor((height, width), color).transform(images)


def regrouped(parts: Iterable[Prepared], batch_size: int) -> Iterator[Prepared]:
    """Yield the same images in parts of whole batches; only the last may have another length."""
    waiting: list[Prepared] = []
    for part in parts:
        waiting.append(part)
        count = sum(map(len, waiting))
        if count >= batch_size:
            whole = _joined(waiting)
            count -= count % batch_size
            yield whole[:count]
            waiting = [whole[count:]]
    if any(map(len, waiting)):
        yield _joined(waiting)


class BatchRunner:
    """Run a network on arrays of images, in batches of one shape.

    The engine compiles a network for every shape that it meets. So the last batch is filled up
    with black images; to a power of two only, where all images together are less than a batch.

    Parameters
    ----------
    model : keras.Model
        The network; run in inference mode.
    batch_size : int
        Images at once; halved as often as memory runs out, for this and the calls to come.
    """

    def __init__(self, model: Any, batch_size: int) -> None:
        self.model = model
        self.batch_size = batch_size
        self._ran_whole_batch = False

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the answers to uint8 images (n, h, w, c): float32 of shape (n, ...)."""
        rows: list[np.ndarray] = []
        start = 0
        while start < len(pixels):
            batch = pixels[start : start + self.batch_size]
            try:
                rows.append(self._answers(batch))
            except Exception as error:  # each engine has its own
                if not is_out_of_memory(error):
                    raise
                self._halve(batch.shape, error)
            else:
                start += len(batch)
        return np.concatenate(rows)

    def _answers(self, batch: np.ndarray) -> np.ndarray:
        filled = np.zeros((self._length(len(batch)), *batch.shape[1:]), np.uint8)
        filled[: len(batch)] = batch
        answers = np.asarray(self.model.predict_on_batch(filled), np.float32)
        return answers[: len(batch)]

    def _length(self, n_images: int) -> int:
        self._ran_whole_batch |= n_images == self.batch_size
        power_of_two = 1 << (n_images - 1).bit_length()
        return self.batch_size if self._ran_whole_batch else min(power_of_two, self.batch_size)

    def _halve(self, shape: tuple[int, ...], error: Exception) -> None:
        if self.batch_size == 1:
            raise ParameterError(
                f"memory ran out for one image of {shape[1]}x{shape[2]} pixels; expected room for "
                "it in the network: take a smaller image_size or a smaller network."
            ) from error
        self.batch_size //= 2


class _Stack:
    """The images of a chunk as one array; a class, because processes need to pickle it."""

    def __init__(self, shape: tuple[int, int, int], salt: bytes | None) -> None:
        self.shape = shape
        self.salt = salt

    def __call__(self, chunk: Chunk) -> Prepared:
        pixels = np.ascontiguousarray(chunk.images, np.uint8).reshape(-1, *self.shape)
        keys = np.empty(len(pixels), object)
        if self.salt is not None:
            keys[:] = [_digest(self.salt, image) for image in pixels]
        return Prepared(chunk.start + np.asarray(chunk.positions, np.intp), pixels, keys)


def _digest(salt: bytes, image: np.ndarray) -> bytes:
    digest = sha256(salt)
    digest.update(image.ravel().data)
    return digest.digest()


def _ahead(items: Iterator[T], n_ahead: int = 2) -> Generator[T, None, None]:
    """Yield the items of an iterator that a thread of its own advances."""
    context = copy_context()  # the thread reports progress to whoever asked for it here

    def advance() -> Any:
        return context.run(next, items, _END)

    with ThreadPoolExecutor(1) as thread:
        pending = deque(thread.submit(advance) for _ in range(n_ahead))
        while (item := pending.popleft().result()) is not _END:
            pending.append(thread.submit(advance))
            yield item


def _joined(parts: list[Prepared]) -> Prepared:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*((part.positions, part.pixels, part.keys) for part in parts), strict=True)
    return Prepared(*map(np.concatenate, columns))
