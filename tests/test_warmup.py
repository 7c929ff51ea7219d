"""warmup: after it, no first call waits for the compiler."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from classicvis.features import extractor_names

USE = """
import numpy as np
from classicvis import functional, near_duplicates
from tests.features.test_common import VARIANTS
rgb = np.random.default_rng(1).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
for image in (rgb[0], rgb[0, :, :, 0], (rgb[0, ::2, :, 1] / 255).astype(np.float32)):
    axis = -1 if image.ndim == 3 else None
    for sqrt in (False, True):
        functional.hog(image, transform_sqrt=sqrt, channel_axis=axis)
    functional.sift(image, upsample=False)
    for window in ("flat", "gaussian"):
        functional.dense_sift(image, step=5, bin_size=3, window=window)
    if image.ndim == 2:
        for method in ("default", "ror", "uniform", "nri_uniform", "var"):
            functional.lbp(image, 12, 2.5, method)
points = np.random.default_rng(0).normal(size=(40, 3))
functional.fisher_vector(points, functional.learn_gmm(points, n_modes=3), improved=True)
for space in ("rgb", "hsv", "lab"):
    functional.color_histogram(rgb[0], 4, space, joint=False, grid=(2, 2))
near_duplicates(rgb)
for extractor in VARIANTS:
    extractor.fit(rgb).transform(rgb)
"""


def run(code: str, cache: str) -> set[str]:
    """Run code in a fresh process and return the files of the cache."""
    environment = {**os.environ, "CLASSICVIS_CACHE_DIR": str(cache)}
    subprocess.check_call([sys.executable, "-c", code], env=environment)
    return {file for _, _, files in os.walk(cache) for file in files}


@pytest.mark.slow
def test_nothing_is_compiled_after_warmup(tmp_path):
    """Functions and extractors, with other options and sizes, find every kernel in the cache."""
    warmed = run("import classicvis; classicvis.warmup()", tmp_path)
    assert len(warmed) > 20
    assert run(USE, tmp_path) == warmed


@pytest.mark.slow
def test_a_kernel_that_was_not_warmed_shows(tmp_path):
    """The comparison of the other test sees a function that was left out."""
    code = "import numpy as np; from classicvis.functional import color_histogram as f; {}"
    image = "f(np.zeros((8, 8, 3), np.uint8))"
    assert run(code.format(image), tmp_path) > run(code.format("pass"), tmp_path / "other")


def test_every_extractor_is_warmed(monkeypatch):
    """The list of what is warmed names all registered extractors but networks, and their times."""
    from classicvis import _warmup

    monkeypatch.setattr(_warmup, "_calls", lambda: {"none": lambda: None})
    assert list(_warmup.warmup()) == ["none"]
    monkeypatch.undo()
    assert set(extractor_names()) - set(_warmup._calls()) == {"cnn"}
