"""Rows of images by a network, each computed once in a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Self

import numpy as np

from classicvis.backbones._inference import BatchRunner, Prepared, prepared, regrouped
from classicvis.backbones._rows import SessionRows
from classicvis.backbones._shared import SharedNetwork
from classicvis.backbones.keras import check_process, network_lock
from classicvis.images import ImageSequence


def embed(
    network: SharedNetwork,
    images: ImageSequence,
    *,
    batch_size: int = 32,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Return the rows of images, computing those that no process of the session has computed.

    Parameters
    ----------
    network : SharedNetwork
        Not built where all rows are known.
    images, batch_size, n_jobs
        As in `predict`.

    Returns
    -------
    ndarray of shape (n_images, n_features), float32
        NaN for unreadable images, where the policy of `images` is not "raise".
    """
    check_process()
    height, width, n_channels, n_features = network.shape
    out = np.full((len(images), n_features), np.nan, np.float32)
    run: BatchRunner | None = None
    parts = prepared(images, (height, width, n_channels), n_jobs, network.key)
    with network_lock, closing(parts), _Known(out) as known:
        for part in regrouped(known.others(parts), batch_size):
            run = run or BatchRunner(network.model, batch_size)
            known.add(part, run(part.pixels))
    return out


class _Known:
    """Puts rows that the session knows into `out`, and adds to them.

    As soon as one is unknown it waits for the turn to compute, and keeps it until it is closed.
    """

    def __init__(self, out: np.ndarray) -> None:
        self.out = out
        self.session = SessionRows()
        self.turn = ExitStack()
        self.has_turn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.turn.close()

    def others(self, parts: Iterable[Prepared]) -> Iterator[Prepared]:
        """Yield the images whose rows are unknown."""
        for part in parts:
            rest = self._take_known(part)
            if len(rest) and not self.has_turn:
                self.turn.enter_context(self.session.turn())
                self.has_turn = True
                rest = self._take_known(rest)  # another process had its turn meanwhile
            yield rest

    def add(self, part: Prepared, rows: np.ndarray) -> None:
        """Add the rows of images."""
        self.out[part.positions] = rows
        self.session.add(list(part.keys), rows)

    def _take_known(self, part: Prepared) -> Prepared:
        rows = self.session.find(list(part.keys))
        is_unknown = np.array([row is None for row in rows], bool)
        for position, row in zip(part.positions, rows, strict=True):
            if row is not None:
                self.out[position] = row
        return part[is_unknown]
