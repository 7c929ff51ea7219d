"""The tables of README and docs, from the figures in ``benchmarks/results``.

``python -m benchmarks.tables`` prints the Markdown.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SHARE_FOUND = "share of opencv's found"
RESULTS = Path(__file__).with_name("results")


def figures(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]


def rows() -> list[tuple[str, str, str]]:
    """Return what was measured, what was reached, and what it is compared with."""
    signs, mnist = figures("sign_language"), figures("mnist")["hog + linear_svm"]
    default, train, tuned = (
        signs[key]
        for key in ("build_pipeline, no options", "classicvis train", "classicvis train --tune")
    )
    hog, sift = figures("hog")["512x512 grey"], figures("sift")
    dense = sift["dense SIFT, 512x512 grey, step 4, bin 4"]
    keypoints = sift["SIFT keypoints, 512x512 grey, defaults"]
    return [
        (
            "sign-language digits, 5 folds, `hog` + `color_histogram`, `svm`, defaults",
            f"{default['accuracy']:.1%}",
            "an OpenCV HOG + SVC script: 92.6 to 94.1 %",
        ),
        (
            "the same after `classicvis train --tune` (nested cross-validation)",
            f"{tuned['accuracy']:.1%}, {tuned['seconds']:.0f} s",
            "the authors' CNN: 98 % (another split)",
        ),
        (
            "`classicvis train` on it with 5-fold cross-validation, fresh process",
            f"{train['seconds']:.0f} s, {train['peak_memory_mb']:.0f} MB",
            "",
        ),
        (
            "MNIST, 60,000 / 10,000, `hog`, `linear_svm`, defaults",
            f"{mnist['accuracy']:.2%}, {mnist['fit_seconds'] + mnist['predict_seconds']:.0f} s",
            "linear SVM on HOG blocks: 97.36 % (Maji and Malik 2009)",
        ),
        (
            "`functional.hog`, 512x512 grey, one core",
            f"{hog['classicvis functional.hog [ms]']:.2f} ms",
            f"{hog['times faster than scikit-image']:.0f}x scikit-image, "
            f"{hog['times faster than opencv']:.1f}x OpenCV; largest difference to scikit-image "
            f"{hog['largest difference to scikit-image']:.0e}",
        ),
        (
            "`functional.dense_sift`, 512x512 grey, 15,625 descriptors, one core",
            f"{dense['classicvis flat [ms]']:.1f} ms",
            f"{dense['flat, times faster than opencv']:.0f}x OpenCV at those frames",
        ),
        (
            "`functional.sift`, 512x512 grey, one core",
            f"{keypoints['classicvis [ms]']:.0f} ms",
            f"{keypoints['times faster than opencv']:.2f}x OpenCV; "
            f"{keypoints[SHARE_FOUND]:.1%} of its keypoints found",
        ),
        (
            "`import classicvis`",
            f"{1e3 * figures('import_time')['seconds']:.0f} ms",
            "no heavy library loaded",
        ),
    ]


def table() -> str:
    lines = ["| what | reached | for comparison |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows())])


if __name__ == "__main__":
    print(table())
