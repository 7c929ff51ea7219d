"""What can be typed: the arguments of every command, without importing what they start."""

from __future__ import annotations

import argparse
import ast
from pathlib import Path
from typing import Any

from classicvis._version import __version__

ON_ERROR = ("raise", "skip", "mark")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each sets `module` and, in it, `command`."""
    parser = argparse.ArgumentParser(
        prog="classicvis",
        description="Train, compare and use image classifiers on folders of photos.",
        epilog="exit codes: 0 done, 1 error, 2 wrong usage, 3 done but some images could not be "
        "read, 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"classicvis {__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _demo(commands)
    _audit(commands)
    _compare(commands)
    _train(commands)
    _predict(commands)
    _evaluate(commands)
    _explain(commands)
    _export(commands)
    _info(commands)
    _list(commands)
    return parser


def _command(commands: Any, name: str, module: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    parser.set_defaults(command=name, module=module)
    parser.add_argument("-q", "--quiet", action="store_true", help="results and errors only")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    return parser


def _demo(commands: Any) -> None:
    parser = _command(
        commands, "demo", "_demo", "the whole job on pictures that are installed already"
    )
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write a report")
    _add_jobs(parser)


def _audit(commands: Any) -> None:
    parser = _command(
        commands, "audit", "_audit", "find duplicates, bad pictures and wrong labels in a folder"
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="one folder per class, or images without classes"
    )
    parser.add_argument(
        "--no-labels", dest="labels", action="store_false", help="do not judge the labels: faster"
    )
    parser.add_argument(
        "--min-similarity",
        type=float,
        default=0.95,
        metavar="S",
        help="of near duplicates, above 0.9 up to 1; default: 0.95",
    )
    parser.add_argument(
        "--min-odds",
        type=float,
        default=20.0,
        metavar="N",
        help="how many times more probable another label must be; default: 20",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all findings as a table")
    parser.add_argument(
        "--pictures", type=Path, metavar="FILE.png", help="draw duplicates, labels, odd pictures"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    _add_jobs(parser)


def _compare(commands: Any) -> None:
    parser = _command(
        commands, "compare", "_compare", "several models side by side on one folder of photos"
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="one folder per class")
    parser.add_argument(
        "--models",
        type=_names,
        metavar="MODEL,...",
        help='such as "hog + svm, fisher + linear_svm, cnn + svm": extractors and a classifier',
    )
    parser.add_argument("--backbone", metavar="NAME", help="the network of cnn")
    parser.add_argument("--weights", metavar="FILE", help="its weights; default: ImageNet's")
    parser.add_argument("--cv", type=_folds, default=5, metavar="N", help="folds; default: 5")
    parser.add_argument(
        "--repeats", type=_positive, default=1, metavar="N", help="draw the folds N times"
    )
    _add_groups(parser)
    parser.add_argument(
        "--no-costs", dest="costs", action="store_false", help="do not measure time and memory"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write the report")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("-o", "--output", type=Path, metavar="MODEL", help="save the best model")
    _add_on_error(parser, "skip", "unreadable images stop the comparison, or are left out")
    _add_jobs(parser)


def _train(commands: Any) -> None:
    parser = _command(commands, "train", "_train", "learn to classify a folder of photos")
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="one folder per class, or train/ beside test/"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="MODEL", required=True, help="the model file to write"
    )
    model = parser.add_argument_group("model (`classicvis list` names them all)")
    model.add_argument(
        "--features",
        type=_names,
        metavar="NAME,...",
        help="default: hog,color_histogram; none, and its default, for a network as classifier",
    )
    model.add_argument("--classifier", default="svm", metavar="NAME", help="default: svm")
    model.add_argument(
        "--image-size",
        type=_image_size,
        default="auto",
        metavar="SIZE",
        help="pixels: 96, HEIGHTxWIDTH, max320 (longest side), or keep; default: what suits the "
        "features",
    )
    model.add_argument("--color", default="rgb", metavar="SPACE", help="rgb, gray, hsv or lab")
    model.add_argument(
        "--preprocess", type=_names, default=[], metavar="NAME,...", help="such as clahe,median"
    )
    model.add_argument(
        "--reduce", type=_positive_number, metavar="N", help="principal components, or their share"
    )
    model.add_argument(
        "--set",
        dest="params",
        type=_setting,
        action="append",
        default=[],
        metavar="STEP__NAME=VALUE",
        help="any parameter of a step, such as classifier__C=10",
    )
    work = parser.add_argument_group("training")
    work.add_argument(
        "--cv",
        type=_folds,
        default=5,
        metavar="N",
        help="folds of the cross-validation; 0: none; default: 5",
    )
    _add_groups(work)
    work.add_argument(
        "--tune", action="store_true", help="search for the best parameters of the classifier"
    )
    work.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    work.add_argument("--report", type=Path, metavar="DIR", help="write a report with plots")
    _add_on_error(parser, "skip", "unreadable images stop the training, or are left out")
    _add_jobs(parser)


def _predict(commands: Any) -> None:
    parser = _command(commands, "predict", "_predict", "classify images with a model")
    _add_model(parser)
    _add_inputs(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of objects")
    form.add_argument("--csv", action="store_true", help="comma-separated, with a header")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of the screen")
    _add_on_error(parser, "mark", "unreadable images stop, are left out, or keep an empty row")
    _add_mismatch(parser)
    _add_jobs(parser)


def _evaluate(commands: Any) -> None:
    parser = _command(
        commands, "evaluate", "_evaluate", "score a model on a folder that it has not seen"
    )
    _add_model(parser)
    parser.add_argument("folder", type=Path, metavar="DIR", help="one folder per class")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a report with plots")
    _add_on_error(parser, "mark", "unreadable images stop, are left out, or are listed")
    _add_mismatch(parser)
    _add_jobs(parser)


def _explain(commands: Any) -> None:
    parser = _command(
        commands, "explain", "_explain", "draw which parts of images a model decides by"
    )
    _add_model(parser)
    _add_inputs(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", required=True, help="one picture per image"
    )
    parser.add_argument("--target", metavar="CLASS", help="default: the predicted class")
    parser.add_argument(
        "--method",
        choices=("auto", "grad_cam", "occlusion"),
        default="auto",
        help="look into a network, or hide parts of the image; default: what the model allows",
    )
    _add_mismatch(parser)
    _add_jobs(parser)


def _export(commands: Any) -> None:
    parser = _command(
        commands, "export", "_export", "write a model with a network for another runtime"
    )
    _add_model(parser)
    parser.add_argument(
        "output", type=Path, metavar="FILE", help=".onnx, .tflite (LiteRT), .keras or .h5"
    )
    parser.add_argument(
        "--samples", type=Path, metavar="DIR", help="images on which both are compared"
    )
    _add_mismatch(parser)


def _info(commands: Any) -> None:
    parser = _command(commands, "info", "_info", "what a model file says about itself")
    _add_model(parser)
    parser.add_argument("--json", action="store_true", help="the whole manifest")


def _list(commands: Any) -> None:
    parser = _command(
        commands, "list", "_info", "names of extractors, classifiers and preprocessing steps"
    )
    parser.set_defaults(command="list_names")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="FILE|DIR", help="images, or folders of images"
    )


def _add_groups(parser: Any) -> None:
    parser.add_argument(
        "--no-groups",
        dest="groups",
        action="store_false",
        help="do not keep near-duplicates in one fold",
    )


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=_positive, default=-1, metavar="N", help="threads; default: all cores"
    )


def _add_on_error(parser: argparse.ArgumentParser, default: str, what: str) -> None:
    parser.add_argument(
        "--on-error", choices=ON_ERROR, default=default, help=f"{what}; default: {default}"
    )


def _add_mismatch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-version-mismatch",
        action="store_true",
        help="use a model of other package versions; its predictions may differ",
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _image_size(text: str) -> tuple[int, int] | int | str | None:
    if text in ("keep", "auto"):
        return None if text == "keep" else text
    longest = text.removeprefix("max")
    if longest != text and longest.isdecimal() and int(longest):
        return int(longest)
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected 96, 96x128 (height x width), max320, keep or auto"
        )
    return int(sides[0]), int(sides[-1])


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected name=value, as in classifier__C=10")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a positive integer")
    return int(text)


def _positive_number(text: str) -> int | float:
    if text.isdecimal() and int(text):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected an integer, or a share such as 0.95")
    return value


def _folds(text: str) -> int:
    if not text.isdecimal() or int(text) == 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0, or at least 2 folds")
    return int(text)
