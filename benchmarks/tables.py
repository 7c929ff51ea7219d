"""The tables of README and docs, from the figures in ``benchmarks/results``.

``python -m benchmarks.tables`` writes them into the documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
MAIN = {  # titles of the rows of README
    "HOG of a grey 512x512 photo",
    "HOG of 10,000 RGB 32x32 images",
    "Joint 8x8x8 RGB histogram, 512x512",
    "dense SIFT, flat, step 4, bin 4, 512x512",
    "SIFT detect and describe, 512x512 grey, defaults",
}


PUBLISHED_OF_CALTECH = {
    "fisher, linear_svm": "best single feature: 72.7 % (McCann and Lowe 2012); VLFeat phow 65 %",
    "fisher + fisher of opponent colours + phog, linear_svm": "several features: 73.2 % "
    "(Yang 2009)",
}


def figures(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]


def rows() -> list[tuple[str, str, str]]:
    """Return what was measured, what was reached, and what it is compared with."""
    return [
        *accuracies(),
        *(speed(row) for row in figures("peers") if row["title"] in MAIN),
        (
            "`import classicvis`",
            f"{1e3 * figures('import_time')['seconds']:.0f} ms",
            "no heavy library loaded",
        ),
    ]


def accuracies() -> list[tuple[str, str, str]]:
    """Return the lines of the reproductions of published tables."""
    default, moved, train, tuned = figures("sign_language").values()
    mnist, virtual = figures("mnist").values()
    (patches,) = figures("cifar10")["ours"].values()
    return [
        *(
            (
                f"Caltech-101, 15 / 5 images per class, 5 splits: {name}",
                ", ".join(_splits(row)),
                PUBLISHED_OF_CALTECH[name],
            )
            for name, row in figures("caltech101").items()
        ),
        (
            "CIFAR-10 (JPEG copy), 50,000 / 10,000, `patches`, `linear_svm`, defaults",
            ", ".join(_total(patches)),
            "4,000 k-means words: 79.6 % (Coates 2011); 6,000 by OMP: 81.5 % (Coates and Ng 2011)",
        ),
        (
            "MNIST, 60,000 / 10,000, `hog`, `linear_svm`, defaults",
            ", ".join(_total(mnist)),
            "linear SVM on HOG blocks: 97.36 % (Maji and Malik 2009)",
        ),
        (
            "the same, uprighted digits, `hog`, RBF SVM, virtual support vectors",
            ", ".join(_total(virtual)),
            "virtual SVM: 99.44 % (DeCoste and Schoelkopf 2002)",
        ),
        (
            "sign-language digits, 5 folds, `hog` + `color_histogram`, `svm`, defaults",
            f"{default['accuracy']:.1%}, {default['seconds']:.0f} s",
            "an OpenCV HOG + SVC script: 92.6 to 94.1 %",
        ),
        (
            "the same after `classicvis train --tune` (nested cross-validation)",
            f"{tuned['accuracy']:.1%}, {tuned['seconds']:.0f} s",
            "the authors' CNN: 98 % (another split)",
        ),
        (
            "the same folds, `hog`, `svm`, moved and turned copies of training images",
            f"{moved['accuracy']:.1%}, {moved['seconds']:.0f} s",
            "",
        ),
        (
            "`classicvis train` on it with 5-fold cross-validation, fresh process",
            f"{train['seconds']:.0f} s, {train['peak_memory_mb']:.0f} MB",
            "",
        ),
    ]


def classical_and_deep() -> list[tuple[str, str, str, str]]:
    """Return a line for each model: photos, model, accuracy, and what it cost."""
    fisher, fusion = figures("caltech101").values()
    hog, moved, *_ = figures("sign_language").values()
    mnist, virtual = figures("mnist").values()
    (patches,) = figures("cifar10")["ours"].values()
    deep = figures("deep")
    return [
        ("Caltech-101, 15 / 5", "`fisher`, `linear_svm`", *_splits(fisher)),
        ("", "three extractors, `linear_svm`", *_splits(fusion)),
        ("", "MobileNetV2-0.35, `linear_svm`", *_splits(deep.get("caltech cnn"))),
        ("", "its rows, `fisher` at 0.5 and `phog` at 0.3", *_splits(deep.get("caltech union"))),
        ("hands, 5 folds", "`hog` + `color_histogram`, `svm`", *_total(hog)),
        ("", "`hog`, `svm`, moved copies", *_total(moved)),
        ("", "MobileNetV2-0.35, `svm`", *_total(deep.get("hands embedding"))),
        ("", "MobileNetV2-0.35, fine-tuned", *_total(deep.get("hands fine-tuned"))),
        ("MNIST", "`hog`, `linear_svm`", *_total(mnist)),
        ("", "`hog`, `svm`, virtual support vectors", *_total(virtual)),
        ("", '`CnnClassifier("simple")`', *_total(deep.get("mnist simple"))),
        ("CIFAR-10 (JPEG copy)", "`patches`, `linear_svm`", *_total(patches)),
        ("", '`CnnClassifier("resnet", ...)`, from scratch', *_total(deep.get("cifar resnet"))),
    ]


_NOT_MEASURED = ("not measured", "")


def _splits(row: dict[str, Any] | None) -> tuple[str, str]:
    if row is None:
        return _NOT_MEASURED
    n_splits = len(row["splits"])
    seconds = row.get("seconds_per_split", row.get("seconds", 0) / n_splits)
    accuracy = f"{row['accuracy']:.1%} ± {row['standard_deviation']:.1%}"
    return accuracy, f"{seconds:.0f} s a split, {row['peak_memory_mb'] / 1024:.1f} GB"


def _total(row: dict[str, Any] | None) -> tuple[str, str]:
    if row is None:
        return _NOT_MEASURED
    seconds = row["seconds"] if "seconds" in row else row["fit_seconds"] + row["predict_seconds"]
    memory = f", {row['peak_memory_mb'] / 1024:.1f} GB" if "peak_memory_mb" in row else ""
    return f"{row['accuracy']:.2%}", f"{seconds:.0f} s{memory}"


def speed(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return the line of one row of the comparison with peers."""
    ratios = [f"{ratio:.3g}x {peer}" for peer, ratio in row["times_faster"].items()]
    compared = [f"{name} {value:.3g}" for name, value in row.get("differences", {}).items()]
    time = f"{row['milliseconds']['classicvis']:.3g} ms"
    return row["title"], time, "; ".join([*ratios, *compared])


