"""`classicvis info` and `classicvis list`: what a model file holds, and what can be named."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from classicvis.cli._console import Terminal, as_settings, counted, size_text

_MAX_CLASSES = 20


def info(args: Namespace, terminal: Terminal) -> int:
    """Print the manifest of a model file; nothing of it is unpickled."""
    from classicvis.persistence import read_manifest

    manifest = read_manifest(args.model)
    if args.json:
        ascii_only = not terminal.is_utf8
        terminal.write(json.dumps(manifest, ensure_ascii=ascii_only, indent=1) + "\n")
        return 0
    rows = [
        ["file", f"{args.model} ({size_text(args.model.stat().st_size)})"],
        ["created", manifest["created"]],
        ["classes", _classes(manifest["class_names"])],
        ["images", _input(manifest["input"])],
        ["features", _features(manifest)],
        ["classifier", manifest["classifier"]],
        ["scores", _scores(manifest["metrics"])],
        *(
            [name, as_settings(value) if isinstance(value, dict) else str(value)]
            for name, value in manifest["metadata"].items()
        ),
        ["versions", ", ".join(f"{k} {v}" for k, v in manifest["versions"].items() if v)],
    ]
    terminal.table(["about", "value"], [row for row in rows if row[1]])
    return 0


def _classes(names: list[str]) -> str:
    more = ", ..." if len(names) > _MAX_CLASSES else ""
    return f"{len(names)}: {', '.join(names[:_MAX_CLASSES])}{more}"


def _input(contract: dict[str, Any] | None) -> str:
    if contract is None:
        return ""
    size = contract.get("image_size")
    if isinstance(size, int):
        parts = [f"at most {size} pixels"]
    else:
        parts = ["any size" if size is None else f"resized to {size[0]}x{size[1]}"]
    steps = contract.get("preprocess")
    return ", ".join([*parts, str(contract.get("color")), *([str(steps)] if steps else [])])


def _features(manifest: dict[str, Any]) -> str:
    names = [f"{e['class']} (version {e['version']})" for e in manifest["extractors"]]
    numbers = manifest["n_features"]
    return " + ".join(names) + (f", {counted(numbers, 'number')} per image" if numbers else "")


def _scores(metrics: dict[str, Any] | None) -> str:
    if not metrics or "accuracy" not in metrics:
        return ""
    folds = metrics.get("fold_accuracies")
    how = f"cross-validation, {len(folds)} folds" if folds else "held-out images"
    return (
        f"accuracy {metrics['accuracy']:.4f}, macro F1 {metrics['macro_average']['f1']:.4f} "
        f"on {counted(metrics['n_samples'], 'image')} ({how})"
    )


def list_names(args: Namespace, terminal: Terminal) -> int:
    """Print the names that `classicvis train` takes."""
    from classicvis.classifiers import CLASSIFIERS, classifier_names
    from classicvis.features import extractor_names, make_extractor
    from classicvis.images import STEPS

    tables = {
        "extractors (--features)": [[n, _summary(make_extractor(n))] for n in extractor_names()],
        "classifiers (--classifier)": [
            [name, _summary(CLASSIFIERS[name].build())] for name in classifier_names()
        ],
        "preprocessing (--preprocess)": [[n, _summary(step)] for n, step in sorted(STEPS.items())],
    }
    for title, rows in tables.items():
        terminal.table(["name", "what it is"], rows, title)
    return 0


def _summary(thing: object) -> str:
    """Return the first sentence of a docstring."""
    paragraph = (thing.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(paragraph.split())
