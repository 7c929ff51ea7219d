"""The command as a process: pipes, encodings, signals, the demo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.helpers import run


def test_help_and_version_load_nothing_heavy():
    """`--help` and `--version` answer before any heavy import."""
    code = (
        "import sys\nfrom classicvis.cli import main\n"
        "try:\n    main([sys.argv[1]])\n"
        "finally:\n    print(*{name.split('.')[0] for name in sys.modules})"
    )
    for option in ("--help", "--version"):
        out = subprocess.check_output([sys.executable, "-c", code, option], text=True)
        assert out.startswith(("usage: classicvis", "classicvis "))
        loaded = set(out.splitlines()[-1].split())
        assert "classicvis" in loaded
        assert not loaded & {"numba", "cv2", "skimage", "sklearn", "numpy", "rich", "joblib"}


def test_process_prints_whole_lines_in_a_pipe(model, photo_folder):
    """In a pipe: no colours, no progress, no cut paths, results and nothing else on stdout."""
    done = run("predict", model, photo_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert sum(str(photo_folder) in line for line in done.stdout.splitlines()) == 60


def test_output_without_unicode(model, photo_folder):
    """A terminal that has no Chinese gets escapes; JSON stays valid."""
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    done = run("predict", model, photo_folder / "花", env=ascii_only)
    assert done.returncode == 0
    assert "\\u82b1" in done.stdout
    done = run("predict", model, photo_folder / "花", "--json", env=ascii_only)
    assert json.loads(done.stdout)[0]["label"] == "花"


def test_names_with_control_characters_do_not_reach_the_terminal(model, photo_folder, tmp_path):
    """Escape sequences and line ends in file names are shown as escapes."""
    name = "a\x1b[31m\nb.jpg"
    shutil.copy(next((photo_folder / "花").iterdir()), tmp_path / name)
    done = run("predict", model, tmp_path)
    assert "a\\x1b[31m\\nb.jpg" in done.stdout
    assert "\x1b" not in done.stdout


def test_closed_pipe_is_no_traceback(model, photo_folder):
    """`classicvis predict ... | head -1` ends in silence."""
    command = [sys.executable, "-m", "classicvis", "list"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    with process:
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupt_writes_nothing(photo_folder, tmp_path, jobs):
    """Ctrl-C during training: exit code 130, one sentence, and no trace of the model."""
    command = [sys.executable, "-m", "classicvis", "train", str(photo_folder), "--jobs", jobs]
    command += ["-o", str(tmp_path / "new" / "m"), "--features", "color_histogram"]
    command += ["--classifier", "random_forest", "--set", "classifier__n_estimators=1000000"]
    with subprocess.Popen(
        command,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a suite that runs in the background hands down that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            first = process.stderr.readline()  # the folder was read, training begins
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "60 images" in first
    assert (process.returncode, out) == (130, "")
    assert err == "classicvis: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_demo_report(tmp_path):
    """`demo` compares models on photos that are there already, and writes a report."""
    done = run("demo", "--report", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    out = done.stdout
    for text in ("hog + color_histogram + svm", "bovw + linear_svm", "images/s", "rocket/14.jpg"):
        assert text in out
    assert "wrong" not in out  # the best, loaded, knows the photos that were kept aside
    assert "hog + color_histogram + svm" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_demo_tiles_share_no_pixel(tmp_path):
    """The photos of the demo are as many for each class, and all different."""
    from classicvis.cli._pictures import TILES_PER_CLASS, write_photo_folder

    write_photo_folder(tmp_path)
    for folder in tmp_path.iterdir():
        contents = {path.read_bytes() for path in folder.iterdir()}
        assert len(contents) == TILES_PER_CLASS
