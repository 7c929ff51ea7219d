"""Results on stdout, remarks and progress on stderr; tables for people and for pipes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Update = Callable[..., None]  # n_done, n_in_all, unit


class Terminal:
    """Where a command writes.

    Parameters
    ----------
    quiet : bool, default=False
        Leave out remarks and progress; warnings and results stay.

    Attributes
    ----------
    written : list of Path
        What the command has completed on disk, for the message of an interruption.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.written: list[Path] = []
        self._out = Console(markup=False, emoji=False, highlight=False)
        self._err = Console(stderr=True, markup=False, emoji=False, highlight=False)

    @property
    def shows_progress(self) -> bool:
        """Whether there is a terminal for progress bars."""
        return self._err.is_terminal and not self.quiet

    def result(self, text: str = "", style: str = "") -> None:
        """Print a line of the result."""
        self._out.print(Text(printable(text), style=style), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Tell something on the side."""
        if not self.quiet:
            self._err.print(Text(printable(text)), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Tell something that must not be missed."""
        self._err.print(Text(printable(text), style="yellow"), soft_wrap=True)

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        title: str | None = None,
        best: int | None = None,
    ) -> None:
        """Print a table; a column whose header starts with ">" is flush right.

        In a pipe the columns are aligned with spaces and never cut or wrapped.

        Parameters
        ----------
        header : sequence of str
            Names of the columns.
        rows : iterable of sequence of str
            The cells.
        title : str, default=None
            Printed above.
        best : int, default=None
            Number of the row to print in bold.
        """
        cells = [[printable(cell) for cell in row] for row in rows]
        if title:
            self.result(title, style="bold")
        if not self._out.is_terminal:
            for line in aligned(header, cells):
                self._out.file.write(f"{line}\n")
            return
        table = Table(box=box.SIMPLE_HEAD)
        for name in header:
            side = "right" if name.startswith(">") else "left"
            table.add_column(name.lstrip(">"), justify=side, overflow="fold")  # type: ignore[arg-type]
        for i, row in enumerate(cells):
            table.add_row(*map(Text, row), style="bold" if i == best else None)
        self._out.print(table)

    def write(self, text: str) -> None:
        """Print text for programs, as it is."""
        self._out.file.write(text)

    @property
    def is_utf8(self) -> bool:
        """Whether stdout takes every character."""
        return self._out.encoding.startswith("utf")

    @contextmanager
    def progress(self, label: str) -> Iterator[Update]:
        """Show a bar while the block runs.

        Parameters
        ----------
        label : str
            What is going on.

        Yields
        ------
        callable
            Takes the number done, the total, and what is counted.
        """
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=self._err,
            transient=True,
            disable=not self.shows_progress,
        )
        with bar:
            task = bar.add_task(label, total=None, count="")

            def update(done: int, total: int, unit: str) -> None:
                count = f"{done:,}/{total:,} {unit}"
                bar.update(task, completed=done, total=total, count=count)

            yield update

    @contextmanager
    def warnings_as_remarks(self) -> Iterator[None]:
        """Print warnings of the libraries as one line each, the same one once."""
        told = set()

        def show(message: Any, category: type[Warning], *place: Any, **options: Any) -> None:
            text = " ".join(str(message).split())
            if text not in told:
                told.add(text)
                self.warn(f"warning: {text}")

        from classicvis.exceptions import UnreadableImageWarning

        with warnings.catch_warnings():
            warnings.showwarning = show
            # the commands list unreadable images themselves
            warnings.simplefilter("ignore", UnreadableImageWarning)
            yield


def printable(text: str) -> str:
    """Return text with control characters, and what is no Unicode, as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose columns are aligned with spaces."""
    right = [name.startswith(">") for name in header]
    lines = [[name.lstrip(">") for name in header], *rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        parts = []
        for cell, width, is_right in zip(line, widths, right, strict=True):
            padding = " " * (width - cell_len(cell))
            parts.append(padding + cell if is_right else cell + padding)
        yield "  ".join(parts).rstrip()


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: "1 image", "2,062 images"."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def exit_code(n_unreadable: int) -> int:
    """Return 3 where some images could not be read, else 0."""
    return 3 if n_unreadable else 0


def size_text(n_bytes: int) -> str:
    """Return a file size for people: "12.3 MB"."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:.1f} kB"


def as_settings(params: Mapping[str, Any]) -> str:
    """Return parameters as they are typed: "classifier__C=10, classifier__gamma=2"."""
    return ", ".join(f"{name}={value}" for name, value in params.items())
