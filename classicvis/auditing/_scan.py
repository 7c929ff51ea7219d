"""One pass over the files: what every later question about single images needs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from joblib import Parallel, delayed

from classicvis.exceptions import ImageError
from classicvis.images import (
    ImageSequence,
    Preview,
    Unreadable,
    current_progress,
    file_bytes,
    read_preview,
)
from classicvis.images._threads import one_thread_each
from classicvis.kernels.perceptual_hash import SIDE

PREVIEW_SIDE = 256  # pixels of the shorter side at which sharpness is judged
_CHUNK = 32  # images that a thread takes at a time


class Scan(NamedTuple):
    """What one pass found, row i for image i; rows of unreadable images are zero or NaN.

    Attributes
    ----------
    names : list of str
        What messages call the images.
    readable : ndarray of shape (n,), bool
        Whether the image could be decoded.
    unreadable : list of Unreadable
        The others, with the reasons.
    digests : list of bytes
        A digest of the bytes of the file, or of the pixels of an array; empty for unreadable ones.
    sizes : ndarray of shape (n, 2), int64
        Height and width in pixels.
    thumbnails : ndarray of shape (n, 32, 32), uint8
        The images in grey, whatever their shape.
    blur : ndarray of shape (n,)
        0 sharp to 1 blurred; see `blur_of`.
    low, high : ndarray of shape (n,)
        The 5th and the 95th percentile of the grey levels, 0 to 255.
    contrast : ndarray of shape (n,)
        The standard deviation of the thumbnail, in grey levels.
    """

    names: list[str]
    readable: np.ndarray
    unreadable: list[Unreadable]
    digests: list[bytes]
    sizes: np.ndarray
    thumbnails: np.ndarray
    blur: np.ndarray
    low: np.ndarray
    high: np.ndarray
    contrast: np.ndarray


class _Row(NamedTuple):
    digest: bytes
    size: tuple[int, int]
    thumbnail: np.ndarray
    figures: tuple[float, float, float]  # blur, low, high


def scan(images: ImageSequence, n_jobs: int | None = None) -> Scan:
    """Look at every image once, at a reduced scale where its format allows it.

    Parameters
    ----------
    images : ImageSequence
        The images; unreadable ones never raise, whatever its error policy.
    n_jobs : int, default=None
        Threads; None means 1.

    Returns
    -------
    Scan
        About 1.2 kB per image.
    """
    n = len(images)
    starts = range(0, n, _CHUNK)
    parts = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(_scan_chunk)(images[start : start + _CHUNK]) for start in starts
    )
    progress = current_progress()
    found = Scan(
        names=[images.name(i) for i in range(n)],
        readable=np.zeros(n, dtype=bool),
        unreadable=[],
        digests=[b""] * n,
        sizes=np.zeros((n, 2), dtype=np.int64),
        thumbnails=np.zeros((n, SIDE, SIDE), dtype=np.uint8),
        blur=np.full(n, np.nan),
        low=np.full(n, np.nan),
        high=np.full(n, np.nan),
        contrast=np.full(n, np.nan),
    )
    for start, part in zip(starts, parts, strict=True):
        for i, row in enumerate(part, start):
            _store(found, i, row)
        if progress is not None:
            progress(min(start + _CHUNK, n), n)
    return found


def blur_of(image: np.ndarray, size: int = 11) -> float:
    """Return how blurred a grey image is, from 0 (sharp) to 1.

    The measure of Crete et al., as `skimage.measure.blur_effect` computes it: how little of the
    differences between neighbours an additional blur takes away.

    Parameters
    ----------
    image : ndarray of shape (rows, cols), uint8
        A grey image.
    size : int, default=11
        Side of the additional blur in pixels.

    Returns
    -------
    float
        NaN for an image of less than 3 rows or columns, or without any difference.

    References
    ----------
    .. [1] F. Crete, T. Dolmiere, P. Ladret, M. Nicolas, "The blur effect: perception and
           estimation with a new no-reference perceptual blur metric", SPIE 6492, 2007,
           DOI 10.1117/12.702790
    """
    if min(image.shape) < 3:
        return np.nan
    pixels = image.astype(np.float32)
    shares = []
    for axis in (0, 1):
        kernel = (1, size) if axis == 0 else (size, 1)
        blurred = cv2.blur(pixels, kernel, borderType=cv2.BORDER_REFLECT)
        before = np.abs(_edges(pixels, axis))
        after = np.abs(_edges(blurred, axis))
        inner = before[2:-1, 2:-1], after[2:-1, 2:-1]
        total = float(inner[0].sum(dtype=np.float64))
        if total <= 0:
            return np.nan
        kept = float(np.maximum(inner[0] - inner[1], 0).sum(dtype=np.float64))
        shares.append((total - kept) / total)
    return max(shares)


def _edges(pixels: np.ndarray, axis: int) -> np.ndarray:
    derivatives = (0, 1) if axis == 0 else (1, 0)  # OpenCV: x, y
    return np.asarray(cv2.Sobel(pixels, cv2.CV_32F, *derivatives, borderType=cv2.BORDER_REFLECT))


def _scan_chunk(images: ImageSequence) -> list[_Row | Unreadable]:
    with one_thread_each():
        return [_scan_one(images, i) for i in range(len(images))]


def _scan_one(images: ImageSequence, i: int) -> _Row | Unreadable:
    name = images.name(i)
    try:
        digest, preview = _read(images, i, name)
    except ImageError as error:
        return Unreadable(name, str(error))
    image = _shrunk(preview.image)
    low, high = np.percentile(image, [5, 95])
    is_small = min(image.shape) < SIDE
    thumbnail = cv2.resize(
        image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR if is_small else cv2.INTER_AREA
    )
    return _Row(
        digest,
        (preview.height, preview.width),
        np.asarray(thumbnail, np.uint8),
        (blur_of(image), float(low), float(high)),
    )


def _read(images: ImageSequence, i: int, name: str) -> tuple[bytes, Preview]:
    source = images.sources[i]
    if images.steps or isinstance(source, np.ndarray):
        image = images[i]
        data = image.tobytes() + repr(image.shape).encode()
        preview = read_preview(image, name)
    else:
        if isinstance(source, str | os.PathLike):
            data = file_bytes(Path(source))
        else:
            data = bytes(source)
        preview = read_preview(data, name, PREVIEW_SIDE)
    return hashlib.blake2b(data, digest_size=16).digest(), preview


def _shrunk(image: np.ndarray) -> np.ndarray:
    """Return an image whose shorter side has at most `PREVIEW_SIDE` pixels."""
    scale = PREVIEW_SIDE / min(image.shape)
    if scale >= 1:
        return image
    size = [max(round(side * scale), 1) for side in image.shape[::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _store(found: Scan, i: int, row: _Row | Unreadable) -> None:
    if isinstance(row, Unreadable):
        found.unreadable.append(row)
        return
    found.readable[i] = True
    found.digests[i] = row.digest
    found.sizes[i] = row.size
    found.thumbnails[i] = row.thumbnail
    found.blur[i], found.low[i], found.high[i] = row.figures
    found.contrast[i] = row.thumbnail.std()


def indices_of(unreadable: Sequence[Unreadable], readable: np.ndarray) -> dict[int, str]:
    """Return the reasons by the number of the image."""
    return {int(i): e.reason for i, e in zip(np.flatnonzero(~readable), unreadable, strict=True)}
