"""What the forms of HOG share that vote into two orientations at once.

The formula was ``arctan2`` and ``hypot`` per pixel, or a table of all 511 x 511 gradients: a
polynomial vectorises, and needs no cache.
"""

from __future__ import annotations

import numpy as np

from classicvis.kernels._jit import VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import octants

i32, u32, f32 = np.int32, np.uint32, np.float32


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy")
def soft_votes(g_row, g_col, n_bins, signed, offsets, places, low, high):
    """Share the magnitude of each gradient between the two orientations that are nearest.

    Parameters
    ----------
    g_row, g_col : ndarray of int16 or float32, shape (n,)
        Gradients.
    n_bins : int
        Orientation bins over 180 degrees, or over 360 if `signed`; the centre of bin b lies
        b + 1/2 bins from the direction of the columns.
    signed : bool
        Tell opposite directions apart.
    offsets : ndarray of uint32, shape (n or more,)
        Where the histogram of each pixel begins. It has ``n_bins + 1`` places: the last one stands
        for bin 0, so that both votes of a pixel are neighbours.
    places : ndarray of uint32, shape (n or more,)
        Receives where the lower vote goes; the upper one goes to the place after it.
    low, high : ndarray of float32, shape (n or more,)
        Receive the votes, their sum is the magnitude.
    """
    n_octants = f32(8) if signed else f32(4)
    bins_per_octant, period, last = f32(n_bins / n_octants), f32(n_bins), i32(n_bins - 1)
    for x in range(g_row.size):
        a, b = f32(g_row[x]), f32(g_col[x])
        turn = octants(b, a)
        turn = turn - n_octants if turn >= n_octants else turn
        position = turn * bins_per_octant - f32(0.5)
        position = position + period if position < 0 else position
        place = min(i32(position), last)  # rounding may have reached the period
        magnitude = np.sqrt(a * a + b * b)
        upper = magnitude * (position - f32(place))
        low[x] = magnitude - upper
        high[x] = upper
        places[x] = offsets[x] + u32(place)


@kernel(fastmath=VECTOR_FLAGS)
def cast(places, low, high, gap, weight, histograms):
    """Add both votes of each pixel, times a weight, to flat histograms.

    Parameters
    ----------
    places : ndarray of uint32, shape (n or more,)
        Where the first vote of each pixel goes.
    low, high : ndarray of float32, shape (n,)
        The votes.
    gap : int
        How far behind the first vote the second one goes.
    weight : float32
        Factor of all votes.
    histograms : ndarray of float32, shape (m,)
        Changed in place.
    """
    gap = u32(gap)
    for x in range(low.size):
        place = places[x]
        histograms[place] += weight * low[x]
        histograms[place + gap] += weight * high[x]
