"""`classicvis demo`: the main job as a user would write it, on pictures that are there already."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import parallel_config
from sklearn.pipeline import Pipeline

from classicvis.cli._console import Terminal, counted, size_text
from classicvis.cli._files import check_report
from classicvis.cli._pictures import TILE, TILES_PER_CLASS, write_photo_folder
from classicvis.cli._results import save_report
from classicvis.evaluation import Evaluation, classify, cross_evaluate
from classicvis.images import ImageFolder, load_image_folder
from classicvis.persistence import load_model, save_model
from classicvis.pipeline import build_pipeline

CANDIDATES: list[tuple[str | list[str], str, dict[str, Any]]] = [
    ("color_histogram", "random_forest", {}),
    ("hog", "svm", {}),
    # a small vocabulary for small photos, and a short demo
    ("bovw", "linear_svm", {"features__n_words": 200, "features__max_samples": 20_000}),
    (["hog", "color_histogram"], "svm", {}),
]


class Candidate(NamedTuple):
    """A pipeline, what it scores and what it costs."""

    name: str
    model: Pipeline
    result: Evaluation
    fit_seconds: float
    predict_seconds: float


def demo(args: Namespace, terminal: Terminal) -> int:
    """Compare pipelines on a folder of photos, save the best, use it."""
    check_report(args.report)
    with tempfile.TemporaryDirectory(prefix="classicvis-demo-") as place:
        photos = Path(place, "photos")
        photos.mkdir()
        with terminal.progress("cutting pictures into tiles"):
            write_photo_folder(photos)
        data = load_image_folder(photos)
        terminal.remark(
            f"{counted(len(data.paths), 'photo')}: tiles of {len(data.target_names)} pictures that "
            "scikit-image and scikit-learn bring along, one class each"
        )

        kept_aside = np.arange(len(data.paths)) % TILES_PER_CLASS == TILES_PER_CLASS // 2
        learnt, unseen = data.select(~kept_aside), data.select(kept_aside)

        candidates = [_tried(*choice, learnt, args.jobs, terminal) for choice in CANDIDATES]
        best = max(candidates, key=lambda candidate: candidate.result.accuracy)
        _show(candidates, best, terminal)
        _save_and_use(best, unseen, Path(place, "demo.model"), terminal)
        # while the photos are there for the pictures of mistakes
        save_report(terminal, best.result, args.report, f"classicvis demo: {best.name}")
    terminal.remark("next: classicvis train YOUR_PHOTOS -o my.model  (one folder per class)")
    return 0


def _tried(
    features: str | list[str],
    classifier: str,
    params: dict[str, Any],
    data: ImageFolder,
    jobs: int,
    terminal: Terminal,
) -> Candidate:
    """Cross-validate a pipeline, then fit it on everything."""
    name = f"{features if isinstance(features, str) else ' + '.join(features)}, {classifier}"
    model = build_pipeline(features, classifier, image_size=(TILE, TILE), random_state=0, **params)
    with terminal.progress(name) as update, parallel_config(backend="threading", n_jobs=jobs):
        update(0, 5, "folds")
        result = cross_evaluate(
            model,
            data.images,
            data.labels,
            cv=5,
            progress=lambda done, total: update(done, total, "folds"),
        )
    start = perf_counter()
    model.fit(data.images, data.labels)
    fitted = perf_counter()
    classify(model, data.images)
    return Candidate(name, model, result, fitted - start, perf_counter() - fitted)


def _show(candidates: list[Candidate], best: Candidate, terminal: Terminal) -> None:
    rows = []
    for candidate in candidates:
        result = candidate.result
        assert result.fold_accuracies is not None
        rows.append(
            [
                candidate.name,
                f"{result.accuracy:.3f} ± {result.fold_accuracies.std(ddof=1):.3f}",
                f"{result.macro_average.f1:.3f}",
                f"{candidate.fit_seconds:.2f}",
                f"{1e3 * candidate.predict_seconds / result.n_samples:.2f}",
            ]
        )
    terminal.table(
        ["pipeline", ">accuracy", ">macro F1", ">fit (s)", ">ms per image"],
        rows,
        "Five-fold cross-validation; times of one thread, from file to label",
        best=candidates.index(best),
    )


def _save_and_use(best: Candidate, unseen: ImageFolder, path: Path, terminal: Terminal) -> None:
    """Save the best pipeline, load it as another program would, and classify new photos."""
    save_model(best.model, path, metrics=best.result)
    model = load_model(path)
    labels = model.predict([str(photo) for photo in unseen.paths])
    terminal.table(
        ["photo", "predicted", ""],
        [
            [f"{photo.parent.name}/{photo.name}", label, "" if label == true else "wrong"]
            for photo, true, label in zip(unseen.paths, unseen.labels, labels, strict=True)
        ],
        f"The best, saved ({size_text(path.stat().st_size)}) and loaded, on photos kept aside",
    )
