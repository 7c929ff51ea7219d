"""The report folder: written beside its place, then moved there as a whole."""

from __future__ import annotations

import csv
import io
import json
import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from PIL import Image

from classicvis._version import __version__
from classicvis.evaluation._evaluation import images_of
from classicvis.evaluation._optional import require
from classicvis.evaluation._plots import confidence_text, picture_of
from classicvis.evaluation._text import headline, summary
from classicvis.exceptions import ClassicVisError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classicvis.evaluation._evaluation import Evaluation

FORMAT = "classicvis-report"
FORMAT_VERSION = 1
FILES = {
    "index.html",
    "summary.txt",
    "metrics.json",
    "predictions.csv",
    "confusion_matrix.png",
    "mistakes.png",
}


def save_report(result: Evaluation, folder: Path, title: str, n_mistakes: int) -> Path:
    """Write the report folder; see `Evaluation`."""
    require("matplotlib", "Evaluation.save_report")
    require("jinja2", "Evaluation.save_report", "Jinja2")
    with replaced_folder(folder) as place:
        _write_tables(result, place)
        matrix = png_of(result.plot_confusion_matrix())
        (place / "confusion_matrix.png").write_bytes(matrix)
        (place / "mistakes.png").write_bytes(png_of(result.plot_mistakes(n=n_mistakes)))
        _write(place / "index.html", _html(result, title, matrix, n_mistakes))
    return folder


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder that takes the place of `folder` if, and only if, the block succeeds.

    Parameters
    ----------
    folder : Path
        A place that is free, an empty folder, or an older report.

    Yields
    ------
    Path
        A folder beside it, to write into. After an exception or Ctrl-C nothing of it is left and
        the older report is as it was.

    Raises
    ------
    ClassicVisError
        If something else is there, or the place cannot be written.
    """
    target = folder.resolve()  # a link stays a link: what it points to is replaced
    check_report_folder(folder)
    place = target.parent / f".classicvis-{uuid4().hex}"
    old = place.with_suffix(".old")
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        place.mkdir(parents=True)
        yield place
        if target.exists():
            target.rename(old)
        place.rename(target)
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        if old.exists() and not target.exists():
            old.rename(target)
        with suppress(OSError):
            for parent in missing:
                parent.rmdir()
        if isinstance(error, OSError):
            raise ClassicVisError(
                f"{folder}: the report cannot be written ({error.strerror or error}); "
                "choose a folder that you may write to"
            ) from error
        raise
    shutil.rmtree(old, ignore_errors=True)


def check_report_folder(folder: Path) -> None:
    """Raise unless `folder` is free, empty, or holds a report of ours and nothing else."""
    if not folder.exists():
        return
    fix = "choose another folder, or move it away"
    if not folder.is_dir():
        raise ClassicVisError(f"{folder}: found a file, expected a folder for the report; {fix}")
    try:
        names = {path.name for path in folder.iterdir()}
        if not names:
            return
        manifest = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        is_ours = isinstance(manifest, dict) and manifest.get("format") == FORMAT
    except (OSError, ValueError):
        is_ours = False
    if not is_ours:
        raise ClassicVisError(f"{folder}: the folder holds files that are no report of ours; {fix}")
    foreign = sorted(names - FILES)
    if foreign:
        raise ClassicVisError(
            f"{folder}: besides a report the folder holds {foreign[0]!r}, which replacing it would "
            f"delete; {fix}"
        )


def _write_tables(result: Evaluation, place: Path) -> None:
    _write(place / "summary.txt", summary(result))
    record = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "classicvis": __version__,
        **result.to_dict(),
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)
    _write(place / "metrics.json", text)
    # with the byte order mark Excel reads it as UTF-8
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["image", "true", "predicted", "confidence", "correct", "error"])
    writer.writerows(_predictions(result))
    _write(place / "predictions.csv", table.getvalue(), encoding="utf-8-sig")


def _write(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write text; the bytes of file names that are no UTF-8 become escapes, not an error."""
    path.write_bytes(text.encode(encoding, errors="backslashreplace"))


def _predictions(result: Evaluation) -> list[list[Any]]:
    """Return one row per image in the order of the evaluation, unreadable ones included."""
    rows: list[list[Any]] = [[]] * (result.n_samples + len(result.skipped))
    true, predicted = result.name_of(result.y_true), result.name_of(result.y_pred)
    confidences = ["" if np.isnan(value) else f"{value:.6g}" for value in result.confidences]
    correct = np.where(result.correct, "yes", "no").tolist()
    readable = zip(result.indices, result.names, true, predicted, confidences, correct, strict=True)
    for i, *row in readable:
        rows[i] = [*row, ""]
    unreadable = np.setdiff1d(np.arange(len(rows)), result.indices)
    for entry, i in zip(result.skipped, unreadable, strict=True):
        rows[i] = [entry.path, "", "", "", "", entry.reason]
    return rows


def png_of(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor="white")
    return buffer.getvalue()


def rendered(template: Traversable, **values: Any) -> str:
    """Return the page that a template makes of some values, all of them escaped."""
    jinja2 = require("jinja2", "a report", "Jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return str(environment.from_string(template.read_text("utf-8")).render(**values))


def _html(result: Evaluation, title: str, matrix: bytes, n_mistakes: int) -> str:
    *classes, macro, weighted = result.rows()
    return rendered(
        files("classicvis.evaluation") / "templates" / "report.html.jinja",
        title=title,
        headline=headline(result),
        classes=classes,
        averages=[macro, weighted],
        n_absent=len(result.classes) - len(classes),
        matrix=b64encode(matrix).decode("ascii"),
        confusions=result.confusions(),
        n_mistakes=len(result.mistakes),
        mistakes=list(_mistakes(result, n_mistakes)),
        skipped=result.skipped,
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
    )


def _mistakes(result: Evaluation, n: int) -> Iterator[dict[str, str]]:
    """Yield what the page shows of each of the most confident mistakes."""
    images = images_of(result.images)
    for k in result.mistakes[:n]:
        picture = picture_of(images, int(result.indices[k]))
        (true,), (predicted,) = (
            result.name_of(result.y_true[[k]]),
            result.name_of(result.y_pred[[k]]),
        )
        yield {
            "picture": "" if picture is None else b64encode(_jpeg(picture)).decode("ascii"),
            "image": result.names[k],
            "true": true,
            "predicted": predicted,
            "confidence": confidence_text(result, k),
        }


def _jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
