"""The file of a model: written as a whole, read with every damage told."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from classicvis._files import replaced_file
from classicvis._version import __version__
from classicvis.exceptions import ModelFileError
from classicvis.persistence._manifest import FORMAT, FORMAT_VERSION, as_json

MANIFEST = "manifest.json"
PAYLOAD = "model.joblib"
MODEL = "the model"  # what cannot be written

_NEEDED = {"format_version", "versions", "extractors", "payload"}
# what reading a damaged zip raises, apart from a wrong checksum
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    lzma.LZMAError,
)
_PICKLE_STARTS = (b"\x80", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b", b"BZh")


def write_model(path: Path, manifest: dict[str, Any], payload: bytes) -> None:
    """Write the archive of a manifest, completed by the checksum, and a pickled model."""
    checked = {
        "file": PAYLOAD,
        "bytes": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    text = as_json({**manifest, "payload": checked}).encode("utf-8", "backslashreplace")
    with replaced_file(path, MODEL, ModelFileError) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST, text)
        archive.writestr(PAYLOAD, payload)


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a model file says about itself; nothing is unpickled.

    Parameters
    ----------
    path : str or Path
        A file that `save_model` wrote.

    Returns
    -------
    dict
        With the keys ``format``, ``format_version``, ``created`` (UTC, ISO 8601), ``versions``
        (package to version), ``classes`` (labels), ``class_names``, ``input`` (``image_size``,
        ``color``, other parameters of the step ``images``, ``accepts``; None for a model without
        that step), ``extractors`` (dicts of ``name``, ``module``, ``class``, ``version``),
        ``n_features``, ``classifier``, ``metrics``, ``metadata`` and ``payload`` (``file``,
        ``bytes``, ``sha256``).

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, no model of classicvis, or of a newer format.
    """
    path = Path(path)
    foreign = f"{path}: a zip archive but not a classicvis model; check the path"
    with _opened(path) as archive:
        if MANIFEST not in archive.namelist():
            raise ModelFileError(foreign)
        manifest = json.loads(archive.read(MANIFEST))
    is_ours = isinstance(manifest, dict) and manifest.get("format") == FORMAT
    if not is_ours or not manifest.keys() >= _NEEDED:
        raise ModelFileError(foreign)
    if manifest["format_version"] > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: found format {manifest['format_version']} of classicvis "
            f"{manifest['versions']['classicvis']}, expected at most format {FORMAT_VERSION}, "
            f"which the installed {__version__} reads: run `pip install -U classicvis`"
        )
    return manifest


def read_payload(path: Path, manifest: dict[str, Any]) -> bytes:
    """Return the pickled model, whose checksum is right."""
    with _opened(path) as archive:
        payload = archive.read(manifest["payload"]["file"])
    if hashlib.sha256(payload).hexdigest() != manifest["payload"]["sha256"]:
        raise ModelFileError(
            f"{path}: the model file is damaged (its checksum differs); "
            "copy it again from its source"
        )
    return payload


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the archive; whatever says that it is damaged or foreign becomes one sentence."""
    try:
        with open(path, "rb") as file:
            start = file.read(64)
            if not start.startswith(b"PK\x03\x04"):
                raise ModelFileError(f"{path}: {_what_it_is(start)}")
            with zipfile.ZipFile(file) as archive:
                yield archive
    except OSError as error:
        raise ModelFileError(
            f"{path}: the model file cannot be read ({error.strerror or error}); check the path"
        ) from error
    except _DAMAGE as error:
        raise ModelFileError(
            f"{path}: the model file is damaged or cut off ({error}); copy it again from its source"
        ) from error


def _what_it_is(start: bytes) -> str:
    expected = "expected a file that save_model wrote"
    if not start:
        return f"the file is empty, {expected}; copy it again from its source"
    if start.startswith(_PICKLE_STARTS):
        return f"found a plain joblib or pickle file, {expected}; load it with joblib.load"
    return f"not a classicvis model, {expected}; check the path"
