"""The picture of an explanation: each image, and below it its map laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classicvis.evaluation._fonts import lettering
from classicvis.evaluation._plots import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classicvis.evaluation._explain import Explanation

_MAX_COLUMNS = 4
_OPAQUE = 0.65  # the strongest part


def plot_explanation(result: Explanation) -> Figure:
    """Draw images and maps; see `Explanation`."""
    n_images = len(result.maps)
    n_columns = min(n_images, _MAX_COLUMNS)
    n_rows = -(-n_images // n_columns)
    figure = new_figure(2.6 * max(n_columns, 2), 5.2 * n_rows + 0.5)
    axes = figure.subplots(2 * n_rows, n_columns, squeeze=False)
    for ax in axes.ravel():
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
    names = lettering(result.names, width=26)
    for i, (image, weights) in enumerate(zip(result.images, result.maps, strict=True)):
        row, column = divmod(i, n_columns)
        above, below = axes[2 * row : 2 * row + 2, column]
        above.imshow(image, cmap="gray", vmin=0, vmax=255)
        above.set_title(f"{names.names[i]}\n{_score_text(result, i)}", fontsize=9, **names.style)
        grey = image if image.ndim == 2 else image.mean(axis=2)
        below.imshow(grey, cmap="gray", vmin=-128, vmax=255)  # on black no colour can be seen
        strength = np.abs(weights) / (np.abs(weights).max() or 1.0)
        below.imshow(np.sign(weights), cmap="bwr", vmin=-1, vmax=1, alpha=_OPAQUE * strength)
    if names.note:
        figure.supxlabel(names.note, fontsize=8)
    return figure


def _score_text(result: Explanation, i: int) -> str:
    score = float(result.scores[i])
    return f"probability {score:.1%}" if result.scores_are_probabilities else f"score {score:.2f}"
