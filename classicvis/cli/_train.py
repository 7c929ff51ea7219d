"""`classicvis train`: from a folder of photos to a model file, and what the model scores."""

from __future__ import annotations

import math
from argparse import Namespace
from functools import partial
from itertools import count
from shlex import quote
from time import perf_counter

import numpy as np
from joblib import effective_n_jobs, parallel_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from classicvis.auditing import groups_of, near_duplicates
from classicvis.classifiers import classifier_entry
from classicvis.cli._console import Terminal, Update, as_settings, counted, exit_code, size_text
from classicvis.cli._files import check_model_output, check_report
from classicvis.cli._results import (
    save_report,
    score,
    show_scores,
    tell_folder,
)
from classicvis.cli._tune import INNER_FOLDS, Search
from classicvis.evaluation import Evaluation, cross_evaluate
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import ImageFolder, OnError, load_image_folder, show_progress
from classicvis.persistence import save_model
from classicvis.pipeline import build_pipeline, param_grid

HELD_OUT = ("test", "val", "valid", "validation")


def train(args: Namespace, terminal: Terminal) -> int:
    """Load, score on images that the model has not seen, fit, save."""
    start = perf_counter()
    check_model_output(args.output)
    check_report(args.report)
    features = _features(args)
    pipeline = build_pipeline(
        features[0] if len(features) == 1 else features or None,
        args.classifier,
        image_size=args.image_size,
        color=args.color,
        preprocess=args.preprocess,
        reduce=args.reduce,
        random_state=args.seed,
        **dict(args.params),
    )
    pipeline["images"].fit(None)  # checks the names of steps and colours before any work
    model = _search(pipeline, args) if args.tune else pipeline
    data = _load(args, terminal)
    learnt, held_out = _divided(data, terminal)
    folds = 0 if held_out else args.cv
    _check_classes(learnt, folds, args.tune)

    result = None
    with parallel_config(backend="threading", n_jobs=args.jobs):
        if folds:
            groups = _groups(learnt, terminal) if args.groups else None
            result = cross_validate(model, learnt, folds, args.seed, terminal, groups)
            if groups is not None and not args.tune:
                naive = cross_validate(model, learnt, folds, args.seed, terminal)
                terminal.remark(
                    f"a split without regard to duplicates would have told {naive.accuracy:.4f} "
                    f"instead of {result.accuracy:.4f}"
                )
        model = fit(model, learnt, terminal)
        if held_out:
            result = score(_fitted(model), held_out.images, held_out.labels, terminal)

    if result:
        show_scores(terminal, result)
    best = getattr(model, "best_params_", {})
    if best:
        terminal.result(f"best parameters: {as_settings(best)}")
    metadata = {"n_images": len(learnt.paths), "folds": folds, "best_params": best}
    save_model(_fitted(model), args.output, metrics=result, metadata=metadata)
    terminal.written.append(args.output)
    terminal.result(
        f"model: {args.output} ({size_text(args.output.stat().st_size)}), learnt from "
        f"{counted(len(learnt.paths), 'image')} in {perf_counter() - start:.1f} s"
    )
    if result:
        parts = [*features, args.classifier]
        save_report(
            terminal, result, args.report, f"{args.folder.resolve().name}: {' + '.join(parts)}"
        )
    terminal.remark(f"next: classicvis predict {quote(str(args.output))} PHOTO.jpg")
    return exit_code(len(data.skipped))


def cross_validate(
    model: Pipeline | Search,
    data: ImageFolder,
    folds: int,
    seed: int,
    terminal: Terminal,
    groups: np.ndarray | None = None,
) -> Evaluation:
    """Score a pipeline by cross-validation, or a `Search` by nested cross-validation.

    Images of one group stay in one fold.
    """
    n_threads = effective_n_jobs()
    with (
        terminal.progress("cross-validation") as update,
        # learners that bring threads of their own share the cores with the folds
        threadpool_limits(max(1, n_threads // min(n_threads, folds))),
    ):
        images, tell_fold = data.images, None
        if isinstance(model, Search):
            model = _ticking(model, update, rounds=folds)
        elif terminal.shows_progress:
            tell_fold = _Folds(update, folds)
            images = images.map(tell_fold.read)
        return cross_evaluate(
            model,
            images,
            data.labels,
            cv=folds,
            groups=groups,
            random_state=seed,
            progress=tell_fold,
        )


def _groups(data: ImageFolder, terminal: Terminal) -> np.ndarray | None:
    """Return the group of each image, None where no two are the same picture."""
    with (
        terminal.progress("looking for duplicates") as update,
        show_progress(partial(update, unit="images")),
    ):
        pairs = near_duplicates(data.images)
    if not pairs:
        return None
    groups = groups_of(pairs, len(data.paths))
    n_images = int(np.sum(np.bincount(groups)[groups] > 1))
    terminal.remark(
        f"{counted(n_images, 'image')} with a near-duplicate: each and its like stay in one fold "
        "(`classicvis audit` lists them, --no-groups separates them)"
    )
    return groups


def fit(model: Pipeline | Search, data: ImageFolder, terminal: Terminal) -> Pipeline | Search:
    """Fit a pipeline or a `Search` on a whole folder."""
    with (
        terminal.progress("fitting on all") as update,
        show_progress(partial(update, unit="images")),
    ):
        if isinstance(model, Search):
            model = _ticking(model, update)
        return model.fit(data.images, data.labels)


class _Folds:
    """The progress of folds; long ones show by the images they read that they are alive."""

    def __init__(self, update: Update, folds: int) -> None:
        self.update = update
        self.folds = folds
        self.n_done = 0
        self.numbers = count(1)

    def __call__(self, n_done: int, folds: int) -> None:
        self.n_done = n_done
        self.update(n_done, folds, "folds")

    def read(self, image: np.ndarray) -> np.ndarray:
        """Count an image: a step of the sequence, called in the threads of the folds."""
        number = next(self.numbers)
        if number % 20 == 0:
            self.update(self.n_done, self.folds, f"folds, {number:,} images read")
        return image


def _ticking(search: Search, update: Update, rounds: int = 1) -> Search:
    """Return the search, telling how many of the trial fits of some rounds are done."""
    numbers, total = count(1), rounds * search.n_fits
    return clone(search).set_params(tick=lambda: update(next(numbers), total, unit="trial fits"))


def _fitted(model: Pipeline | Search) -> Pipeline:
    return model.best_estimator_ if isinstance(model, Search) else model


def _features(args: Namespace) -> list[str]:
    """Return the names of extractors; there are none for a network that learns from images."""
    takes_images = getattr(classifier_entry(args.classifier).build(), "takes_images", False)
    names: list[str] = args.features or (["none"] if takes_images else ["hog", "color_histogram"])
    return [] if names == ["none"] else names


def _search(pipeline: Pipeline, args: Namespace) -> Search:
    """Return the search over all parameters that were not set by hand."""
    fixed = dict(args.params)
    grid = {name: values for name, values in param_grid(pipeline).items() if name not in fixed}
    if not grid:
        raise ParameterError(
            f"--set fixes {', '.join(sorted(fixed))}, expected something left for --tune to "
            "search over; leave one of the two out"
        )
    return Search(pipeline, grid, args.seed)


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
