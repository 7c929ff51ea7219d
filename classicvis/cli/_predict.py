"""`classicvis predict`: labels of images, as a table for people or rows for programs."""

from __future__ import annotations

import csv
import io
import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import parallel_config

from classicvis.cli._console import Terminal, aligned, counted, exit_code, printable
from classicvis.cli._files import check_output, write_text
from classicvis.cli._models import load
from classicvis.cli._results import tell_unreadable
from classicvis.evaluation import Classification, classify
from classicvis.exceptions import ImageError
from classicvis.images import (
    ImageSequence,
    OnError,
    Unreadable,
    as_images,
    find_images,
    show_progress,
)


class Row(NamedTuple):
    """What is said about one image; fields that do not apply are None.

    `confidence` is a probability. A learner without probabilities gives a `margin` instead: how
    far the decision value of the label lies above that of the next one.
    """

    file: str
    label: str | None
    confidence: float | None
    margin: float | None
    error: str | None


def predict(args: Namespace, terminal: Terminal) -> int:
    """Classify the images and print or write the rows."""
    if args.output:
        check_output(args.output)
    model, name_of = load(args.model, args.allow_version_mismatch)
    images = images_of(args.inputs, args.on_error)
    with (
        parallel_config(backend="threading", n_jobs=args.jobs),
        terminal.progress("classifying") as update,
        show_progress(lambda done, total: update(done, total, "images")),
    ):
        found = classify(model, images)
    rows = list(_rows(found, images, name_of))
    unreadable = [Unreadable(row.file, row.error) for row in rows if row.error is not None]
    if args.on_error == "skip":
        rows = [row for row in rows if row.error is None]
        tell_unreadable(terminal, unreadable)
    _give(rows, args, terminal)
    return exit_code(len(unreadable))


def images_of(inputs: Sequence[Path], on_error: OnError) -> ImageSequence:
    """Return the files that are named, and all images below the folders that are."""
    paths: list[Path] = []
    for path in inputs:
        paths += find_images(path).images if path.is_dir() else [path]
    if not paths:
        raise ImageError(
            f"{', '.join(map(str, inputs))}: found no image, expected at least one; check the path"
        )
    return as_images([str(path) for path in paths], on_error)


def _rows(
    found: Classification, images: ImageSequence, name_of: dict[object, str]
) -> Iterable[Row]:
    n = len(images)
    confidences = _probabilities(found) if found.probabilities is not None else [None] * n
    margins = _margins(found) if found.scores is not None else [None] * n
    for i, label in enumerate(found.labels):
        if found.unreadable[i]:
            yield Row(images.name(i), None, None, None, _reason(images, i))
        else:
            yield Row(images.name(i), name_of[label], confidences[i], margins[i], None)


def _reason(images: ImageSequence, i: int) -> str:
    try:
        images[i]
    except ImageError as error:
        return str(error)
    return "the extractor found no features"


def _probabilities(found: Classification) -> list[float | None]:
    return [float(np.max(row)) for row in np.asarray(found.probabilities)]


def _margins(found: Classification) -> Sequence[float | None]:
    scores = np.asarray(found.scores)
    if scores.ndim == 1:  # two classes: the distance between -d/2 and d/2
        return [float(abs(score)) for score in scores]
    if scores.shape[1] != len(found.classes):  # one value per pair of classes
        return [None] * len(scores)
    code = {label: i for i, label in enumerate(found.classes.tolist())}
    margins: list[float | None] = []
    for label, row in zip(found.labels, scores, strict=True):
        own = code.get(label)
        margins.append(None if own is None else float(row[own] - np.delete(row, own).max()))
    return margins


def _give(rows: list[Row], args: Namespace, terminal: Terminal) -> None:
    """Print the rows, or write them to a file."""
    if args.output is None and not args.json and not args.csv:
        terminal.table(*_table(rows))
        return
    if args.json:
        text = _json(rows, ascii_only=args.output is None and not terminal.is_utf8)
    elif args.csv:
        text = _csv(rows)
    else:
        header, cells = _table(rows)
        shown = [[printable(cell) for cell in row] for row in cells]
        text = "".join(f"{line}\n" for line in aligned(header, shown))
    if args.output is None:
        terminal.write(text)
        return
    # with the byte order mark Excel reads it as UTF-8
    write_text(args.output, text, "utf-8-sig" if args.csv else "utf-8")
    terminal.written.append(args.output)
    terminal.remark(f"{args.output}: {counted(len(rows), 'row')}")


def _table(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells; only the columns that say something."""
    has = {name: any(getattr(row, name) is not None for row in rows) for name in Row._fields}
    numbers = [name for name in ("confidence", "margin") if has[name]]
    header = ["file", "label", *(f">{name}" for name in numbers), *["error"] * has["error"]]
    cells = []
    for row in rows:
        values = [getattr(row, name) for name in numbers]
        shown = ["" if value is None else f"{value:.3f}" for value in values]
        error = [(row.error or "").removeprefix(f"{row.file}: ")] * has["error"]
        cells.append([row.file, row.label or "", *shown, *error])
    return header, cells


def _json(rows: list[Row], ascii_only: bool) -> str:
    return json.dumps([row._asdict() for row in rows], ensure_ascii=ascii_only, indent=1) + "\n"


def _csv(rows: list[Row]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(rows)
    return table.getvalue()
