"""Output files: checked before the work begins, complete or absent after it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from classicvis._files import replaced_file
from classicvis.exceptions import ClassicVisError, ModelFileError


def check_model_output(path: Path) -> None:
    """Raise unless a model can be written to `path`, over nothing but an older model."""
    from classicvis.persistence import read_manifest

    check_output(path)
    if path.exists():
        try:
            read_manifest(path)
        except ModelFileError as error:
            raise ClassicVisError(
                f"{path}: found a file that is no model of classicvis and would be lost; "
                "choose another name, or move it away"
            ) from error


def check_output(path: Path) -> None:
    """Raise unless a file can be written to `path`."""
    if path.is_dir():
        raise ClassicVisError(f"{path}: found a folder, expected the name of a file to write")
    _check_parent(path)


def check_report(folder: Path | None) -> None:
    """Raise unless a report can be written to `folder`; None is no report."""
    if folder is not None:
        from classicvis.evaluation._report import check_report_folder

        check_report_folder(folder)
        _check_parent(folder)


def _check_parent(path: Path) -> None:
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise ClassicVisError(
            f"{path}: the folder {parent} cannot be written ({error.strerror}); "
            "choose one that you may write to"
        ) from error


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a file that appears complete or not at all."""
    with replaced_file(path) as file:
        file.write(text.encode(encoding, errors="backslashreplace"))
