"""Pictures of an evaluation, drawn without pyplot: safe in threads and without a display."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from classicvis.evaluation._fonts import Lettering, lettering
from classicvis.evaluation._optional import require
from classicvis.evaluation._text import display_width
from classicvis.exceptions import ImageError
from classicvis.images import ImageSequence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from classicvis.evaluation._evaluation import Evaluation

_MAX_NUMBERED = 30  # classes; beyond this the numbers in the cells are too small to read
_MAX_TICKS = 150
_MAX_PICTURE = 256  # pixels; more than a picture of the figure shows


def new_figure(width: float, height: float) -> Figure:
    """Return a figure (inches) that no pyplot state knows of."""
    figure = require("matplotlib.figure", "plotting").Figure
    return figure(figsize=(width, height), layout="constrained")


def plot_confusion_matrix(result: Evaluation, ax: Axes | None) -> Figure:
    """Draw the confusion matrix of the classes that occur; see `Evaluation`."""
    shown = result.occurring
    counts = result.confusion_matrix[np.ix_(shown, shown)]
    numbered = len(shown) <= _MAX_NUMBERED
    names = _class_names(result, width=24 if numbered else 20)
    if ax is None:
        ax = new_figure(*_matrix_size(names.names, numbered)).add_subplot()

    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # the square root makes the rare confusions of many classes visible
    colors = require("matplotlib.colors", "plotting")
    norm = colors.Normalize(0, 1) if numbered else colors.PowerNorm(0.5, 0, 1)
    mesh = ax.imshow(fractions, cmap="Blues", norm=norm, interpolation="nearest")
    if numbered:
        _write_counts(ax, counts, fractions)
    _name_axes(ax, names, font_size=9 if numbered else 6)
    ax.set_title(f"accuracy {result.accuracy:.4f}, {result.n_samples} images", fontsize=11)
    figure = ax.get_figure(root=True)
    assert figure is not None  # every axes has one
    figure.colorbar(mesh, ax=ax, fraction=0.03, pad=0.02, label="fraction of the true class")
    return figure


def plot_mistakes(result: Evaluation, images: ImageSequence | None, n: int) -> Figure:
    """Draw the most confident mistakes; see `Evaluation`."""
    n_evaluated = result.n_samples + len(result.skipped)
    if images is not None and len(images) != n_evaluated:
        raise ImageError(
            f"found {len(images)} images, expected the {n_evaluated} that were evaluated, "
            "in the same order"
        )
    mistakes = result.mistakes[:n]
    n_cols = min(4, max(len(mistakes), 2))
    n_rows = -(-len(mistakes) // n_cols) or 1
    figure = new_figure(2.6 * n_cols, 3.3 * n_rows + 0.6)
    if not len(mistakes):
        figure.suptitle(f"No mistakes in {result.n_samples} images")
        return figure
    figure.suptitle(
        f"The {len(mistakes)} most confident of {len(result.mistakes)} mistakes "
        f"in {result.n_samples} images"
    )
    names = _class_names(result, width=24)
    written = dict(zip(result.occurring.tolist(), names.names, strict=True))
    true = np.searchsorted(result.classes, result.y_true[mistakes])
    pred = np.searchsorted(result.classes, result.y_pred[mistakes])
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax in axes:
        ax.set(xticks=[], yticks=[])  # axes that are off would still lay their ticks out
        ax.set_axis_off()
    for ax, k, i, j in zip(axes, mistakes, true, pred, strict=False):
        show_picture(ax, picture_of(images, int(result.indices[k])))
        confidence = confidence_text(result, k)
        text = f"true: {written[int(i)]}\npredicted: {written[int(j)]}\n{confidence}"
        ax.set_title(text, fontsize=9, loc="left", **names.style)
        name = lettering([PurePath(result.names[k]).name], width=34)
        if not name.note:  # the names of files are in predictions.csv as well
            ax.text(0, -0.02, name.names[0], transform=ax.transAxes, va="top", size=7, **name.style)
    if names.note:
        figure.supxlabel(names.note, fontsize=8)
    return figure


def confidence_text(result: Evaluation, k: int) -> str:
    """Return the confidence of prediction `k` in words; empty where there is none."""
    confidence = result.confidences[k]
    if np.isnan(confidence):
        return ""
    if result.confidence_is_probability:
        return f"probability {confidence:.1%}"
    return f"margin {confidence:.2f}"


def _class_names(result: Evaluation, width: int) -> Lettering:
    return lettering([result.target_names[i] for i in result.occurring], width)


def _matrix_size(names: list[str], numbered: bool) -> tuple[float, float]:
    """Return width and height (inches) that leave room for the cells and for the names."""
    cells = max(0.45 * len(names), 3.0) if numbered else min(0.13 * len(names), 20.0)
    margin = (0.085 if numbered else 0.055) * max(map(display_width, names)) + 1.0
    return cells + margin + 1.0, cells + margin


def _write_counts(ax: Axes, counts: np.ndarray, fractions: np.ndarray) -> None:
    n_digits = len(str(counts.max()))
    size = min(9.0, 36 / max(n_digits, 3))
    for (row, col), count in np.ndenumerate(counts):
        color = "white" if fractions[row, col] > 0.5 else "black" if count else "0.75"
        ax.text(col, row, f"{count}", ha="center", va="center", color=color, fontsize=size)


def _name_axes(ax: Axes, names: Lettering, font_size: float) -> None:
    step = -(-len(names.names) // _MAX_TICKS)
    ticks = np.arange(0, len(names.names), step)
    labels = names.names[::step]
    upright = font_size > 6 and max(map(display_width, labels)) <= 3
    ax.set_xticks(ticks, labels, rotation=0 if upright else 90, fontsize=font_size, **names.style)
    ax.set_yticks(ticks, labels, fontsize=font_size, **names.style)
    ax.set_ylabel("true")
    ax.set_xlabel(f"predicted\n{names.note}" if names.note else "predicted")


def picture_of(images: ImageSequence | None, i: int) -> np.ndarray | None:
    """Return image `i` at a size for looking at, or None where there is no picture."""
    if images is None:
        return None
    try:
        image = images[i]
    except ImageError:  # the file has gone since
        return None
    step = -(-max(image.shape[:2]) // _MAX_PICTURE)
    return image[::step, ::step]


def show_picture(ax: Any, picture: np.ndarray | None) -> None:
    if picture is None:
        picture = np.full((1, 1), 200, dtype=np.uint8)
    ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
    ax.set_box_aspect(1)
    ax.set_anchor("W")
