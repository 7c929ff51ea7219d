"""CIFAR-10: patch dictionaries and a linear classifier, 50,000 images to learn from.

``python -m benchmarks.accuracy.cifar10 [--data ZIP|FOLDER] [--classifier NAME] [--words N]
[--validate N M] [--jobs N] [--json FILE]``. The data are folders ``train`` and ``test`` with a
folder of images per class, or a zip file of them. The defaults were chosen on parts of the 50,000,
as ``--validate N M`` does: learn from N of them, score on M others. The test images are scored
once. Seconds are wall time and include decoding.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import peak_memory_mb, unpacked
from classicvis import ImageFolder, build_pipeline, load_image_folder

DATA = Path(__file__).parents[3] / "shared" / "data" / "cifar10-jpeg.zip"
PUBLISHED = {
    "HOG + RBF SVM (LuoXubo/PRML2023)": 62.27,
    "k-means, triangle, 4000 words (Coates, Lee, Ng 2011)": 79.6,
    "hierarchical kernel descriptors": 80.0,
    "PCANet, no augmentation": 78.67,
    "OMP-1, soft threshold, 6000 words (Coates, Ng 2011)": 81.5,
    "random patches + linear, 2000 / 4000 patches (Thiry et al. 2021)": (82.60, 83.46),
    "Keras example cifar10_cnn, 50 epochs": 79,
}


def measure(train: ImageFolder, test: ImageFolder, args: argparse.Namespace) -> dict[str, Any]:
    """Learn from one folder and score on the other."""
    params = {} if args.words is None else {"features__n_words": args.words}
    model = build_pipeline(
        "patches", args.classifier, image_size=(32, 32), n_jobs=args.jobs, random_state=0, **params
    )
    before, start = peak_memory_mb(), time.perf_counter()
    model.fit(train.images, train.target)
    fitted, peak = time.perf_counter(), peak_memory_mb()
    accuracy = model.score(test.images, test.target)
    done = time.perf_counter()
    features = model.named_steps["features"]
    return {
        "accuracy": accuracy,
        "n_train": len(train.target),
        "n_test": len(test.target),
        "fit_seconds": fitted - start,
        "predict_seconds": done - fitted,
        "memory_before_mb": before,
        "fit_peak_memory_mb": peak,
        "peak_memory_mb": peak_memory_mb(),
        "n_features": features.n_features_out_,
        "features_mb": len(train.target) * features.n_features_out_ * 4 / 2**20,
        "jobs": args.jobs,
        "pipeline": [repr(step) for step in model.named_steps.values()],
    }


def parts(data: ImageFolder, validate: list[int] | None) -> tuple[ImageFolder, ImageFolder]:
    """Return the images to learn from and those to score on."""
    train = data.select(data.subset == "train")
    if validate is None:
        return train, data.select(data.subset == "test")
    shuffled = np.random.default_rng(0).permutation(len(train.target))
    n_train, n_scored = validate
    return train.select(shuffled[:n_train]), train.select(shuffled[n_train : n_train + n_scored])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="zip file or folder")
    parser.add_argument("--classifier", default="linear_svm", help="a name of build_pipeline's")
    parser.add_argument("--words", type=int, help="words of the dictionary; none: the default")
    parser.add_argument(
        "--validate", type=int, nargs=2, metavar=("N", "M"), help="stay inside the training images"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpacked(args.data, scratch)
        row = measure(*parts(load_image_folder(folder), args.validate), args)
    print(
        f"CIFAR-10 (JPEG copy), patches + {args.classifier}: {row['accuracy']:.2%}, "
        f"fit {row['fit_seconds']:.0f} s, predict {row['predict_seconds']:.0f} s, "
        f"peak {row['peak_memory_mb']:.0f} MB, features {row['features_mb']:.0f} MB"
    )
    for name, accuracy in PUBLISHED.items():
        print(f"published: {name}: {accuracy} %")
    if args.json:
        figures = {"ours": {f"patches + {args.classifier}": row}, "published": PUBLISHED}
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
