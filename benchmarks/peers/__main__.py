"""Speed against scikit-image, OpenCV and NumPy, and against what the machine can do at most.

``python -m benchmarks.peers [NAME ...] [--json FILE] [--runs N]``: one process, one core, OpenCV on
one thread, calls that take turns, medians. Names choose among the files of this package, without
one all are run. The exit status is 1 where a "must" is missed.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks._timing import cpu_model, pinned_to_one_core, write_json
from benchmarks.peers._rows import missed

FILES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))


def measure(names: Iterable[str], runs: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of all rows of the named files.

    A file offers ``rows()``, a list of `Row` for one core, or ``measure(runs)``, which uses the
    whole machine and yields figures in the form of `Row.measure`.
    """
    for name in names:
        module = importlib.import_module(f"benchmarks.peers.{name}")
        if hasattr(module, "measure"):
            yield from module.measure(runs)
        else:
            with pinned_to_one_core():
                for row in module.rows():
                    yield row.measure(runs)


def text(row: dict[str, Any]) -> str:
    """Lay out the figures of one row, a line for each peer and each difference."""
    times = row["milliseconds"]
    lines = [row["title"], f"  {'classicvis':24}{times['classicvis']:10.4g} ms"]
    if "times_the_floor" in row:
        part, floor = max(row["floor_milliseconds"].items(), key=lambda item: item[1])
        lines[-1] += f"   {row['times_the_floor']:.2g}x the floor of {floor:.2g} ms ({part})"
    for peer, ratio in row["times_faster"].items():
        lines.append(f"  {peer:24}{times[peer]:10.4g} ms   {ratio:6.4g}x")
        if peer in row["goals"]:
            goal = row["goals"][peer]
            lines[-1] += f"   must {goal['must']:g}x, aim {goal['aim']:g}x"
    if goal := row.get("rate_goal"):
        rate = f"  {row[goal['of']]:.3g} {goal['of']}"
        lines.append(f"{rate}, must {goal['must']:g}, aim {goal['aim']:g}")
    for name, value in row.get("differences", {}).items():
        limit = row["limits"].get(name)
        lines.append(f"  {name}: {value:.4g}" + ("" if limit is None else f", at most {limit:g}"))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FILES)}")
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    parser.add_argument("--runs", type=int, default=15, help="timed runs of each call (15)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(FILES)
    if unknown:
        parser.error(f"found {', '.join(sorted(unknown))}, expected {', '.join(FILES)}")
    print(cpu_model(), end="\n\n")
    figures = []
    for row in measure(arguments.names or FILES, arguments.runs):
        figures.append(row)
        print(text(row), end="\n\n", flush=True)
    if arguments.json:
        write_json(arguments.json, figures)
    sentences = [sentence for row in figures for sentence in missed(row)]
    print("\n".join(sentences) or "Every goal that must be met is met.")
    return 1 if sentences else 0


if __name__ == "__main__":
    raise SystemExit(main())
