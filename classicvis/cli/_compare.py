"""`classicvis compare`: several models on one folder of photos, and which to ship."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from classicvis.cli._console import Terminal, exit_code, size_text
from classicvis.cli._files import check_model_output, check_output, write_text
from classicvis.cli._results import tell_folder
from classicvis.comparison import Comparison
from classicvis.comparison import compare as compare_models
from classicvis.comparison._models import named_model
from classicvis.comparison._results import ranking
from classicvis.comparison._text import COLUMNS, TEST_COLUMNS, how, leak, table, test_cells
from classicvis.exceptions import ClassicVisError
from classicvis.images import ImageFolder, OnError, load_image_folder, show_progress
from classicvis.persistence import save_model

MODELS = ["hog + linear_svm", "hog + svm", "hog + color_histogram + svm", "hog + random_forest"]


def compare(args: Namespace, terminal: Terminal) -> int:
    """Load, compare, print; write the report, the figures, the best model."""
    for path in (args.report, args.json):
        if path is not None:
            check_output(path)
    if args.output is not None:
        check_model_output(args.output)
    models = {name: _model(name, args) for name in args.models or MODELS}
    on_error: OnError = "raise" if args.on_error == "raise" else "skip"
    with terminal.progress(f"reading {args.folder}"):
        data = load_image_folder(args.folder, on_error=on_error, n_jobs=args.jobs)
    tell_folder(terminal, args.folder, data)
    if len(set(data.subset.tolist())) > 1:
        terminal.remark("the parts of the folder (train, test, ...) are put together for the folds")

    found = run(
        models,
        data,
        terminal,
        cv=args.cv,
        n_repeats=args.repeats,
        groups="duplicates" if args.groups else None,
        costs=args.costs or args.output is not None,
        n_jobs=args.jobs,
        random_state=args.seed,
    )
    show(terminal, found)
    if not any(model.evaluation for model in found.models):
        raise ClassicVisError(f"no model could be evaluated: {found.models[0].error}")
    if args.json is not None:
        write_text(args.json, json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
        _written(terminal, "figures", args.json)
    title = f"{args.folder.resolve().name}: which model should I ship?"
    write_report(terminal, found, args.report, title)
    if args.output is not None:
        save(found, args.output)
        _written(terminal, f"model, {found.best.name}", args.output)
        terminal.remark(f"next: classicvis predict {quote(str(args.output))} PHOTO.jpg")
    return exit_code(len(data.skipped))


def _model(name: str, args: Namespace) -> Any:
    """Return the pipeline of a name, its networks with the weights that were given."""
    model = named_model(name)
    networks = [key.rpartition("__")[0] for key in model.get_params() if key.endswith("__backbone")]
    given = {"backbone": args.backbone, "weights": args.weights}
    settings = {key: value for key, value in given.items() if value is not None}
    return model.set_params(
        **{f"{step}__{key}": value for step in networks for key, value in settings.items()}
    )


def run(
    models: Mapping[str, Any], data: ImageFolder, terminal: Terminal, **options: Any
) -> Comparison:
    """Compare models on a folder, with a bar."""
    with terminal.progress("comparing") as update, show_progress(None):
        return compare_models(
            models,
            data.images,
            data.labels,
            progress=lambda done, total, what: update(done, total, f"steps, {what}"),
            **options,
        )


def show(terminal: Terminal, found: Comparison) -> None:
    terminal.result(found.verdict, style="bold")
    terminal.result(how(found))
    ranked = ranking(found.models)
    best = found.models.index(ranked[0]) if ranked else None
    header = [name if i == 0 else f">{name}" for i, name in enumerate(COLUMNS)]
    terminal.table(header, table(found), best=best)
    if found.tests:
        header = [name if i < 2 else f">{name}" for i, name in enumerate(TEST_COLUMNS)]
        terminal.table(header, [test_cells(test) for test in found.tests])
    sentence = leak(found)
    if sentence is not None:
        terminal.result(sentence)
    for model in found.models:
        if model.error is not None:
            terminal.warn(f"{model.name}: {model.error}")


def write_report(terminal: Terminal, found: Comparison, path: Path | None, title: str) -> None:
    """Write the report, where one is wanted, and tell where."""
    if path is not None:
        with terminal.progress("writing the report"):
            found.report(path, title=title)
        _written(terminal, "report", path)


def save(found: Comparison, path: Path) -> None:
    """Save the best model, with its scores."""
    best = found.best
    if best.fitted is None:
        raise ClassicVisError(f"the best model cannot be saved: {best.error}")
    metadata = {
        "n_images": found.n_samples,
        "folds": found.n_folds,
        "compared": len(found.models),
    }
    save_model(best.fitted, path, metrics=best.evaluation, metadata=metadata)


def _written(terminal: Terminal, what: str, path: Path) -> None:
    terminal.written.append(path)
    terminal.result(f"{what}: {path} ({size_text(path.stat().st_size)})")
