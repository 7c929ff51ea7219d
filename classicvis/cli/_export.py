"""`classicvis export`: a model with a network as a file for another runtime."""

from __future__ import annotations

from argparse import Namespace

from classicvis.cli._console import Terminal, size_text
from classicvis.cli._files import check_output
from classicvis.cli._models import load
from classicvis.persistence import export_model


def export(args: Namespace, terminal: Terminal) -> int:
    """Load the model, write the file, and say how well it agrees."""
    check_output(args.output)
    model, name_of = load(args.model, args.allow_version_mismatch)
    terminal.remark(f"converting, and comparing answers on {args.samples or 'sample images'}")
    done = export_model(
        model, args.output, samples=args.samples, class_names=list(name_of.values())
    )
    terminal.written.append(done.path)
    height, width, _ = done.contract["input"]["shape"]
    rows = [
        ["file", f"{done.path} ({size_text(done.path.stat().st_size)})"],
        ["images", f"{height}x{width}, {done.contract['input']['color']}, values 0..255"],
        ["output", f"{done.contract['output']} of {len(name_of)} classes"],
        ["agreement", f"differs from the model by at most {done.difference:.1g}"],
    ]
    terminal.table(["about", "value"], rows)
    return 0
