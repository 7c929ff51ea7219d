"""The disk cache of compiled kernels: keyed by all kernel sources, harmless where it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import classicvis

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="without compilation there is no cache"
)

PROGRAM = """
import numpy as np
from classicvis.kernels.sift_math import root_batch as kernel
rows = np.array([[9, 16]], np.float32)
kernel(rows)
hits, misses = kernel.stats.cache_hits, kernel.stats.cache_misses
print(sum(hits.values()), sum(misses.values()), round(10 * float(rows[0, 0])))
"""


def run(package_parent: Path, cache: Path) -> list[int]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(package_parent),
        "CLASSICVIS_CACHE_DIR": str(cache),
        "XDG_CACHE_HOME": str(cache / "xdg"),
    }
    command = [sys.executable, "-c", PROGRAM]
    out = subprocess.check_output(command, text=True, env=environment, cwd=package_parent)
    return [int(value) for value in out.split()]


@pytest.fixture
def package_copy(tmp_path) -> Path:
    """The folder that holds a copy of the package, free to be edited."""
    shutil.copytree(Path(classicvis.__file__).parent, tmp_path / "src" / "classicvis")
    return tmp_path / "src"


def test_a_second_process_reads_the_cache_until_any_kernel_changes(package_copy, tmp_path):
    """A filled cache is used; an edit in another kernel's file makes it void."""
    cache = tmp_path / "cache"
    assert run(package_copy, cache) == [0, 1, 6]
    assert run(package_copy, cache) == [1, 0, 6]
    other = package_copy / "classicvis" / "kernels" / "hog.py"
    other.write_text(other.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    assert run(package_copy, cache) == [0, 1, 6]


def test_a_cache_that_cannot_be_written_is_done_without(package_copy, tmp_path):
    """Where no folder can be made, kernels compile and work all the same."""
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert run(package_copy, blocked / "cache")[2] == 6
