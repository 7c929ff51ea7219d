"""The errors of classicvis: each message says what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MANY = 12  # names that a message can list


class ClassicVisError(Exception):
    """Base class of every error that classicvis raises on purpose."""


class ImageError(ClassicVisError, ValueError):
    """An image, or a folder of images, that cannot be used as it is."""


class ParameterError(ClassicVisError, ValueError):
    """An unknown name or an unusable value of a parameter."""


class ModelFileError(ClassicVisError):
    """A model file that is damaged, foreign, or from another version."""


class MissingDependencyError(ClassicVisError, ImportError):
    """An optional package is needed and not installed; the message names the extra."""


class UnreadableImageWarning(UserWarning):
    """Images that could not be read were left out or marked; the message lists them."""


def one_line(error: BaseException) -> str:
    """Return the kind and the message of any error on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ParameterError:
    """Return the error for a name that is not registered, proposing the nearest one.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"classifier"``.
    name : object
        What was given.
    known : iterable of str
        The names that exist.

    Returns
    -------
    ParameterError
        To be raised by the caller.
    """
    names = sorted(known)
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "choose one of these."
    shown = names if len(names) <= _MANY else near or [*names[:_MANY], "..."]
    return ParameterError(f"unknown {kind} {name!r}: expected one of {', '.join(shown)}; {hint}")
