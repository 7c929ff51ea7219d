"""The grid of dense SIFT along one axis: which lines carry bins, and what filters them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicvis.kernels.sift_math import N_BINS, N_ORIENTATIONS, Floats, Indices

EXTENT = N_BINS - 1  # bin sizes between the outermost bin centres
WINDOW_SIGMA = 2.0  # of the Gaussian window, in bins: half of the descriptor's width
TAPS_AT_ONCE = 4  # filters have a multiple of this length
DECIMALS = 9  # of a pixel: bins that differ by less are on one line


class Axis(NamedTuple):
    """The filters along one axis, in ascending order of their centres.

    Line i weighs the pixels ``sources[i]`` by ``taps[i]``, the outermost pixels repeated; bin j of
    frame f is line ``lines[f, j]``.
    """

    sources: Indices
    taps: Floats
    lines: Indices


def n_frames(size: int, step: float, bin_size: float, offset: float = 0.0) -> int:
    """Return the number of frames along an axis whose four bin centres lie inside the image.

    The first bin centre of the first frame is ``offset`` pixels from the first pixel.
    """
    room = size - 1 - offset - EXTENT * bin_size
    return max(math.floor(room / step + 10.0**-DECIMALS) + 1, 0)


@lru_cache(maxsize=64)
def plan_axis(size: int, step: float, bin_size: float, offset: float, gaussian: bool) -> Axis:
    """Return the lines of an axis and their filters.

    The filter is a triangle of unit mass, ``max(bin_size - |offset|, 0) / bin_size**2`` at each
    pixel's offset from the centre. A Gaussian window multiplies it pixel by pixel, which differs
    from bin to bin: only without it do bins of one centre share a line.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    step, bin_size : float
        Pixels between frames, and between bin centres.
    offset : float
        Position of the first bin centre, in pixels.
    gaussian : bool
        Whether the Gaussian window weighs the pixels.

    Returns
    -------
    Axis
        Read-only arrays, because they are shared by later calls.
    """
    frames = np.arange(n_frames(size, step, bin_size, offset))
    positions = offset + step * frames[:, np.newaxis] + bin_size * np.arange(N_BINS)
    positions = positions.round(DECIMALS).ravel()
    if gaussian:
        order = positions.argsort(kind="stable")
        centers, bins, lines = positions[order], order % N_BINS, order.argsort()
    else:
        centers, lines = np.unique(positions, return_inverse=True)
    n_taps = math.ceil(2 * bin_size / TAPS_AT_ONCE) * TAPS_AT_ONCE
    first = np.floor(centers - bin_size).astype(np.intp) + 1
    pixels = first[:, np.newaxis] + np.arange(n_taps)
    distances = pixels - centers[:, np.newaxis]
    taps = np.maximum(bin_size - np.abs(distances), 0) / bin_size**2
    if gaussian:
        taps *= _window(distances / bin_size + _bin_offsets()[bins, np.newaxis])
    sources = np.clip(pixels, 0, size - 1)
    axis = Axis(sources, taps.astype(np.float32), lines.reshape(-1, N_BINS))
    for part in axis:
        part.flags.writeable = False
    return axis


@lru_cache(maxsize=64)
def bin_weights(bin_size: float, gaussian: bool) -> Floats:
    """Return the factor of each value of a descriptor (128,): one with the Gaussian window.

    A flat window stands for the mean of the Gaussian over each bin, taken at whole pixels from
    the bin's centre, as in VLFeat.
    """
    reach = math.ceil(bin_size) - 1
    distances = np.arange(-reach, reach + 1) / bin_size
    means = _window(_bin_offsets()[:, np.newaxis] + distances).mean(axis=1)
    if gaussian:
        means = np.ones(N_BINS)
    weights = np.outer(means, means).repeat(N_ORIENTATIONS).astype(np.float32)
    weights.flags.writeable = False
    return weights


def _bin_offsets() -> NDArray[np.float64]:
    """Return the distance of each bin's centre from the frame's, in bins."""
    return np.arange(N_BINS, dtype=np.float64) - EXTENT / 2


def _window(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian window at distances from the frame's centre, in bins."""
    return np.exp(-0.5 * (distances / WINDOW_SIGMA) ** 2)
