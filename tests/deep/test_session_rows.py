"""Rows of a session: found by every process, one of which computes at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from classicvis.backbones._rows import SessionRows

ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_rows_are_found_again(tmp_path):
    """What one object adds another finds, to the last bit; what nobody added is None."""
    SessionRows(tmp_path / "session").add([b"a", b"b"], ROWS)
    found = SessionRows(tmp_path / "session").find([b"b", b"c", b"a"])
    assert found[1] is None
    np.testing.assert_array_equal(np.stack([found[2], found[0]]), ROWS)


def test_first_row_stays(tmp_path):
    """A key that is there keeps its row."""
    session = SessionRows(tmp_path)
    session.add([b"a"], ROWS[:1])
    session.add([b"a"], ROWS[1:])
    np.testing.assert_array_equal(session.find([b"a"])[0], ROWS[0])


def test_size_is_bounded(tmp_path):
    """Nothing is added from the greatest size on; what is there is still found."""
    session = SessionRows(tmp_path, max_bytes=100_000)
    large = np.zeros((1, 5000), np.float32)
    for i in range(20):
        session.add([bytes([i])], large)
    known = [row is not None for row in session.find([bytes([i]) for i in range(20)])]
    assert known[0]
    assert not known[-1]
    assert sum(map(os.path.getsize, tmp_path.iterdir())) < 200_000


@pytest.mark.parametrize("damage", ["a file for the folder", "a file that is no database"])
def test_unusable_folder(tmp_path, damage):
    """Where the folder cannot be used nothing is found and nothing fails."""
    folder = tmp_path / "session"
    if damage == "a file for the folder":
        folder.write_text("in the way")
    else:
        folder.mkdir()
        for name in ("rows.sqlite3", "turn.sqlite3"):
            (folder / name).write_text("no database, but text that is longer than its header" * 9)
    session = SessionRows(folder)
    session.add([b"a"], ROWS[:1])
    assert session.find([b"a"]) == [None]
    with session.turn():
        pass


def test_one_at_a_time(tmp_path):
    """Who wants the turn waits until it is given back, after an error as well."""
    events: list[str] = []

    def second() -> None:
        with SessionRows(tmp_path).turn():
            events.append("second")

    def first() -> None:
        with SessionRows(tmp_path).turn():
            thread.start()
            time.sleep(0.7)
            events.append("first")
            raise ZeroDivisionError

    thread = threading.Thread(target=second)
    with pytest.raises(ZeroDivisionError):
        first()
    thread.join(20)
    assert events == ["first", "second"]


def test_session_ends_with_its_first_process():
    """Child processes share the folder; it is gone when the process that named it ends."""
    child = "from classicvis.backbones._rows import SessionRows as S; print(S().find([b'a']))"
    code = f"""
import subprocess, sys
import numpy as np
from classicvis.backbones._rows import SessionRows
SessionRows().add([b"a"], np.ones((1, 2), np.float32))
print(subprocess.check_output([sys.executable, "-c", {child!r}], text=True).strip())
print(SessionRows().folder, SessionRows().folder.is_dir())
"""
    environment = {k: v for k, v in os.environ.items() if k != "CLASSICVIS_SESSION_DIR"}
    output = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)
    found, (folder, existed) = output.splitlines()[0], output.splitlines()[1].rsplit(" ", 1)
    assert found == "[array([1., 1.], dtype=float32)]"
    assert existed == "True"
    assert not Path(folder).exists()
