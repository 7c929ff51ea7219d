"""`classicvis demo`: the main job as a user would write it, on pictures that are there already."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from classicvis.cli._compare import run, save, show, write_report
from classicvis.cli._console import Terminal, counted, size_text
from classicvis.cli._files import check_output
from classicvis.cli._pictures import TILE, TILES_PER_CLASS, write_photo_folder
from classicvis.images import ImageFolder, load_image_folder
from classicvis.persistence import load_model
from classicvis.pipeline import build_pipeline


def demo(args: Namespace, terminal: Terminal) -> int:
    """Compare models on a folder of photos, save the best, use it."""
    if args.report is not None:
        check_output(args.report)
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

        found = run(_models(), learnt, terminal, n_jobs=args.jobs)
        show(terminal, found)
        path = Path(place, "demo.model")
        save(found, path)
        _use(path, unseen, terminal)
        # while the photos are there for the pictures of mistakes
        write_report(terminal, found, args.report, "classicvis demo: which model should I ship?")
    terminal.remark("next: classicvis compare YOUR_PHOTOS  (one folder per class)")
    return 0


def _models() -> dict[str, Pipeline]:
    """Return small pipelines for small photos."""
    size = (TILE, TILE)
    return {
        "color_histogram + random_forest": build_pipeline(
            "color_histogram", "random_forest", image_size=size
        ),
        "hog + svm": build_pipeline("hog", "svm", image_size=size),
        "bovw + linear_svm": build_pipeline(
            "bovw",
            "linear_svm",
            image_size=size,
            features__n_words=200,
            features__max_samples=20_000,
        ),
        "hog + color_histogram + svm": build_pipeline(
            ["hog", "color_histogram"], "svm", image_size=size
        ),
    }


def _use(path: Path, unseen: ImageFolder, terminal: Terminal) -> None:
    """Load the saved pipeline, as another program would, and classify new photos."""
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
