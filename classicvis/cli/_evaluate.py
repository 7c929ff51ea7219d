"""`classicvis evaluate`: what a saved model scores on a folder."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np
from joblib import parallel_config

from classicvis.cli._console import Terminal, exit_code
from classicvis.cli._files import check_report
from classicvis.cli._models import load
from classicvis.cli._results import save_report, score, show_scores, tell_folder
from classicvis.exceptions import ImageError
from classicvis.images import ImageFolder, load_image_folder


def evaluate(args: Namespace, terminal: Terminal) -> int:
    """Load the model and the folder, print the scores, write the report."""
    check_report(args.report)
    model, name_of = load(args.model, args.allow_version_mismatch)
    with terminal.progress(f"reading {args.folder}"):
        data = load_image_folder(args.folder, on_error=args.on_error, n_jobs=args.jobs)
    if "test" in data.subset:
        data = data.select(data.subset == "test")
        terminal.remark("the folder is divided: scoring on test")
    tell_folder(terminal, args.folder, data)
    labels = _labels(data, name_of)
    with parallel_config(backend="threading", n_jobs=args.jobs):
        result = score(model, data.images, labels, terminal, target_names=name_of)
    show_scores(terminal, result)
    save_report(terminal, result, args.report, f"{args.model.name} on {args.folder.name}")
    return exit_code(len(data.skipped))


def _labels(data: ImageFolder, name_of: dict[Any, str]) -> np.ndarray:
    """Return the labels of the images in the terms of the model."""
    label_of = {name: label for label, name in name_of.items()}
    unknown = [name for name in data.target_names if name not in label_of]
    if len(unknown) == len(data.target_names):
        raise ImageError(
            f"found classes {_listed(unknown)}, expected those of the model: "
            f"{_listed(list(label_of))}; check that folder and model belong together"
        )
    if unknown and not all(isinstance(label, str) for label in name_of):
        raise ImageError(
            f"found class {unknown[0]!r}, which the model does not know, expected some of "
            f"{_listed(list(label_of))}; rename the folder, or take it out"
        )
    return np.array([label_of.get(name, name) for name in data.labels.tolist()])


def _listed(names: list[str], n: int = 5) -> str:
    return ", ".join(map(repr, names[:n])) + (", ..." if len(names) > n else "")
