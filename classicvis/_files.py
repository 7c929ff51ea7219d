"""Files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from classicvis.exceptions import ClassicVisError


@contextmanager
def replaced_file(
    path: Path, what: str = "the file", error_class: type[ClassicVisError] = ClassicVisError
) -> Iterator[BinaryIO]:
    """Give a new file that takes the place of `path` if, and only if, the block succeeds.

    Parameters
    ----------
    path : Path
        Its folder need not exist.
    what : str, default="the file"
        What an error says cannot be written.
    error_class : type, default=ClassicVisError
        The class of that error.

    Yields
    ------
    file
        Open for bytes, beside its place; gone after an exception or Ctrl-C.
    """
    target = path.resolve()  # a link stays a link: what it points to is replaced
    temporary = target.parent / f".classicvis-{uuid4().hex}"
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
            for parent in missing:
                parent.rmdir()
        if isinstance(error, OSError):
            raise error_class(
                f"{path}: {what} cannot be written ({error.strerror or error}); "
                "choose a file in a folder that you may write to, with room"
            ) from error
        raise
