"""The command ``python -m benchmarks.matching``: tables, verdicts, results file, plot."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import benchmarks.matching
from benchmarks._timing import pin_to_one_core, write_json
from benchmarks.matching._compare import (
    LEAST_FOUND,
    MARGIN,
    Scores,
    agreements,
    as_figures,
    differences,
    means,
    measure,
)
from benchmarks.matching._methods import METHODS, OPENCV
from benchmarks.matching._views import CASES, TRANSFORMATIONS, photos

TITLES = ("repeatability", "correct share", "matching score", "correct matches")


def print_means(scores: Scores) -> None:
    """Print a table per measure: a row for each case, a column for each method."""
    average = means(scores)
    for column, title in enumerate(TITLES):
        print(f"\n{title:24}" + "".join(f"{name:>22}" for name in METHODS))
        for row, (name, strength) in enumerate(CASES):
            values = (average[method][row, column] for method in METHODS)
            print(f"  {name:12}{strength:8g}  " + "".join(f"{value:22.4g}" for value in values))


def print_verdicts(scores: Scores) -> None:
    """Print the differences to OpenCV with their intervals, and the verdicts."""
    for method in METHODS:
        if method == OPENCV:
            continue
        print(f"\n{method} less OpenCV, in points (correct matches: in %), 95 % interval")
        for name in (None, *(t.name for t in TRANSFORMATIONS)):
            for title, found in zip(TITLES, differences(scores, method, name), strict=True):
                mean, low, high = 100 * np.array(found)
                print(
                    f"  {name or 'all':12}{title:18}{mean:+8.3f}  [{low:+.3f}, {high:+.3f}]"
                    f"  {found.verdict}"
                )
    print(
        f"  (BELOW: all of the interval is under 0; undecided: it reaches under {-100 * MARGIN:g})"
    )


def print_agreement(agreed: dict[str, Any]) -> None:
    """Print keypoints of both and the share of OpenCV's found, by setting and photo."""
    for setting, by_photo in agreed.items():
        print(f"\nOpenCV's keypoints found: {setting}")
        for name, row in by_photo.items():
            ours, theirs, share = row.values()
            print(f"  {name:12}{ours:8}{theirs:8}{share:10.2%}")
    lowest = min(row["share found"] for rows in agreed.values() for row in rows.values())
    word = "met" if lowest >= LEAST_FOUND else "NOT MET"
    print(f"\nat least {LEAST_FOUND:.0%} found on every photo: {word}, the lowest {lowest:.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=benchmarks.matching.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write figures and environment here")
    parser.add_argument("--plot", metavar="FILE", help="draw the means here")
    arguments = parser.parse_args()
    pin_to_one_core()
    images = photos()
    scores, agreed = measure(images), agreements(images)
    print_means(scores)
    print_agreement(agreed)
    print_verdicts(scores)
    if arguments.json:
        write_json(arguments.json, as_figures(scores, agreed, images))
    if arguments.plot:
        from benchmarks.matching._plot import draw

        draw(scores, arguments.plot)


if __name__ == "__main__":
    main()
