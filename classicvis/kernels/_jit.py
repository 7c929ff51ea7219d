"""The one decorator of all kernels: serial, GIL-free, cached on disk.

Numba keys its disk cache by the source of the *calling* file alone, so a helper edited in another
file would keep serving the old numbers. Here the key covers every file of this package.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import caching
from numba.core.registry import cpu_target

if not getattr(numba.config, "DISABLE_JIT", False):
    # Numba would import the rest of itself, and of SciPy, in the first call: 0.4 s too late.
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()

# Reassociation and fused multiply-add let loops vectorise; NaN and infinity keep their meaning.
VECTOR_FLAGS = {"reassoc", "contract", "nsz", "arcp"}

# Less to compile: for kernels that Python never calls, and for those that allocate nothing.
INNER: dict[str, Any] = {"no_cpython_wrapper": True}
NO_ALLOCATION: dict[str, Any] = {"_nrt": False}


@cache
def sources_digest() -> str:
    """Return the SHA-256 of every kernel source, names included (hexadecimal)."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def cache_folder() -> str | None:
    """Return the folder of compiled kernels, or None where no folder can be written.

    ``CLASSICVIS_CACHE_DIR`` comes first, then ``XDG_CACHE_HOME``, then ``~/.cache``. A folder for
    temporary files is no candidate: others may write there, and cached code is executed.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    # Numba does not tell code with bounds checks from code without.
    name = sources_digest()[:16] + (
        "-checked" if getattr(numba.config, "BOUNDSCHECK", False) else ""
    )
    for candidate in (os.environ.get("CLASSICVIS_CACHE_DIR"), Path(base, "classicvis")):
        if not candidate:
            continue
        folder = Path(candidate, "kernels", name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return str(folder)
        except OSError:
            continue
    return None


class _Locator(caching._CacheLocator):
    """Where the compiled form of one function lies."""

    def __init__(self, py_func: Callable[..., Any]) -> None:
        self._line = py_func.__code__.co_firstlineno

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _Locator | None:
        return cls(py_func) if cache_folder() else None

    def get_cache_path(self) -> str | None:
        return cache_folder()

    def get_source_stamp(self) -> str:
        return sources_digest()

    def get_disambiguator(self) -> str:
        return str(self._line)


class _CacheImpl(caching.CompileResultCacheImpl):
    # numba annotates the list as type[object], which abstract classes are not to mypy
    _locator_classes = [_Locator]  # type: ignore[list-item]  # noqa: RUF012


class _KernelCache(caching.FunctionCache):
    _impl_class = _CacheImpl


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """Compile a function with Numba: ``nopython``, ``nogil``, cached on disk.

    Parameters
    ----------
    function : callable
        The plain Python function; without it a decorator is returned.
    **options
        Further options of ``numba.njit``, such as ``inline`` or ``fastmath=VECTOR_FLAGS``.

    Returns
    -------
    callable
        The dispatcher; with ``NUMBA_DISABLE_JIT=1`` the function itself.
    """
    if function is None:
        return lambda function: kernel(function, **options)
    # Numba would hand down the flags of whichever kernel calls this one first.
    options = {"fastmath": False, "no_cfunc_wrapper": True, **options}
    dispatcher = numba.njit(nogil=True, **options)(function)
    if dispatcher is not function and cache_folder() is not None:
        dispatcher._cache = _KernelCache(function)
    return dispatcher
