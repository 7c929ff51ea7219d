"""The report of a comparison: one HTML file, written beside its place, then moved there."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from PIL import Image

from classicvis._version import __version__
from classicvis.comparison._results import ModelResult, ranking
from classicvis.comparison._text import (
    COLUMNS,
    TEST_COLUMNS,
    cells,
    how,
    leak,
    test_cells,
)
from classicvis.evaluation._evaluation import Evaluation, images_of
from classicvis.evaluation._optional import require
from classicvis.evaluation._report import png_of
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
    target = path.resolve()  # a link stays a link
    place = target.parent / f".classicvis-{uuid4().hex}.html"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(page.encode("utf-8", errors="backslashreplace"))
        place.replace(target)
    except BaseException as error:
        with suppress(OSError):
            place.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ClassicVisError(
                f"{path}: the report cannot be written ({error.strerror or error}); "
                "choose a place that you may write to, with room"
            ) from error
        raise
    return path


def _html(comparison: Comparison, title: str) -> str:
    jinja2 = require("jinja2", "Comparison.report", "Jinja2")
    template = files("classicvis.comparison") / "templates" / "comparison.html.jinja"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    ranked = ranking(comparison.models)
    evaluations = [model.evaluation for model in ranked if model.evaluation is not None]
    gallery = _Gallery(evaluations, [model.name for model in ranked])
    return str(
        environment.from_string(template.read_text("utf-8")).render(
            title=title,
            verdict=comparison.verdict,
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
    )


def _rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Yield the cells of each model with the values to sort by, the most accurate first."""
    ranked = ranking(comparison.models)
    failed = [model for model in comparison.models if model not in ranked]
    for i, model in enumerate([*ranked, *failed]):
        texts, values = cells(model), _values(model)
        pairs = [
            (text, "" if value is None else value)
            for text, value in zip(texts, values, strict=True)
        ]
        yield {"best": i == 0 and bool(ranked), "cells": pairs}


def _values(model: ModelResult) -> list[Any]:
    """Return what to sort by in each column of `COLUMNS`."""
    result, costs = model.evaluation, model.costs
    scores: list[Any] = [None] * 4
    if result is not None:
        low = None if model.accuracy_interval is None else model.accuracy_interval.low
        scores = [result.accuracy, low, result.macro_average.f1, result.log_loss]
    prices: list[Any] = [None] * 6
    if costs is not None:
        prices = [
            costs.latency_p50,
            costs.latency_p95,
            costs.images_per_second,
            costs.fit_seconds,
            costs.predict_memory,
            costs.model_bytes,
        ]
    return [model.name, *scores, *prices]


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
        for k in self.order[:MAX_PICTURES]:
            said = [result.name_of(result.y_pred[[k]])[0] for result in self.evaluations]
            is_right = [bool(result.correct[k]) for result in self.evaluations]
            true = first.name_of(first.y_true[[k]])[0]
            wrong = [i for i, right in enumerate(is_right) if not right]
            yield {
                "picture": _picture(images, int(first.indices[k])),
                "image": first.names[k],
                "true": true,
                "true_code": code[true],
                "wrong": wrong,
                "right": [i for i, right in enumerate(is_right) if right],
                "said": sorted({code[said[i]] for i in wrong}),
                "answers": list(zip(self.models, said, strict=True)),
            }


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
