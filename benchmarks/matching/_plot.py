"""The means as small multiples: a column per transformation, a row per measure."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.matching._compare import Scores, means, paired_difference
from benchmarks.matching._judge import Judgement
from benchmarks.matching._methods import OPENCV, OURS, ROOT
from benchmarks.matching._views import CASES, TRANSFORMATIONS

# OpenCV's line is wide and lies below, so that both show where they coincide. Colours: Okabe, Ito.
STYLES: dict[str, dict[str, object]] = {
    OPENCV: {"color": "#BBBBBB", "linewidth": 7, "solid_capstyle": "round", "zorder": 1},
    OURS: {"color": "#0072B2", "linewidth": 1.6, "marker": "o", "markersize": 4, "zorder": 3},
    ROOT: {
        "color": "#D55E00",
        "linewidth": 1.6,
        "linestyle": (0, (4, 2)),
        "marker": "s",
        "markersize": 4,
        "zorder": 2,
    },
}
REPEATABILITY = Judgement._fields.index("repeatability")
SHARE = Judgement._fields.index("correct_share")
DARK = "#333333"
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": DARK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
}


def draw(scores: Scores, path: str | Path) -> None:
    """Draw repeatability, share of correct matches, and its difference to OpenCV's."""
    average = means(scores)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(14, 8), layout="constrained")
        axes = figure.subplots(3, len(TRANSFORMATIONS), sharex="col", sharey="row")
        for column, transformation in zip(axes.T, TRANSFORMATIONS, strict=True):
            cases = [i for i, (name, _) in enumerate(CASES) if name == transformation.name]
            for name in (OPENCV, OURS):
                column[0].plot(average[name][cases, REPEATABILITY], **STYLES[name])
            for name, style in STYLES.items():
                column[1].plot(average[name][cases, SHARE], **style)
            for name, aside in ((ROOT, 0.1), (OURS, -0.1)):
                _draw_differences(column[2], scores, name, cases, aside)
            column[0].set_title(transformation.name, fontweight="bold")
            column[2].set_xticks(
                range(len(cases)), [f"{strength:g}" for strength in transformation.strengths]
            )
            column[2].set_xlabel(transformation.unit)
        for row, title in enumerate(
            (
                "repeatability\n(RootSIFT: the same)",
                "share of\ncorrect matches",
                "the same less OpenCV's\n[points, 95 %]",
            )
        ):
            axes[row, 0].set_ylabel(title)
        axes[0, 0].set_ylim(0, 1)
        axes[1, 0].set_ylim(top=1.02)
        n_photos = len(scores[OURS])
        figure.suptitle(f"SIFT on changed photos: means of {n_photos} photos", fontsize=13)
        handles = [Line2D([], [], label=name, **style) for name, style in STYLES.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, dpi=90)


def _draw_differences(
    axis: Axes, scores: Scores, method: str, cases: list[int], aside: float
) -> None:
    """Draw paired differences of the share to OpenCV's, in points, with intervals."""
    values = 100 * (scores[method] - scores[OPENCV])[:, cases, SHARE]
    found = [paired_difference(column[np.isfinite(column)]) for column in values.T]
    mean, low, high = np.array(found).T
    axis.axhline(0, **STYLES[OPENCV])
    axis.errorbar(
        np.arange(len(cases)) + aside,
        mean,
        yerr=(mean - low, high - mean),
        **STYLES[method] | {"linestyle": "none", "elinewidth": 1.2},
    )
