"""Networks: what the way from image files adds to bare Keras.

``python -m benchmarks.deep --data FOLDER [--backbone NAME] [--weights FILE] [--json FILE]``
measures embeddings, from a folder of images to rows, against ``model.predict`` of the same network
on arrays that are already decoded and resized; and training (`benchmarks._deep_training`). It runs
on the engine that ``KERAS_BACKEND`` names and on whatever device is there, with all cores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks._deep_training import measure_training
from benchmarks._timing import interleave, write_json
from benchmarks.accuracy._runs import unpacked
from classicvis import CnnEmbedding, load_image_folder
from classicvis.backbones._rows import SessionRows
from classicvis.backbones.keras import load_keras
from classicvis.images import ImagePreprocessor

SHARED = Path(__file__).parents[2] / "shared" / "data"
WEIGHTS = SHARED / "weights" / "mobilenet_v2_035_224_imagenet_notop.weights.h5"


def measure_embedding(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return images per second of an embedding from files, and of ``model.predict`` on arrays.

    The calls take turns. Rows of earlier calls are not found: each works with a session of its
    own, to which it adds its rows.
    """
    images = load_image_folder(folder).images[:: args.every]
    extractor = CnnEmbedding(
        args.backbone, weights=args.weights, batch_size=args.batch, n_jobs=args.jobs
    ).fit(images)
    network = extractor.network_
    size = network.input_shape[1:3]
    pixels = np.stack(list(ImagePreprocessor(size).transform(images)))
    calls = {
        "CnnEmbedding from files": lambda: _in_new_session(extractor, images),
        "model.predict on arrays": lambda: network.predict(
            pixels, batch_size=args.batch, verbose=0
        ),
    }
    seconds = interleave(calls, args.runs, warm_ups=1)
    rates = {name: len(images) / value for name, value in seconds.items()}
    return {
        "network": args.backbone,
        "image_shape": network.input_shape[1:],
        "images": len(images),
        "batch_size": args.batch,
        "jobs": args.jobs,
        "engine": load_keras().backend.backend(),
        "images_per_second": rates,
        "ratio": rates["CnnEmbedding from files"] / rates["model.predict on arrays"],
    }


def _in_new_session(extractor: CnnEmbedding, images: Any) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        session = SessionRows(Path(folder))
        with patch("classicvis.backbones._embed.SessionRows", lambda: session):
            return extractor.transform(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED / "caltech101-20.zip")
    parser.add_argument("--backbone", default="MobileNetV2-0.35")
    parser.add_argument("--weights", default=WEIGHTS, help="a file, or 'imagenet'")
    parser.add_argument("--batch", type=int, default=32, help="images at once (32)")
    parser.add_argument("--every", type=int, default=4, help="take every n-th image only (4)")
    parser.add_argument("--jobs", type=int, default=2, help="threads that decode (2)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each call (5)")
    parser.add_argument("--only", choices=("embedding", "training"))
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    args = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        if args.only != "training":
            figures["embedding"] = measure_embedding(args, unpacked(args.data, scratch))
    if args.only != "embedding":
        figures["training"] = measure_training()
    for name, row in figures.items():
        print(f"{name}: {row['ratio']:.3f} of bare Keras ({row['engine']}, {row['network']})")
        for call, rate in row["images_per_second"].items():
            print(f"  {rate:8.1f} images/s  {call}")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
