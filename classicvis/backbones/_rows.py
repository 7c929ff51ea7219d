"""Rows that networks computed in this session, for all its processes: no image is run twice."""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

_FOLDER = "CLASSICVIS_SESSION_DIR"
_MAX_BYTES = 2 << 30
_UNUSABLE = (sqlite3.Error, OSError)


class SessionRows:
    """Rows of float32 by key, in a database in the temporary folder of the session.

    A session is a process and those that it starts; the first removes the folder when it ends.
    Where the folder cannot be written, nothing is kept and nothing found: rows are then computed
    anew.

    Parameters
    ----------
    folder : Path, default=None
        Where the database lies; None is the folder of the session.
    max_bytes : int, default=2 GiB
        The size from which on nothing more is kept.
    """

    def __init__(self, folder: Path | None = None, max_bytes: int = _MAX_BYTES) -> None:
        self.folder = folder or Path(os.environ[_FOLDER])
        self.max_bytes = max_bytes

    def find(self, keys: Sequence[bytes]) -> list[np.ndarray | None]:
        """Return the row of each key, None where there is none."""
        query = "SELECT row FROM rows WHERE key = ?"
        try:
            with self._database() as database:
                found = [database.execute(query, (key,)).fetchone() for key in keys]
        except _UNUSABLE:
            return [None] * len(keys)
        return [None if row is None else np.frombuffer(row[0], np.float32) for row in found]

    def add(self, keys: Sequence[bytes], rows: np.ndarray) -> None:
        """Keep the rows of keys: float32 of shape (len(keys), n)."""
        pairs = [(key, row.tobytes()) for key, row in zip(keys, rows, strict=True)]
        with suppress(*_UNUSABLE), self._database() as database:
            if self._file().stat().st_size < self.max_bytes:
                database.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?)", pairs)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn to run a network, which one process of the session has at a time."""
        try:
            turn = sqlite3.connect(self._file("turn.sqlite3"), timeout=0.5)
        except _UNUSABLE:
            turn = sqlite3.connect(":memory:")  # each process has its own
        with closing(turn):  # which gives the turn back, as the end of the process does
            _take(turn)
            yield

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file(), timeout=60)) as database, database:
            database.execute("PRAGMA synchronous = OFF")  # nothing here outlives the session
            database.execute("CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, row BLOB)")
            yield database

    def _file(self, name: str = "rows.sqlite3") -> Path:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return self.folder / name


def _take(turn: sqlite3.Connection) -> None:
    while True:  # not one long wait, in which the user could not interrupt
        try:
            turn.execute("BEGIN EXCLUSIVE")
            return
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorname != "SQLITE_BUSY":
                return


def _begin_session() -> None:
    """Name the folder, for the processes to come as well, unless this is one of these."""
    if _FOLDER not in os.environ:
        folder = Path(tempfile.gettempdir(), f"classicvis-{uuid4().hex}")
        os.environ[_FOLDER] = str(folder)
        atexit.register(_end_session, folder, os.getpid())


def _end_session(folder: Path, process: int) -> None:
    if os.getpid() == process:  # and not a fork of it
        shutil.rmtree(folder, ignore_errors=True)


_begin_session()
