"""What an audit finds of what was planted: copies among 10,000 photos, wrong labels of hands.

``python -m benchmarks.audit [--caltech ZIP|FOLDER] [--cifar ZIP|FOLDER] [--hands ZIP|FOLDER]
[--json FILE]``. 9,000 photos, all of Caltech-101 (20 per class) and the rest of CIFAR-10 (JPEG
copy), of which 1,000 get a copy: a quarter each resized (0.5, 0.75 or 1.5 times), encoded anew
(quality 30, 50 or 70), brighter or darker (30 or 40 levels) and cropped (2 % of each side), all
written as JPEG. Flagged pairs that were not planted count as unrelated, although the data sets hold
near duplicates of their own. Labels: 5 % of the hands get another class.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks._timing import write_json
from benchmarks.accuracy._runs import in_fresh_process, peak_memory_mb, unpacked
from classicvis import ImageSequence, audit, load_image_folder, near_duplicates
from classicvis.images import read_image

DATA = Path(__file__).parents[2] / "shared" / "data"
N_PHOTOS, N_COPIES = 9000, 1000
SHARE_OF_LABELS = 0.05


def resized(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = rng.choice([0.5, 0.75, 1.5])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)


def encoded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    data = jpeg(image, int(rng.choice([30, 50, 70])))
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


def shifted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    levels = int(rng.choice([-40, -30, 30, 40]))
    return np.clip(image.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def cropped(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, cols = (max(1, round(0.02 * side)) for side in image.shape[:2])
    return np.ascontiguousarray(image[rows:-rows, cols:-cols])


CHANGES: tuple[Callable[..., np.ndarray], ...] = (resized, encoded, shifted, cropped)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]


def plant(photos: list[str], folder: Path, seed: int) -> tuple[list[str], np.ndarray]:
    """Write the copies and return all paths, and the pairs (photo, copy)."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(photos))[:N_COPIES]
    copies = []
    for k, i in enumerate(chosen):
        change = CHANGES[k * len(CHANGES) // N_COPIES]
        image = read_image(photos[i])
        if image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # what OpenCV writes
        copy = change(image, rng)
        path = folder / f"{k:04d}_{change.__name__}.jpg"
        path.write_bytes(jpeg(copy, 92).tobytes())
        copies.append(str(path))
    return photos + copies, np.column_stack([chosen, len(photos) + np.arange(len(chosen))])


def measure_duplicates(caltech: Path, cifar: Path, scratch: Path, seed: int) -> dict[str, Any]:
    """Return recall by change, unrelated pairs, time and memory; in a fresh process."""
    rng = np.random.default_rng(seed)
    large = list(load_image_folder(caltech).images.sources)
    small = list(load_image_folder(cifar, subset="test").images.sources)
    chosen = rng.permutation(len(small))[: N_PHOTOS - len(large)]
    paths, planted = plant(large + [small[i] for i in chosen], scratch, seed)
    near_duplicates(paths[:10])
    start = time.perf_counter()
    pairs = near_duplicates(ImageSequence(paths), n_jobs=os.cpu_count())
    seconds = time.perf_counter() - start
    found = {(pair.first, pair.second) for pair in pairs}
    hits = np.array([(int(i), int(j)) in found for i, j in planted])
    unrelated = len(found) - int(hits.sum())
    n_pairs = len(paths) * (len(paths) - 1) // 2
    return {
        "photos": len(paths),
        "planted": len(planted),
        "recall": float(hits.mean()),
        "recall_by_change": {
            change.__name__: float(part.mean())
            for change, part in zip(CHANGES, np.split(hits, len(CHANGES)), strict=True)
        },
        "flagged_but_not_planted": unrelated,
        "share_of_unrelated_pairs": unrelated / (n_pairs - len(planted)),
        "seconds": seconds,
        "jobs": os.cpu_count(),
        "peak_memory_mb": peak_memory_mb(),
    }


def measure_labels(hands: Path, seed: int) -> dict[str, Any]:
    """Return precision and recall of suspected labels; in a fresh process."""
    data = load_image_folder(hands)
    rng = np.random.default_rng(seed)
    n, n_classes = len(data.target), len(data.target_names)
    wrong = rng.permutation(n)[: round(SHARE_OF_LABELS * n)]
    labels = data.target.copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, n_classes, len(wrong))) % n_classes
    start = time.perf_counter()
    result = audit(data.images, labels, target_names=data.target_names, n_jobs=os.cpu_count())
    seconds = time.perf_counter() - start
    suspects = result.label_errors or ()
    found = np.array([entry.image for entry in suspects], dtype=int)
    right = np.isin(found, wrong)
    mended = [entry.suggested == data.target[entry.image] for entry in suspects]
    return {
        "photos": n,
        "planted": len(wrong),
        "suspected": len(found),
        "precision": float(right.mean()),
        "recall": float(right.sum() / len(wrong)),
        "right_suggestions": float(np.mean(np.array(mended)[right])),
        "judge_agrees": result.label_accuracy,
        "seconds": seconds,
        "jobs": os.cpu_count(),
        "peak_memory_mb": peak_memory_mb(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--caltech", type=Path, default=DATA / "caltech101-20.zip")
    parser.add_argument("--cifar", type=Path, default=DATA / "cifar10-jpeg.zip")
    parser.add_argument("--hands", type=Path, default=DATA / "sign-language-digits.zip")
    parser.add_argument("--seed", type=int, default=0, help="of all that is planted")
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sources = {
            name: unpacked(getattr(args, name), Path(scratch, name))
            for name in ("caltech", "cifar", "hands")
        }
        copies = Path(scratch, "copies")
        copies.mkdir()
        figures = {
            "near duplicates": in_fresh_process(
                measure_duplicates, sources["caltech"], sources["cifar"], copies, args.seed
            ),
            "label errors": in_fresh_process(measure_labels, sources["hands"], args.seed),
        }
    for name, row in figures.items():
        shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
        print(f"{name}: {', '.join(shown)}", flush=True)
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
