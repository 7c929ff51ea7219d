"""What commands say about folders and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classicvis.cli._console import Terminal, counted
from classicvis.evaluation import Evaluation, evaluate
from classicvis.images import ImageFolder, ImageSequence, Unreadable, show_progress

_SHOWN = 5


def tell_folder(terminal: Terminal, folder: Path, data: ImageFolder) -> None:
    """Tell what was found in a folder, and what was passed over."""
    n_images, n_classes = len(data.paths), len(data.target_names)
    classes = counted(n_classes, "class", "classes")
    terminal.remark(f"{folder}: {counted(n_images, 'image')} in {classes}")
    if data.ignored:
        shown = ", ".join(path.name for path in data.ignored[:_SHOWN])
        more = ", ..." if len(data.ignored) > _SHOWN else ""
        terminal.remark(
            f"ignored {counted(len(data.ignored), 'entry', 'entries')}, hidden or no image: "
            f"{shown}{more}"
        )
    tell_unreadable(terminal, data.skipped)


def tell_unreadable(terminal: Terminal, unreadable: Sequence[Unreadable]) -> None:
    """List the first images that cannot be read."""
    if unreadable:
        terminal.warn(f"{counted(len(unreadable), 'image')} cannot be read:")
        for entry in unreadable[:_SHOWN]:
            terminal.warn(f"  {entry.reason}")
        if len(unreadable) > _SHOWN:
            terminal.warn(f"  and {len(unreadable) - _SHOWN} more")


def score(
    model: Any,
    images: ImageSequence,
    labels: np.ndarray,
    terminal: Terminal,
    target_names: Mapping[Any, str] | None = None,
) -> Evaluation:
    """Evaluate a fitted model on labelled images."""
    with (
        terminal.progress("scoring") as update,
        show_progress(lambda done, total: update(done, total, "images")),
    ):
        return evaluate(model, images, labels, target_names=target_names)


def show_scores(terminal: Terminal, result: Evaluation) -> None:
    """Print the accuracy, the table of classes and the most frequent confusions."""
    terminal.result(headline(result), style="bold")
    terminal.table(
        ["class", ">precision", ">recall", ">F1", ">images"],
        [
            [name, f"{precision:.4f}", f"{recall:.4f}", f"{f1:.4f}", f"{support:,}"]
            for name, precision, recall, f1, support in result.rows()
        ],
    )
    confusions = result.confusions(3)
    if confusions:
        pairs = (f"{c.true} taken for {c.predicted} ({c.n_images})" for c in confusions)
        terminal.result(f"most often: {', '.join(pairs)}")


def headline(result: Evaluation) -> str:
    """Return the accuracy as one line."""
    folds = result.fold_accuracies
    if folds is None:
        images = counted(result.n_samples, "image")
        return f"accuracy {result.accuracy:.4f} on {images}, macro F1 {macro_f1(result)}"
    return (
        f"accuracy {folds.mean():.4f} ± {folds.std(ddof=1):.4f} over {len(folds)} folds "
        f"(lowest {folds.min():.4f}, highest {folds.max():.4f}), macro F1 {macro_f1(result)}"
    )


def macro_f1(result: Evaluation) -> str:
    """Return the mean F1 of the classes as text."""
    return f"{result.macro_average.f1:.4f}"


def save_report(terminal: Terminal, result: Evaluation, folder: Path | None, title: str) -> None:
    """Write the report, where one is wanted, and tell where."""
    if folder is not None:
        with terminal.progress("writing the report"):
            result.save_report(folder, title=title)
        terminal.written.append(folder)
        terminal.result(f"report: {folder / 'index.html'}")