def table() -> str:
    """Return the table of README."""
    return _markdown(("what", "reached", "for comparison"), rows())


def accuracy_table() -> str:
    """Return the table of the reproductions of published tables."""
    return _markdown(("photos, pipeline", "accuracy, cost", "published"), accuracies())


def deep_table() -> str:
    """Return the table of classical and deep models on the same images."""
    return _markdown(("photos", "model", "accuracy", "time, memory"), classical_and_deep())


def throughput_table() -> str:
    """Return the table of ``python -m benchmarks.deep``: networks beside bare Keras."""
    lines = []
    for work, row in figures("deep_throughput").items():
        (ours, rate), (bare, bare_rate) = row["images_per_second"].items()
        side = "x".join(map(str, row["image_shape"][:2]))
        network = f"{row['network']}, {side}, batches of {row['batch_size']}, {row['engine']}"
        speeds = f"`{ours}` {rate:.0f}/s", f"`{bare}` {bare_rate:.0f}/s"
        lines.append((f"{work}: {network}", *speeds, f"{row['ratio']:.2f}x"))
    return _markdown(("work", "images", "bare Keras, pixels in memory", "ratio"), lines)


def audit_table() -> str:
    """Return the table of ``python -m benchmarks.audit``: what was planted and what was found."""
    copies, labels = figures("audit")["near duplicates"], figures("audit")["label errors"]
    lines = [
        (
            f"{copies['planted']:,} copies among {copies['photos']:,} photos",
            f"{copies['recall']:.1%} found; {copies['flagged_but_not_planted']} other pairs, "
            f"{copies['share_of_unrelated_pairs']:.1e} of all",
            f"{copies['seconds']:.0f} s, {copies['peak_memory_mb']:.0f} MB",
        ),
        (
            f"{labels['planted']} wrong labels among {labels['photos']:,} hands",
            f"precision {labels['precision']:.2f}, recall {labels['recall']:.2f}",
            f"{labels['seconds']:.0f} s, {labels['peak_memory_mb']:.0f} MB",
        ),
    ]
    return _markdown(("planted", "found", "time with 2 threads, peak memory"), lines)


