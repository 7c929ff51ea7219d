"""`classicvis audit`: what is wrong with a folder of photos."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from pathlib import Path

import numpy as np
from PIL import Image

from classicvis.auditing import Audit
from classicvis.auditing import audit as audit_images
from classicvis.auditing._result import COLUMNS
from classicvis.auditing._text import headline
from classicvis.cli._console import Terminal, counted, exit_code
from classicvis.cli._files import check_output, write_text
from classicvis.cli._results import tell_unreadable

_SHOWN = 20


def audit(args: Namespace, terminal: Terminal) -> int:
    """Audit the folder, print the findings, write the table and the pictures."""
    for path in (args.csv, args.pictures):
        if path is not None:
            check_output(path)
    with terminal.progress(f"reading {args.folder}") as update:
        result = audit_images(
            args.folder,
            label_errors=args.labels,
            min_similarity=args.min_similarity,
            min_odds=args.min_odds,
            n_jobs=args.jobs,
            random_state=args.seed,
            progress=lambda done, total: update(done, total, "images"),
        )
    tell_unreadable(terminal, result.unreadable)
    terminal.table(["what", "found"], headline(result))
    _show(terminal, result, args.folder)
    if args.csv is not None:
        _write_csv(result, args.csv)
        terminal.written.append(args.csv)
        terminal.result(f"all findings: {args.csv}")
    if args.pictures is not None:
        with terminal.progress("drawing"):
            _draw(result, args.pictures)
        terminal.written.append(args.pictures)
        terminal.result(f"pictures: {args.pictures}")
    return exit_code(len(result.unreadable))


def _show(terminal: Terminal, result: Audit, folder: Path) -> None:
    """Print the findings of each kind, the first ones of many."""
    root = folder.resolve()

    def short(name: str) -> str:
        path = Path(name).resolve()
        return str(path.relative_to(root)) if path.is_relative_to(root) else name

    rows = [row for row in result.rows() if row[0] != "unreadable"]
    for group, header in (
        ("quality", ["image", "issue", "reason"]),
        ("duplicate", ["image", "the same", ">similarity", "remark"]),
        ("label_error", ["image", "label", "rather", ">odds"]),
    ):
        chosen = [row for row in rows if _group(row[0]) == group]
        if not chosen:
            continue
        cells = [
            [short(image), kind, reason] if group == "quality"
            else [short(image), short(other), f"{value:.3f}", reason] if group == "duplicate"
            else [short(image), label, other_label, f"{value:.0f}"]
            for kind, image, label, value, other, other_label, reason in chosen[:_SHOWN]
        ]  # fmt: skip
        title = {"quality": "odd quality", "duplicate": "duplicates", "label_error": "labels"}
        terminal.result()
        terminal.table(header, cells, title=f"{title[group]} ({len(chosen):,})")
        if len(chosen) > _SHOWN:
            terminal.remark(f"and {counted(len(chosen) - _SHOWN, 'more', 'more')}; --csv lists all")


def _group(kind: str) -> str:
    if kind.startswith("duplicate"):
        return "duplicate"
    return kind if kind == "label_error" else "quality"


def _write_csv(result: Audit, path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*row[:3], "" if np.isnan(row[3]) else f"{row[3]:.6g}", *row[4:]]
                     for row in result.rows())  # fmt: skip
    write_text(path, text.getvalue(), encoding="utf-8-sig")  # so that Excel reads Chinese


def _draw(result: Audit, path: Path) -> None:
    """Write duplicates, suspected labels and odd pictures below one another."""
    figures = [result.plot_duplicates(), result.plot_label_errors(), result.plot_quality()]
    parts = []
    for figure in figures:
        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=80)
        parts.append(Image.open(data).convert("RGB"))
    sheet = Image.new("RGB", (max(p.width for p in parts), sum(p.height for p in parts)), "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, format="PNG")
