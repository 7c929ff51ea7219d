"""OpenCV and BLAS work with one thread while classicvis spreads images over its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import cv2
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_restore = ExitStack()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep OpenCV and BLAS serial inside the block; the last thread to leave restores them.

    Both settings belong to the whole process, so blocks that overlap in several threads count.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _restore.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(1)
            _restore.enter_context(_blas().limit(limits=1))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _restore.close()
