"""Pictures of a comparison, drawn without pyplot: safe in threads and without a display."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from classicvis.comparison._results import ranking
from classicvis.evaluation._evaluation import images_of
from classicvis.evaluation._fonts import lettering
from classicvis.evaluation._optional import require
from classicvis.evaluation._plots import new_figure, picture_of, show_picture
from classicvis.exceptions import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from classicvis.comparison._comparison import Comparison
    from classicvis.comparison._learning_curve import LearningCurve

_COSTS = {
    "latency": ("latency_p50", 1e3, "time for one image (ms, median)"),
    "size": ("model_bytes", 1e-6, "size of the model file (MB)"),
    "fit_time": ("fit_seconds", 1.0, "time to fit on all images (s)"),
}
_BLUE, _GREY = "#3b7dd8", "#9aa5b1"


def plot_accuracy(comparison: Comparison) -> Figure:
    """Draw the accuracies with their intervals; see `Comparison`."""
    ranked = ranking(comparison.models)
    names = lettering([model.name for model in ranked], width=44)
    figure = new_figure(7.5, 1.2 + 0.42 * len(ranked))
    ax = figure.add_subplot()
    for row, model in enumerate(ranked):
        assert model.accuracy_interval is not None
        low, high = model.accuracy_interval
        color = _BLUE if row == 0 else "0.35"
        ax.plot([100 * low, 100 * high], [row, row], color=color, linewidth=2)
        ax.plot(100 * model.accuracy, row, "o", color=color, markersize=7)
        label = f"{model.accuracy:.1%}"
        ax.annotate(label, (100 * high, row), (6, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(ranked)), names.names, **names.style)
    ax.invert_yaxis()
    ax.margins(x=0.12, y=0.1)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel("accuracy (%) and its 95 % interval" + (f"\n{names.note}" if names.note else ""))
    return figure


def plot_pareto(comparison: Comparison, cost: str) -> Figure:
    """Draw accuracy against a cost; see `Comparison`."""
    if cost not in _COSTS:
        raise ParameterError(f"found cost={cost!r}, expected one of {', '.join(_COSTS)}")
    attribute, unit, title = _COSTS[cost]
    points = [
        (getattr(model.costs, attribute) * unit, 100 * model.accuracy, model.name)
        for model in ranking(comparison.models)
        if model.costs is not None and getattr(model.costs, attribute) is not None
    ]
    if not points:
        raise ParameterError("no model has costs: compare with costs=True")
    figure = new_figure(7.5, 4.6)
    ax = figure.add_subplot()
    best = pareto([(x, y) for x, y, _ in points])
    # Errors, not accuracies, tell good models apart: 99.5 % is as far from 99 % as 99 % from 98 %.
    half_an_image = 50.0 / comparison.n_samples
    points = [(x, max(100 - y, half_an_image), name) for x, y, name in points]
    front = sorted((points[i][0], points[i][1]) for i in best)
    ax.plot(*zip(*front, strict=True), color=_BLUE, linewidth=1.2, drawstyle="steps-post", zorder=1)
    names = lettering([name for _, _, name in points], width=40)
    for i, (x, y, _) in enumerate(points):
        ax.plot(x, y, "o", color=_BLUE if i in best else _GREY, markersize=8, zorder=2)
    ax.set(xscale="log", yscale="log")
    ticker = require("matplotlib.ticker", "plotting")
    _tick(ax.xaxis, ticker, "{:g}".format)
    _tick(ax.yaxis, ticker, lambda error: f"{100 - error:g}")
    ax.invert_yaxis()
    ax.margins(x=0.1, y=0.15)
    _label(ax, [(x, y) for x, y, _ in points], names.names, names.style)
    ax.grid(color="0.92")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel(title + (f"\n{names.note}" if names.note else ""))
    ax.set_ylabel("accuracy (%)")
    return figure


def _tick(axis: Axis, ticker: Any, text: Callable[[float], str]) -> None:
    """Write plain numbers beside a logarithmic axis, at 1, 2, 5, 10, ..."""
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(ticker.NullFormatter())


def pareto(points: list[tuple[float, float]]) -> set[int]:
    """Return which (cost, accuracy) points no other one beats: cheaper and as good, or better."""
    return {
        i
        for i, (x, y) in enumerate(points)
        if not any(a <= x and b >= y and (a < x or b > y) for a, b in points)
    }


def plot_disagreements(comparison: Comparison, first: str, second: str, n: int) -> Figure:
    """Draw images about which two models disagree; see `Comparison`."""
    chosen = comparison.disagreements(first, second)
    a, b = comparison[first].evaluation, comparison[second].evaluation
    assert a is not None
    assert b is not None
    shown = chosen[:n]
    n_cols = min(4, max(len(shown), 2))
    n_rows = -(-len(shown) // n_cols) or 1
    figure = new_figure(2.6 * n_cols, 3.4 * n_rows + 0.8)
    models = lettering([first, second], width=60)
    figure.suptitle(
        f"A: {models.names[0]}\nB: {models.names[1]}\n"
        f"{len(shown)} of the {len(chosen)} images about which they disagree",
        fontsize=10,
        **models.style,
    )
    if not len(shown):
        return figure
    words = lettering(list(a.target_names), width=22)
    written = dict(zip(a.target_names, words.names, strict=True))
    images = images_of(a.images)
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
    for ax, k in zip(axes, shown, strict=False):
        show_picture(ax, picture_of(images, int(a.indices[k])))
        (true,), (says_a,), (says_b,) = (
            a.name_of(a.y_true[[k]]),
            a.name_of(a.y_pred[[k]]),
            b.name_of(b.y_pred[[k]]),
        )
        text = "\n".join(
            [
                f"true: {written[true]}",
                f"A: {written[says_a]}{_mark(says_a == true)}",
                f"B: {written.get(says_b, says_b)}{_mark(says_b == true)}",
            ]
        )
        ax.set_title(text, fontsize=9, loc="left", **words.style)
        name = lettering([PurePath(a.names[k]).name], width=34)
        if not name.note:
            ax.text(0, -0.02, name.names[0], transform=ax.transAxes, va="top", size=7, **name.style)
    if words.note:
        figure.supxlabel(words.note, fontsize=8)
    return figure


def _mark(is_right: bool) -> str:
    return " (right)" if is_right else ""


def _label(ax: Axes, points: list[tuple[float, float]], names: list[str], style: dict) -> None:
    """Write names beside points, on the side with more room, moved apart where they would meet.

    The best point, whose error is least, keeps its place.
    """
    ax.figure.canvas.draw()
    box = ax.get_window_extent()
    height = 13.0  # pixels of a line of text, with some air
    taken: list[tuple[float, float]] = []
    for (x, y), name in sorted(zip(points, names, strict=True), key=lambda item: item[0][1]):
        px, py = ax.transData.transform((x, y))
        to_right = px < box.x0 + 0.55 * box.width
        place = py
        while any(abs(place - other) < height and right == to_right for other, right in taken):
            place -= height
        taken.append((place, to_right))
        ax.annotate(
            name,
            (x, y),
            ((9 if to_right else -9), (place - py) * 72 / ax.figure.dpi),
            textcoords="offset points",
            ha="left" if to_right else "right",
            va="center",
            fontsize=8,
            zorder=1.5,  # over lines, below the points
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6},
            **style,
        )


def plot_learning_curve(curve: LearningCurve) -> Figure:
    """Draw accuracy over the number of images; see `LearningCurve`."""
    figure = new_figure(7.5, 4.6)
    ax = figure.add_subplot()
    names = lettering(list(curve.accuracies), width=40)
    for name, values in zip(names.names, curve.accuracies.values(), strict=True):
        means, spread = 100 * values.mean(axis=1), 100 * values.std(axis=1)
        (line,) = ax.plot(curve.sizes, means, "o-", markersize=4, label=name)
        color = line.get_color()
        ax.fill_between(curve.sizes, means - spread, means + spread, color=color, alpha=0.15, lw=0)
    ax.set_xscale("log")
    ax.set_xticks(curve.sizes, [f"{size:,}" for size in curve.sizes])
    ax.minorticks_off()
    ax.grid(color="0.92")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    legend = ax.legend(fontsize=8, loc="lower right", frameon=False)
    for text in legend.get_texts():
        text.set(**names.style)
    ax.set_xlabel("labelled images to learn from" + (f"\n{names.note}" if names.note else ""))
    ax.set_ylabel("accuracy (%), mean and spread of the folds")
    return figure
