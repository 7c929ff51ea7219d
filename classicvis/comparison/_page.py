"""The report of a comparison: one HTML file, written beside its place, then moved there."""

from __future__ import annotations

import io
import os
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from classicvis._files import replaced_file
from classicvis._version import __version__
from classicvis.comparison._results import ranking
from classicvis.comparison._text import (
    COLUMNS,
    TEST_COLUMNS,
    how,
    leak,
    row,
    test_cells,
)
from classicvis.evaluation._evaluation import Evaluation, images_of
from classicvis.evaluation._optional import require
from classicvis.evaluation._report import png_of, rendered
from classicvis.exceptions import ClassicVisError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classicvis.comparison._comparison import Comparison

MAX_PICTURES = 400
MAX_MATRICES = 12
_PICTURE_SIZE = 160  # pixels


def write_page(comparison: Comparison, path: Path, title: str) -> Path:
    """Write the report; see `Comparison`."""
    require("matplotlib", "Comparison.report")
    require("jinja2", "Comparison.report", "Jinja2")
    if path.is_dir():
        raise ClassicVisError(
            f"{path}: found a folder, expected a file for the report; write {path / 'report.html'}"
        )
    page = _html(comparison, title)
    with replaced_file(path, "the report") as file:
        file.write(page.encode("utf-8", errors="backslashreplace"))
    return path


def _html(comparison: Comparison, title: str) -> str:
    ranked = ranking(comparison.models)
    evaluations = [model.evaluation for model in ranked if model.evaluation is not None]
    gallery = _Gallery(evaluations, [model.name for model in ranked])
    return rendered(
        files("classicvis.comparison") / "templates" / "comparison.html.jinja",
        title=title,
        verdict=_marked(comparison.verdict, [model.name for model in comparison.models]),
        how=how(comparison),
        leak=leak(comparison),
        columns=COLUMNS,
        rows=list(_rows(comparison)),
        failures=[(model.name, model.error) for model in comparison.models if model.error],
        plots=list(_plots(comparison)),
        tests=[test_cells(test) for test in comparison.tests],
        test_columns=TEST_COLUMNS,
        rope=f"{100 * comparison.rope:g}",
        matrices=[
            (model.name, _png(model.evaluation.plot_confusion_matrix()))
            for model in ranked[:MAX_MATRICES]
            if model.evaluation is not None
        ],
        names=gallery.models,
        classes=gallery.classes,
        mistakes=list(gallery.pictures()),
        n_mistakes=len(gallery.order),
        skipped=evaluations[0].skipped if evaluations else (),
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
    )


def _marked(sentence: str, names: list[str]) -> list[tuple[str, bool]]:
    """Cut a sentence into pieces, each with whether it is the name of a model."""
    # the longest first: "hog + svm" may be a part of another name
    longest = sorted(map(re.escape, names), key=len, reverse=True)
    pieces = re.split(f"({'|'.join(longest)})", sentence)
    return [(piece, i % 2 == 1) for i, piece in enumerate(pieces) if piece]


def _rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Yield the cells of each model with the values to sort by, the most accurate first."""
    ranked = ranking(comparison.models)
    failed = [model for model in comparison.models if model not in ranked]
    for i, model in enumerate([*ranked, *failed]):
        pairs = [(text, "" if value is None else value) for text, value in row(model)]
        yield {"best": i == 0 and bool(ranked), "cells": pairs}


def _plots(comparison: Comparison) -> Iterator[tuple[str, str]]:
    ranked = ranking(comparison.models)
    if len(ranked) < 2:
        return
    yield (
        "Accuracies and their intervals; the numbers are in the table",
        _png(comparison.plot_accuracy()),
    )
    if any(model.costs is not None and model.costs.latency_p50 for model in ranked):
        yield "Accuracy against time for one image", _png(comparison.plot_pareto("latency"))
    if any(model.costs is not None for model in ranked):
        yield "Accuracy against the size of the model", _png(comparison.plot_pareto("size"))


class _Gallery:
    """The images that some model gets wrong."""

    def __init__(self, evaluations: list[Evaluation], models: list[str]) -> None:
        self.evaluations = evaluations
        self.models = models
        self.classes: list[str] = []
        self.order = np.empty(0, np.int64)
        if not evaluations:
            return
        self.classes = sorted({name for result in evaluations for name in result.target_names})
        wrong = np.sum([~result.correct for result in evaluations], axis=0)
        order = np.argsort(-wrong, kind="stable")
        self.order = order[: np.count_nonzero(wrong)]

    def pictures(self) -> Iterator[dict[str, Any]]:
        """Yield what the page shows of each image."""
        if not self.evaluations:
            return
        first = self.evaluations[0]
        images = images_of(first.images)
        code = {name: i for i, name in enumerate(self.classes)}
        names = _short(first.names)
        for k in self.order[:MAX_PICTURES]:
            said = [result.name_of(result.y_pred[[k]])[0] for result in self.evaluations]
            is_right = [bool(result.correct[k]) for result in self.evaluations]
            true = first.name_of(first.y_true[[k]])[0]
            wrong = [i for i, right in enumerate(is_right) if not right]
            yield {
                "picture": _picture(images, int(first.indices[k])),
                "image": names[k],
                "true": true,
                "true_code": code[true],
                "wrong": wrong,
                "right": [i for i, right in enumerate(is_right) if right],
                "said": sorted({code[said[i]] for i in wrong}),
                "answers": list(zip(self.models, said, strict=True)),
            }


def _short(names: Sequence[str]) -> Sequence[str]:
    """Return paths without the folder that holds them all."""
    folders = {os.path.dirname(name) for name in names}
    if not all(map(os.path.isabs, folders)):  # no paths, or short ones
        return names
    try:
        common = os.path.commonpath(folders)
    except ValueError:  # on two drives
        return names
    return [os.path.relpath(name, common) for name in names]


def _picture(images: Any, i: int) -> str:
    """Return a small JPEG in base64, "" where there is no picture."""
    if images is None:
        return ""
    try:
        picture = Image.fromarray(np.ascontiguousarray(images[i]))
    except ClassicVisError:  # the file has gone since
        return ""
    picture.thumbnail((_PICTURE_SIZE, _PICTURE_SIZE))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=80)
    return b64encode(buffer.getvalue()).decode("ascii")


def _png(figure: Figure) -> str:
    return b64encode(png_of(figure)).decode("ascii")
