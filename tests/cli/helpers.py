"""What the tests of the command line share."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from classicvis.cli import main

QUICK = ["--features", "color_histogram", "--classifier", "knn", "--image-size", "32"]


def run(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a shell does."""
    command = [sys.executable, "-m", "classicvis", *map(str, args)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"} | options.pop("env", {})
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, **options
    )


def error_of(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """Return the one sentence that a command fails with."""
    assert main([*map(str, args)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("classicvis: ")
    assert "Traceback" not in "".join(lines)
    return lines[-1]
