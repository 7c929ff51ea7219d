"""SVM or CNN: the standard line-up on one data set, as a table, JSON and an HTML report.

``python -m benchmarks.compare_svm_cnn DATA [--limit N] [--only WORD ...] [--report FILE]
[--json FILE]``: DATA is "hands", "caltech", "cifar10" or "mnist" (from ``--data FOLDER``, which
holds their files), or any folder with one folder per class. All models see the same five folds,
near-duplicates in one of them. Networks need the extra "deep"; their weights come from
``--weights``, else Keras downloads them. Without ``--json`` nothing is kept but what is printed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import unpacked
from classicvis import CnnClassifier, CnnEmbedding, build_pipeline, load_image_folder
from classicvis.comparison import Comparison, compare

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = {
    "hands": "sign-language-digits.zip",
    "caltech": "caltech101-20.zip",
    "cifar10": "cifar10-jpeg.zip",
    "mnist": "mnist.npz",
}
WEIGHTS = Path("weights", "mobilenet_v2_035_224_imagenet_notop.weights.h5")
BACKBONE = "MobileNetV2-0.35"


def line_up(weights: str | Path, image_size: Any) -> dict[str, Any]:
    """Return the models; classical defaults, networks with few epochs for two cores."""
    fine_tuned = CnnClassifier(
        BACKBONE, weights=weights, image_size=(128, 128), epochs=8, learning_rate=3e-3,
        fine_tune_learning_rate=1e-3, augment="mild", validation_fraction=0,
    )  # fmt: skip
    return {
        "HOG + linear SVM": build_pipeline("hog", "linear_svm", image_size=image_size),
        "HOG + RBF SVM": build_pipeline("hog", "svm", image_size=image_size),
        "HOG + random forest": build_pipeline("hog", "random_forest", image_size=image_size),
        "HOG + KNN": build_pipeline("hog", "knn", image_size=image_size),
        "colour + random forest": build_pipeline(
            "color_histogram", "random_forest", image_size=image_size
        ),
        "Fisher vector + linear SVM": build_pipeline("fisher", "linear_svm"),
        "patches + linear SVM": build_pipeline(
            "patches", "linear_svm", image_size=(32, 32), features__n_words=400
        ),
        "CNN embedding + RBF SVM": build_pipeline(CnnEmbedding(BACKBONE, weights=weights), "svm"),
        "CNN from scratch": build_pipeline(
            None, CnnClassifier("simple", image_size=(64, 64), epochs=12)
        ),
        "CNN, fine-tuned": build_pipeline(None, fine_tuned),
    }


def load(name: str, data: Path, limit: int | None, scratch: str) -> tuple[Any, np.ndarray, Any]:
    """Return images, labels and the size for HOG, of a random part where there are too many."""
    if name == "mnist":
        arrays = np.load(data / FILES[name])
        images, labels = arrays["x_train"], arrays["y_train"].astype(str)
        size: Any = (28, 28)
    else:
        known = name in FILES
        folder = unpacked(data / FILES[name], scratch) if known else Path(name)
        found = load_image_folder(folder, on_error="skip")
        images, labels = found.images, found.labels
        size = (32, 32) if name == "cifar10" else "auto"
    if limit is not None and limit < len(labels):
        chosen = np.sort(np.random.default_rng(0).permutation(len(labels))[:limit])
        images, labels = images[chosen], labels[chosen]
    return images, labels, size


def run(args: argparse.Namespace) -> Comparison:
    weights = args.weights or args.data / WEIGHTS
    with tempfile.TemporaryDirectory() as scratch:
        images, labels, size = load(args.name, args.data, args.limit, scratch)
        models = line_up(weights if Path(weights).exists() else "imagenet", size)
        if args.only:
            models = {
                name: model
                for name, model in models.items()
                if any(word.lower() in name.lower() for word in args.only)
            }
        found = compare(
            models,
            images,
            labels,
            n_jobs=args.jobs,
            progress=lambda done, total, what: print(f"{done}/{total} {what}", flush=True),
        )
        print(found.summary())
        if args.report:
            print(found.report(args.report, title=f"{args.name}: SVM or CNN?"))
        if args.plots:
            found.plot_pareto().savefig(f"{args.plots}.png", dpi=90)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", metavar="DATA", help=f"{', '.join(FILES)}, or a folder")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the known data sets")
    parser.add_argument("--weights", help="of MobileNetV2 of width 0.35, without the top")
    parser.add_argument("--limit", type=int, help="take so many images at random")
    parser.add_argument("--only", nargs="+", help="models whose names have one of these words")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="threads")
    parser.add_argument("--report", type=Path, help="write the HTML report here")
    parser.add_argument("--plots", type=Path, help="write PLOTS.png: accuracy against time")
    parser.add_argument("--json", type=Path, help="write figures and environment here")
    args = parser.parse_args()
    found = run(args)
    if args.json:
        write_json(args.json, {args.name: found.to_dict()})


if __name__ == "__main__":
    main()
