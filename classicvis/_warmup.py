"""Compile all kernels ahead of the first image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from classicvis import functional
from classicvis.features import extractor_names, make_extractor
from classicvis.kernels.alignment import aligned_similarity
from classicvis.kernels.perceptual_hash import SIDE, hamming_pairs

_FORMS: list[tuple[str, dict[str, Any]]] = [  # that have kernels of their own
    ("hog", {"pixels_per_cell": (8, 8)}),
    ("hog", {"pixels_per_cell": (8, 8), "cell_step": (4, 4)}),
    ("hog", {"variant": "dalal_triggs"}),
    ("hog", {"variant": "uoctti"}),
    ("haralick", {"angles": (0.0,)}),
    ("patches", {"encoding": "triangle", "n_words": 16}),
]
_SMALL: dict[str, dict[str, Any]] = {  # what is learnt does not matter, and should not take long
    "bovw": {"n_words": 16},
    "vlad": {"n_words": 16},
    "fisher": {"n_modes": 16},
    "patches": {"n_words": 16},
}
_WITHOUT_KERNELS = {"cnn"}  # and it would wait for weights
_SIZE = 128  # pixels; every extractor finds something to learn in noise of this size


def warmup() -> dict[str, float]:
    """Compile every kernel, or load it from the disk cache.

    Numba compiles a kernel when it is first called, which takes seconds; the result is kept on disk
    (``CLASSICVIS_CACHE_DIR``, else ``XDG_CACHE_HOME``, else ``~/.cache``). Call this while an image
    of a container is built, or before a service takes its first request.

    Returns
    -------
    dict of str to float
        Seconds by function and by registered extractor, those of plug-ins included; not by
        ``cnn``, which has no kernels of Numba.

    Notes
    -----
    Compiled code fits one processor model, one version of Numba and these kernels exactly: on
    another machine the first call compiles anew. Extractors are warmed with their default options
    on RGB images, the functions on grey and RGB ones, uint8 and floating point.
    """
    seconds = {}
    for name, call in _calls().items():
        start = perf_counter()
        call()
        seconds[name] = perf_counter() - start
    return seconds


def _calls() -> dict[str, Callable[[], object]]:
    rgb = np.random.default_rng(0).integers(0, 256, (4, _SIZE, _SIZE, 3), dtype=np.uint8)
    grey = np.ascontiguousarray(rgb[0, :, :, 0])
    images = {"RGB": rgb[0], "grey": grey, "float": (grey / 255).astype(np.float32)}
    calls: dict[str, Callable[[], object]] = {}
    for kind, image in images.items():
        axis = -1 if kind == "RGB" else None
        calls[f"hog, {kind}"] = partial(functional.hog, image, channel_axis=axis)
        calls[f"sift, {kind}"] = partial(functional.sift, image, root=True)
        calls[f"dense_sift, {kind}"] = partial(functional.dense_sift, image, root=True)
        for method in ("default", "var"):
            if kind != "RGB":
                calls[f"lbp, {method}, {kind}"] = partial(functional.lbp, image, method=method)
    for space in ("rgb", "hsv", "lab"):
        calls[f"color_histogram, {space}"] = partial(
            functional.color_histogram, rgb[0], color_space=space
        )
    calls["perceptual_hash"] = partial(functional.perceptual_hash, grey)
    calls["near_duplicates"] = _compare_pictures
    calls["fisher_vector"] = _fisher_vector
    for name in extractor_names():
        if name in _WITHOUT_KERNELS:
            continue
        calls[name] = partial(_transform, name, _SMALL.get(name, {}), rgb)
    for name, params in _FORMS:
        calls[f"{name}, {params}"] = partial(_transform, name, params, rgb)
    return calls


def _transform(name: str, params: dict[str, Any], images: np.ndarray) -> np.ndarray:
    return make_extractor(name, **params).fit_transform(images)


def _compare_pictures() -> None:
    pairs = np.empty((1, 2), dtype=np.int64)
    hamming_pairs(np.zeros(2, dtype=np.uint64), 0, 0, 1, pairs)
    aligned_similarity(np.zeros((2, SIDE, SIDE), np.uint8), pairs, 0.0, np.empty((1, 2)))


def _fisher_vector() -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(20, 2))
    return functional.fisher_vector(points, functional.learn_gmm(points, n_modes=2))
