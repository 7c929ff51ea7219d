"""Throughput of networks beside bare Keras, on whatever device is there.

``python -m benchmarks.deep [--json FILE]``. Embedding: a folder of JPEGs to rows by
`CnnEmbedding`, beside ``model.predict`` of the same network, as Keras builds it, on the same
pixels, decoded and resized before the clock starts. Training: `CnnClassifier` beside ``model.fit``
on preloaded arrays. Calls take turns, medians count. The photos are those of Caltech-101; without
the weights beside the project the network has random ones, which cost the same.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._deep_training import measure_training
from benchmarks._timing import interleave, parse_arguments, write_json
from benchmarks.accuracy._runs import unpacked
from benchmarks.accuracy.deep import BACKBONE, DATA, WEIGHTS
from classicvis import CnnEmbedding, ImagePreprocessor, load_image_folder
from classicvis.backbones._networks import build_backbone
from classicvis.backbones._pooling import pooled
from classicvis.backbones.keras import load_keras
from classicvis.images import read_chunk

N_PHOTOS, BATCH = 512, 32


def measure_embedding(folder: Path, jobs: int | None, runs: int) -> dict[str, Any]:
    """Return images per second of a folder to rows, and of ``model.predict`` on pixels."""
    photos = load_image_folder(folder).images[:N_PHOTOS]
    weights = DATA / WEIGHTS if (DATA / WEIGHTS).exists() else None
    extractor = CnnEmbedding(
        BACKBONE, weights=weights, batch_size=BATCH, n_jobs=jobs, random_state=0
    ).fit(photos)
    backbone = build_backbone(BACKBONE, weights=weights, random_state=0)
    model = pooled(backbone, extractor.pooling, extractor.grid)
    pixels = read_chunk(ImagePreprocessor(extractor.best_size).transform(photos)).images

    def from_files() -> None:
        with tempfile.TemporaryDirectory() as session:  # of this call: no row is known
            before = os.environ["CLASSICVIS_SESSION_DIR"]
            os.environ["CLASSICVIS_SESSION_DIR"] = session
            try:
                extractor.transform(photos)
            finally:
                os.environ["CLASSICVIS_SESSION_DIR"] = before

    stack = np.asarray(pixels)
    calls = {
        "CnnEmbedding": from_files,
        "model.predict": lambda: model.predict(stack, batch_size=BATCH, verbose=0),
    }
    seconds = interleave(calls, runs=runs, warm_ups=1)
    rates = {name: len(photos) / value for name, value in seconds.items()}
    return {
        "network": BACKBONE,
        "image_shape": stack.shape[1:],
        "batch_size": BATCH,
        "jobs": jobs,
        "engine": load_keras().backend.backend(),
        "images_per_second": rates,
        "ratio": rates["CnnEmbedding"] / rates["model.predict"],
    }


def main() -> None:
    args = parse_arguments(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpacked(DATA / "caltech101-20.zip", scratch)
        embedding = measure_embedding(folder, None, args.runs)
    figures = {"embedding": embedding, "training": measure_training()}
    for name, row in figures.items():
        rates = ", ".join(f"{k} {v:.0f}/s" for k, v in row["images_per_second"].items())
        print(f"{name}, {row['network']}, {row['engine']}: {row['ratio']:.3f} ({rates})")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