def comparison_table() -> str:
    """Return the table of ``python -m benchmarks.compare_svm_cnn hands``."""
    (record,) = figures("compare_hands").values()
    lines = [
        (
            row["model"],
            f"{row['accuracy']:.2%}",
            f"{100 * row['accuracy_low']:.1f} to {100 * row['accuracy_high']:.1f}",
            _or_dash(row["log_loss"], "{:.3f}"),
            f"{1e3 * row['latency_p50']:.1f} ms",
            f"{row['images_per_second']:.0f}",
            f"{row['fit_seconds']:.1f} s",
            f"{row['predict_memory'] / 1e6:.0f} MB",
            f"{row['model_bytes'] / 1e6:.1f} MB",
        )
        for row in sorted(record["models"], key=lambda row: -row["accuracy"])
    ]
    head = ("model", "accuracy (%)", "95 % interval", "log loss", "one image", "images/s")
    return _markdown((*head, "to fit", "memory", "file"), lines)


def ensemble_table() -> str:
    """Return the table of ``python -m benchmarks.ensembles``: the ensemble, then its members."""
    titles = {"hands": "hands, 5 folds", "caltech": "Caltech-101, 5 splits"}
    lines = []
    for name, row in figures("ensembles").items():
        photos = titles[name]
        for model, accuracy in sorted(row["accuracy"].items(), key=lambda item: -item[1]):
            shown = "weighted ensemble" if model == "ensemble" else model
            lines.append((photos, shown, f"{accuracy:.2%}"))
            photos = ""
    return _markdown(("photos", "model", "accuracy (%)"), lines)


def false_alarm_table() -> str:
    """Return the table of ``python -m benchmarks.false_alarms``: tests of equal models."""
    found = figures("false_alarms")
    tests = list(dict.fromkeys(test for shares in found.values() for test in shares))
    lines = [
        (test, *(_or_dash(shares.get(test), "{:.1%}") for shares in found.values()))
        for test in tests
    ]
    return _markdown(("test", *found), lines)


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def peers_table() -> str:
    """Return the table of all rows of ``python -m benchmarks.peers``, one line for each peer."""
    lines = []
    for row in figures("peers"):
        start = [row["title"], f"{row['milliseconds']['classicvis']:.3g} ms"]
        floor = f"{row['times_the_floor']:.2g}x" if "times_the_floor" in row else ""
        for peer, ratio in (row["times_faster"] or {"": None}).items():
            goal = row["goals"].get(peer, {})
            wanted = f"{goal['must']:g}x / {goal['aim']:g}x" if goal else ""
            lines.append((*start, f"{ratio:.3g}x {peer}" if peer else "", wanted, floor))
            start, floor = ["", ""], ""
    return _markdown(("work", "time", "times faster", "must / aim", "times the floor"), lines)


def _markdown(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    table = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in table)


TABLES: list[tuple[str, Callable[[], str]]] = [
    ("README.md", table),
    ("README.md", comparison_table),
    ("docs/benchmarks.md", table),
    ("docs/benchmarks.md", peers_table),
    ("docs/audit.md", audit_table),
    ("docs/comparing.md", comparison_table),
    ("docs/comparing.md", false_alarm_table),
    ("docs/imbalance_and_ensembles.md", ensemble_table),
    ("docs/choosing.md", accuracy_table),
    ("docs/svm_or_cnn.md", deep_table),
    ("docs/transfer_learning.md", throughput_table),
]
"""Where each table is shown."""


def write_tables(root: Path) -> None:
    """Put the present tables in the place of those with the same head."""
    for document, make in TABLES:
        path, new = root / document, make()
        text = path.read_text(encoding="utf-8")
        start = text.index(new.splitlines()[0])
        end = text.find("\n\n", start)
        path.write_text(text[:start] + new + (text[end:] if end >= 0 else "\n"), encoding="utf-8")


if __name__ == "__main__":
    write_tables(RESULTS.parents[1])
