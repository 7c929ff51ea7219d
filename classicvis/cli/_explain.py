"""`classicvis explain`: pictures of what a model looks at."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from joblib import parallel_config

from classicvis.cli._console import Terminal, counted, exit_code
from classicvis.cli._files import check_output
from classicvis.cli._models import load
from classicvis.cli._predict import images_of
from classicvis.cli._results import tell_unreadable
from classicvis.evaluation import explain as explain_images
from classicvis.exceptions import ImageError, unknown_name
from classicvis.images import Unreadable


def explain(args: Namespace, terminal: Terminal) -> int:
    """Write one picture per image: the image, and its map laid over it."""
    check_output(args.output / "picture.png")
    model, name_of = load(args.model, args.allow_version_mismatch)
    target = None if args.target is None else _label(args.target, name_of)
    images = images_of(args.inputs, "raise")
    args.output.mkdir(parents=True, exist_ok=True)
    unreadable = []
    with (
        parallel_config(backend="threading", n_jobs=args.jobs),
        terminal.progress("explaining") as update,
    ):
        for i in range(len(images)):
            try:
                result = explain_images(
                    model, images[i : i + 1], method=args.method, target=target,
                    target_names=name_of,
                )  # fmt: skip
            except ImageError as error:
                unreadable.append(Unreadable(images.name(i), str(error)))
                continue
            path = args.output / f"{i + 1:03d}-{Path(images.name(i)).stem}.png"
            result.plot().savefig(path, dpi=120)
            terminal.written.append(path)
            update(i + 1, len(images), "images")
    terminal.result(f"{args.output}: {counted(len(terminal.written), 'picture')}")
    tell_unreadable(terminal, unreadable)
    return exit_code(len(unreadable))


def _label(name: str, name_of: dict[Any, str]) -> Any:
    """Return the label of the class that people call so."""
    for label, known in name_of.items():
        if known == name:
            return label
    raise unknown_name("class", name, name_of.values())
