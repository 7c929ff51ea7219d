"""Images in chunks over worker threads: the one loop that decodes, and the one that shows it."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import starmap
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import SequentialBackend, ThreadingBackend, get_active_backend

from classicvis.exceptions import ImageError, UnreadableImageWarning
from classicvis.images._sequence import ImageSequence, Unreadable
from classicvis.images._threads import one_thread_each

T = TypeVar("T")
Images: TypeAlias = list[np.ndarray] | np.ndarray
Progress: TypeAlias = Callable[[int, int], None]

# Images of a chunk: few enough to share out, enough to hide the cost of a call. Small images that
# are in memory go by bytes.
CHUNK_SIZE = 64
_CHUNK_BYTES, _MAX_CHUNK_SIZE = 1 << 20, 512

_progress: ContextVar[Progress | None] = ContextVar("progress", default=None)


class Chunk(NamedTuple):
    """Some decoded images of a sequence.

    The chunk holds `size` images from number `start` on; ``images[j]`` is the one at
    ``positions[j]`` of the chunk, `unreadable` tells of the others. `images` is a list, or one
    array where the sequence is one.
    """

    start: int
    size: int
    positions: Sequence[int]
    images: Images
    unreadable: list[Unreadable]


@contextmanager
def show_progress(progress: Progress | None) -> Iterator[None]:
    """Call ``progress(n_done, n_images)`` after every chunk that is worked inside the block."""
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)


def current_progress() -> Progress | None:
    """Return who is told by `show_progress` here, for work that has a loop of its own."""
    return _progress.get()


def read_chunk(images: ImageSequence, start: int = 0) -> Chunk:
    """Decode a short sequence; with ``on_error="raise"`` the first unreadable image raises."""
    pixels = images.pixels()
    if pixels is not None:
        return Chunk(start, len(pixels), range(len(pixels)), pixels, [])
    positions: list[int] = []
    decoded: list[np.ndarray] = []
    unreadable: list[Unreadable] = []
    for i in range(len(images)):
        try:
            image = images[i]
        except ImageError as error:
            if images.on_error == "raise":
                raise
            unreadable.append(Unreadable(images.name(i), str(error)))
        else:
            positions.append(i)
            decoded.append(image)
    return Chunk(start, len(images), positions, decoded, unreadable)


def stream(
    images: ImageSequence, work: Callable[[Chunk], T], n_jobs: int | None = None
) -> Iterator[T]:
    """Yield ``work(chunk)`` for all chunks of a sequence, in order.

    Parameters
    ----------
    images : ImageSequence
        Decoded chunk by chunk, in the worker that does the work.
    work : callable
        Takes a `Chunk`; must be picklable for backends with processes.
    n_jobs : int, default=None
        Threads; None means 1 (joblib's convention).

    Yields
    ------
    object
        The results. Unreadable images of policy "mark" or "skip" are listed in one
        `UnreadableImageWarning` at the end.
    """
    n_images, chunk_size = len(images), _chunk_size(images)
    starts = range(0, n_images, chunk_size)
    tasks = ((images[start : start + chunk_size], start, work) for start in starts)
    results = _results(_decode_and_work, tasks, n_jobs)
    progress = _progress.get()
    unreadable: list[Unreadable] = []
    for start, (result, bad) in zip(starts, results, strict=True):
        unreadable += bad
        yield result
        if progress is not None:
            progress(min(start + chunk_size, n_images), n_images)
    if unreadable:
        _warn(unreadable, n_images)


def _results(
    function: Callable[..., T], tasks: Iterable[tuple[Any, ...]], n_jobs: int | None
) -> Iterator[T]:
    """Yield ``function(*task)`` for all tasks in order, a few of them ahead.

    Joblib says how many at a time, and runs them where another backend than threads is active. Its
    threads are not used: it looks for their results every 10 ms, as long as small batches take.
    """
    backend, _ = get_active_backend(prefer="threads")
    if not isinstance(backend, ThreadingBackend | SequentialBackend):
        calls = (delayed(function)(*task) for task in tasks)
        yield from Parallel(n_jobs=n_jobs, return_as="generator")(calls)
        return
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1:
        yield from starmap(function, tasks)
        return
    pool, pending = ThreadPoolExecutor(n_threads), deque[Future[T]]()
    try:
        for task in tasks:
            pending.append(pool.submit(function, *task))
            if len(pending) > 2 * n_threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _chunk_size(images: ImageSequence) -> int:
    pixels = images.pixels()
    if pixels is None:
        return CHUNK_SIZE
    return min(max(_CHUNK_BYTES // pixels[0].nbytes, CHUNK_SIZE), _MAX_CHUNK_SIZE)


def _decode_and_work(
    images: ImageSequence, start: int, work: Callable[[Chunk], T]
) -> tuple[T, list[Unreadable]]:
    with one_thread_each():
        chunk = read_chunk(images, start)
        return work(chunk), chunk.unreadable


def _warn(unreadable: list[Unreadable], n_images: int) -> None:
    shown = "; ".join(entry.reason for entry in unreadable[:3])
    more = f"; and {len(unreadable) - 3} more" if len(unreadable) > 3 else ""
    warnings.warn(
        f"{len(unreadable)} of {n_images} images cannot be read, their features are NaN: "
        f"{shown}{more}",
        UnreadableImageWarning,
        stacklevel=4,
    )
