"""The command `classicvis`: it parses, calls the library, prints.

Exit codes: 0 done; 1 an error, told in one sentence; 2 wrong usage; 3 done, but some images could
not be read; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module

from classicvis.cli._parser import build_parser
from classicvis.exceptions import ClassicVisError, one_line

__all__ = ["main"]

ERROR, USAGE, INTERRUPTED = 1, 2, 130

# The library speaks Python; whoever typed a command reads options.
_SPOKEN = {
    "on_error='skip'": "--on-error skip",
    "use cv=": "use --cv ",
    "with allow_version_mismatch=True": "with --allow-version-mismatch",
    " with joblib.load": " in Python with joblib.load",
    "expected a file that save_model wrote": "expected a file that `classicvis train` wrote",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments. None takes those of the process, and ends it without waiting for threads
        that an error or an interruption left at work.

    Returns
    -------
    int
        The exit code. Wrong usage raises SystemExit(2), as argparse does.
    """
    code = _run(argv)
    if argv is None and code in (ERROR, INTERRUPTED) and threading.active_count() > 1:
        # daemon threads inside C++ abort the process when the interpreter takes its leave
        os._exit(code)
    return code


def _run(argv: Sequence[str] | None) -> int:
    _accept_any_character()
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return USAGE
    from classicvis.cli._console import Terminal

    terminal = Terminal(quiet=args.quiet)
    module = import_module(f"classicvis.cli.{args.module}")
    try:
        with terminal.warnings_as_remarks():
            code: int = getattr(module, args.command)(args, terminal)
            sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        written = ", ".join(map(str, terminal.written))
        return _fail(f"interrupted; {written or 'nothing'} was written", INTERRUPTED)
    except BrokenPipeError:  # the reader of the pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except Exception as error:
        if args.debug:
            raise
        return _fail(_sentence(error), ERROR)


def _accept_any_character() -> None:
    """Print what the encoding of the terminal lacks as an escape, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _sentence(error: Exception) -> str:
    if isinstance(error, ClassicVisError):
        text = str(error)
        for python, option in _SPOKEN.items():
            text = text.replace(python, option)
        return text
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}; check the path"
    if isinstance(error, MemoryError):
        return "the memory is not enough; try fewer images, or --reduce 200"
    return f"{one_line(error)}; --debug shows where it comes from"


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"classicvis: {message}\n")
    sys.stderr.flush()
    return code
