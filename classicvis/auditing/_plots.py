"""Pictures of findings, drawn without pyplot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from classicvis.evaluation._fonts import lettering
from classicvis.evaluation._plots import new_figure, picture_of, show_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classicvis.auditing._result import Audit

_WIDTH = 30  # columns of a line


def plot_duplicates(result: Audit, n: int) -> Figure:
    """Draw pairs side by side; see `Audit`."""
    across = set(result.across_classes)
    pairs = sorted(result.duplicates, key=lambda pair: (pair not in across, pair.similarity))[:n]
    tiles = [
        (i, f"{pair.kind} {pair.similarity:.3f}\n{result.label_of(i)}")
        for pair in pairs
        for i in (pair.first, pair.second)
    ]
    title = f"{len(pairs)} of {len(result.duplicates)} pairs of duplicates"
    return _tiles(result, title, tiles, n_cols=4 if len(pairs) > 3 else 2)


def plot_label_errors(result: Audit, n: int) -> Figure:
    """Draw suspected labels; see `Audit`."""
    suspects = result.label_errors or ()
    tiles = [
        (
            entry.image,
            f"given: {result.name_of_class(entry.given)}\n"
            f"rather: {result.name_of_class(entry.suggested)}",
        )
        for entry in suspects[:n]
    ]
    return _tiles(result, f"{len(tiles)} of {len(suspects)} suspected labels", tiles)


def plot_quality(result: Audit, n: int) -> Figure:
    """Draw images of odd quality; see `Audit`."""
    seen = [issue for issue in result.quality if issue.kind != "unreadable"]
    tiles = [(issue.image, f"{issue.kind}\n{issue.value:.4g}") for issue in seen[:n]]
    return _tiles(result, f"{len(tiles)} of {len(seen)} issues of quality", tiles)


def _tiles(result: Audit, title: str, tiles: Sequence[tuple[int, str]], n_cols: int = 4) -> Figure:
    n_rows = -(-len(tiles) // n_cols) or 1
    figure = new_figure(2.6 * n_cols, 3.1 * n_rows + 0.6)
    figure.suptitle(title)
    if not tiles:
        return figure
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
    for ax, (i, text) in zip(axes, tiles, strict=False):
        show_picture(ax, picture_of(result.images, i))
        lines = [*text.split("\n"), PurePath(result.names[i]).name]
        written = lettering(lines, _WIDTH)
        # what no font here can write is found by its number in the table of findings
        names = [w if not w.startswith("#") else f"image {i}" for w in written.names]
        ax.set_title("\n".join(names), fontsize=8, loc="left", **written.style)
    return figure
