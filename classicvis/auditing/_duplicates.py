"""Pictures that occur more than once: the same bytes, the same pixels, or nearly so."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from classicvis.auditing._scan import Scan, scan
from classicvis.exceptions import ImageError, ParameterError
from classicvis.images import ImageSequence, as_images
from classicvis.kernels.alignment import aligned_similarity
from classicvis.kernels.perceptual_hash import hamming_pairs, perceptual_hash_batch

# Chosen on copies planted among photos of Caltech-101 and CIFAR-10; see docs/audit.md.
MIN_SIMILARITY = 0.95
_MAX_BITS = 18  # of 64: what hashes of copies may differ by
_LEAST_CORRELATION = 0.8  # before alignment
_MAX_SHIFT = 2.0  # pixels of 32: more is no slight crop
_BLUR = 1.0  # pixels of 32: details as fine as that are lost when a copy is resized
_MIN_CONTRAST = 4.0  # grey levels: a flatter picture has nothing to be told by

# In a set of simple drawings all strokes are alike. A picture with more lookalikes just below the
# limit than copies above it says nothing by passing; such pairs must be all but equal.
_LOOKALIKE = 0.9
_IN_A_CROWD = 0.99

_PAIRS = 1 << 16  # candidates that are looked at together


class DuplicatePair(NamedTuple):
    """Two images that show the same.

    Attributes
    ----------
    first, second : int
        Numbers of the images, ``first < second``.
    kind : {"bytes", "pixels", "near"}
        The same file, other files of the same pixels, or a copy that was resized, re-encoded,
        made brighter or darker, or slightly cropped.
    similarity : float
        Share of the variance of one picture that the other explains, up to 1.
    """

    first: int
    second: int
    kind: Literal["bytes", "pixels", "near"]
    similarity: float


def near_duplicates(
    images: Any,
    *,
    min_similarity: float = MIN_SIMILARITY,
    n_jobs: int | None = None,
) -> list[DuplicatePair]:
    """Find pictures that occur more than once.

    Parameters
    ----------
    images : folder, sequence of paths, bytes or arrays, or ImageSequence
        The images, of any sizes. Unreadable ones have no duplicates.
    min_similarity : float, default=0.95
        What near duplicates have at least, above 0.9 up to 1: see `DuplicatePair`.
    n_jobs : int, default=None
        Threads that decode; None means 1.

    Returns
    -------
    list of DuplicatePair
        Ordered by the numbers of the images. Among k equal files there are k - 1 pairs, each of
        one file and the next: a near duplicate of all of them is listed with the first.

    Raises
    ------
    ImageError
        If `images` holds no images.
    ParameterError
        If `min_similarity` is out of its range.

    Notes
    -----
    Candidates are pairs whose perceptual hashes (`functional.perceptual_hash`) differ in at most
    18 of 64 bits; all pairs are compared. A second look aligns their thumbnails of 32x32 pixels,
    tolerates a shift or scale of 2 of these pixels and any linear change of the grey levels, and
    asks how much of the variance one explains of the other. Colour is not looked at, and turned or
    mirrored copies are not found.

    Flat pictures (standard deviation of the thumbnail below 4 grey levels) are duplicates of equal
    files or pixels alone. In sets of simple drawings (digits, letters) independent pictures come
    close to each other; where a picture has more lookalikes (0.9 to `min_similarity`) than
    duplicates, its similarities must reach 0.99.
    """
    sequence = as_images(images)
    return pairs_of(sequence, scan(sequence, n_jobs), min_similarity)


def groups_of(pairs: Iterable[tuple[Any, ...]], n_images: int) -> np.ndarray:
    """Return numbers for the groups of images that pairs connect.

    Parameters
    ----------
    pairs : iterable of DuplicatePair or of (first, second)
        The pairs.
    n_images : int
        How many images there are.

    Returns
    -------
    ndarray of shape (n_images,), int64
        The group of each image, numbered in the order of their first images: what
        `sklearn.model_selection.StratifiedGroupKFold` takes as ``groups``. An image without a
        duplicate is a group of its own.

    Raises
    ------
    ParameterError
        If a pair names an image that does not exist.
    """
    ends = np.array([pair[:2] for pair in pairs], dtype=np.int64).reshape(-1, 2)
    if len(ends) and not 0 <= ends.min() <= ends.max() < n_images:
        raise ParameterError(
            f"found pairs of images {ends.min()} to {ends.max()}, expected 0 to {n_images - 1}: "
            "pass the number of images that were searched"
        )
    if not n_images:
        return np.zeros(0, dtype=np.int64)
    graph = coo_array((np.ones(len(ends)), ends.T), shape=(n_images, n_images))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def pairs_of(images: ImageSequence, found: Scan, min_similarity: float) -> list[DuplicatePair]:
    """Return the duplicates among scanned images; see `near_duplicates`."""
    if not _LOOKALIKE < min_similarity <= 1:
        raise ParameterError(
            f"found min_similarity={min_similarity!r}, expected above {_LOOKALIKE} up to 1"
        )
    by_digest: dict[bytes, list[int]] = {}
    for i in np.flatnonzero(found.readable).tolist():
        by_digest.setdefault(found.digests[i], []).append(i)
    pairs = [
        DuplicatePair(i, j, "bytes", 1.0) for same in by_digest.values() for i, j in pairwise(same)
    ]
    firsts = np.array([same[0] for same in by_digest.values()], dtype=np.int64)
    flat = found.contrast[firsts] < _MIN_CONTRAST
    pairs += _equal_pixels(images, found, firsts[flat])
    for i, j, similarity in _near(found.thumbnails, firsts[~flat], min_similarity):
        kind: Any = "pixels" if _same_pixels(images, found, i, j) else "near"
        pairs.append(DuplicatePair(i, j, kind, 1.0 if kind == "pixels" else similarity))
    return sorted(pairs)


def _near(
    thumbnails: np.ndarray, chosen: np.ndarray, min_similarity: float
) -> list[tuple[int, int, float]]:
    """Return (i, j, similarity) of near duplicates among the chosen thumbnails."""
    hashes = np.empty(len(chosen), dtype=np.uint64)
    perceptual_hash_batch(thumbnails[chosen], hashes)
    smooth = np.empty_like(thumbnails[chosen])
    for i, k in enumerate(chosen):
        cv2.GaussianBlur(thumbnails[k], (0, 0), _BLUR, dst=smooth[i])
    candidates = np.empty((_PAIRS, 2), dtype=np.int64)
    row, col = 0, 1
    parts = [np.empty((0, 2), np.int64)]
    similarities = [np.empty(0)]
    while row < len(chosen):
        n, row, col = hamming_pairs(hashes, _MAX_BITS, row, col, candidates)
        looks = np.empty((n, 2))
        aligned_similarity(smooth, candidates[:n], _LEAST_CORRELATION, looks)
        alike = (looks[:, 0] >= _LOOKALIKE) & (looks[:, 1] <= _MAX_SHIFT)
        parts.append(candidates[:n][alike])
        similarities.append(looks[alike, 0])
    pairs, similarity = np.concatenate(parts), np.concatenate(similarities)
    kept = _stands_out(pairs, similarity, len(chosen), min_similarity)
    return [
        (int(i), int(j), float(s))
        for (i, j), s in zip(chosen[pairs[kept]], similarity[kept], strict=True)
    ]


def _stands_out(
    pairs: np.ndarray, similarity: np.ndarray, n: int, min_similarity: float
) -> np.ndarray:
    """Return which pairs are duplicates, not members of a crowd of lookalikes."""
    passes = similarity >= min_similarity
    n_copies = np.bincount(pairs[passes].ravel(), minlength=n)
    n_lookalikes = np.bincount(pairs[~passes].ravel(), minlength=n)
    in_crowd = (n_lookalikes > n_copies)[pairs].any(axis=1)
    return passes & (~in_crowd | (similarity >= _IN_A_CROWD))


def _equal_pixels(images: ImageSequence, found: Scan, chosen: np.ndarray) -> list[DuplicatePair]:
    """Return pairs of flat pictures with equal pixels, each with the next."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for i in chosen.tolist():
        key = (*found.sizes[i].tolist(), found.thumbnails[i].tobytes())
        alike.setdefault(key, []).append(i)
    return [
        DuplicatePair(i, j, "pixels", 1.0)
        for same in alike.values()
        for i, j in pairwise(same)
        if _same_pixels(images, found, i, j)
    ]


def _same_pixels(images: ImageSequence, found: Scan, i: int, j: int) -> bool:
    if (found.sizes[i] != found.sizes[j]).any() or found.low[i] != found.low[j]:
        return False
    if not np.array_equal(found.thumbnails[i], found.thumbnails[j]):
        return False
    try:
        return np.array_equal(images[i], images[j])
    except ImageError:  # gone since
        return False
