"""`classicvis train`: from a folder of photos to a model file, and what the model scores."""

from __future__ import annotations

import math
from argparse import Namespace
from itertools import count
from shlex import quote
from time import perf_counter
from typing import Any

import numpy as np
from joblib import effective_n_jobs, parallel_config
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from classicvis.cli._console import Terminal, counted, exit_code, size_text
from classicvis.cli._files import check_model_output, check_report
from classicvis.cli._results import (
    save_report,
    score,
    show_scores,
    tell_folder,
)
from classicvis.cli._tune import INNER_FOLDS, Search, unwrapped
from classicvis.evaluation import Evaluation, cross_evaluate
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import ImageFolder, OnError, load_image_folder, show_progress
from classicvis.persistence import save_model
from classicvis.pipeline import build_pipeline

HELD_OUT = ("test", "val", "valid", "validation")


def train(args: Namespace, terminal: Terminal) -> int:
    """Load, score on images that the model has not seen, fit, save."""
    start = perf_counter()
    check_model_output(args.output)
    check_report(args.report)
    pipeline = build_pipeline(
        args.features[0] if len(args.features) == 1 else args.features,
        args.classifier,
        image_size=args.image_size,
        color=args.color,
        preprocess=args.preprocess,
        reduce=args.reduce,
        random_state=args.seed,
        **dict(args.params),
    )
    search = Search(pipeline, dict(args.params), args.seed) if args.tune else None
    data = _load(args, terminal)
    learnt, held_out = _divided(data, terminal)
    folds = 0 if held_out else args.cv
    _check_classes(learnt, folds, args.tune)

    result = None
    with parallel_config(backend="threading", n_jobs=args.jobs):
        if folds:
            result = cross_validate(search or pipeline, learnt, folds, args.seed, terminal)
        model, best = fit(search or pipeline, learnt, terminal)
        if held_out:
            result = score(model, held_out.images, held_out.labels, terminal)

    if result:
        show_scores(terminal, result)
    if best:
        shown = ", ".join(f"{name}={value}" for name, value in best.items())
        terminal.result(f"best parameters: {shown}")
    metadata = {"n_images": len(learnt.paths), "folds": folds, "best_params": best}
    save_model(model, args.output, metrics=result, metadata=metadata)
    terminal.written.append(args.output)
    terminal.result(
        f"model: {args.output} ({size_text(args.output.stat().st_size)}), learnt from "
        f"{counted(len(learnt.paths), 'image')} in {perf_counter() - start:.1f} s"
    )
    if result:
        title = f"{args.folder.resolve().name}: {' + '.join(args.features)}, {args.classifier}"
        save_report(terminal, result, args.report, title)
    terminal.remark(f"next: classicvis predict {quote(str(args.output))} PHOTO.jpg")
    return exit_code(len(data.skipped))


def cross_validate(
    model: Pipeline | Search, data: ImageFolder, folds: int, seed: int, terminal: Terminal
) -> Evaluation:
    """Score a pipeline by cross-validation, or with a `Search` by nested cross-validation."""
    n_threads = effective_n_jobs()
    images, numbers = data.images, count(1)
    with (
        terminal.progress("cross-validation") as update,
        # learners that bring threads of their own share the cores with the folds
        threadpool_limits(max(1, n_threads // min(n_threads, folds))),
    ):
        if isinstance(model, Search):
            total = folds * model.n_fits
            estimator = model.estimator(lambda: update(next(numbers), total, "trial fits"))
            tell_fold = None
        else:
            estimator, tell_fold = model, lambda done, total: update(done, total, "folds")
            update(0, folds, "folds")
        return cross_evaluate(
            estimator, images, data.labels, cv=folds, random_state=seed, progress=tell_fold
        )


def fit(
    model: Pipeline | Search, data: ImageFolder, terminal: Terminal
) -> tuple[Pipeline, dict[str, Any]]:
    """Fit a pipeline, or a `Search`; return the pipeline and the parameters that were found."""
    numbers = count(1)
    with (
        terminal.progress("fitting on all") as update,
        show_progress(lambda done, total: update(done, total, "images")),
    ):
        if isinstance(model, Search):
            n_fits = model.n_fits
            estimator = model.estimator(lambda: update(next(numbers), n_fits, "trial fits"))
        else:
            estimator = model
        return unwrapped(estimator.fit(data.images, data.labels))


def _load(args: Namespace, terminal: Terminal) -> ImageFolder:
    # a row without an image cannot be learnt from: to mark it here is to skip it
    on_error: OnError = "raise" if args.on_error == "raise" else "skip"
    with terminal.progress(f"reading {args.folder}"):
        data = load_image_folder(args.folder, on_error=on_error, n_jobs=args.jobs)
    tell_folder(terminal, args.folder, data)
    return data


def _divided(data: ImageFolder, terminal: Terminal) -> tuple[ImageFolder, ImageFolder | None]:
    """Return what to learn from, and what was held out where the folder is divided."""
    names = set(data.subset.tolist())
    if "train" not in names:
        return data, None
    part = next((name for name in HELD_OUT if name in names), None)
    learnt = data.select(data.subset == "train")
    if part is None:
        return learnt, None
    held_out = data.select(data.subset == part)
    terminal.remark(f"learning from train, scoring on {part} (no cross-validation)")
    unused = names - {"train", part}
    if unused:
        terminal.remark(f"not used: {', '.join(sorted(unused))}")
    return learnt, held_out


def _check_classes(data: ImageFolder, folds: int, tune: bool) -> None:
    """Raise unless every class has an image for each fold."""
    classes, counts = np.unique(data.target, return_counts=True)
    if len(classes) < 2:
        raise ImageError(
            f"found one class, {data.target_names[classes[0]]!r}, expected at least two: "
            "put images of another class into a folder beside it"
        )
    needed = _images_needed(folds, tune)
    n_rarest = int(counts.min())
    if n_rarest >= needed:
        return
    name = data.target_names[classes[counts.argmin()]]
    purpose = " and ".join(["--tune"] * tune + [f"{folds} folds"] * bool(folds))
    fewer = [n for n in (*range(min(folds - 1, n_rarest), 1, -1), 0) if n < folds]
    possible = [n for n in fewer if _images_needed(n, tune) <= n_rarest]
    fix = f"use --cv {possible[0]} or add images" if possible else "add images"
    if tune and not possible:
        fix = "leave --tune out or add images"
    raise ParameterError(
        f"found class {name!r} with {counted(n_rarest, 'image')}, expected at least {needed} for "
        f"{purpose}: {fix}"
    )


def _images_needed(folds: int, tune: bool) -> int:
    """Return how many images a class must have at least."""
    if not tune:
        return max(1, folds)
    inner = next(n for n in count(1) if n - (math.ceil(n / folds) if folds else 0) >= INNER_FOLDS)
    return max(inner, folds)
