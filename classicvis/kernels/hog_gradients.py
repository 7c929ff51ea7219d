"""Gradients of uint8 images in 16-bit integers: what every form of HOG begins with."""

from __future__ import annotations

import numpy as np

from classicvis.kernels._jit import INNER, NO_ALLOCATION, VECTOR_FLAGS, kernel

i16, i32 = np.int16, np.int32


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER, **NO_ALLOCATION)
def dominant_gradients(pixels, shape, top, bottom, samples, g_row, g_col):
    """Write the gradients of some rows of an image, of the channel where they are largest.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height * width * channels,)
        The image.
    shape : (int, int, int)
        Its height, width and channels.
    top, bottom : int
        The rows.
    samples : ndarray of int16, shape (2, (bottom - top) * width * channels or more)
        Scratch: the gradients of all channels.
    g_row, g_col : ndarray of int16, shape ((bottom - top) * width,)
        Receive the differences of the neighbours below and above, right and left; zero at the
        borders of the image. The first of equally large channels counts.
    """
    height, width, channels = shape
    pitch = width * channels
    n = (bottom - top) * pitch
    rows, cols = (samples[0], samples[1]) if channels > 1 else (g_row, g_col)
    for part in range(3):  # the first row of the image, what lies inside, the last row
        first = max(top, (0, 1, height - 1)[part])
        last = min(bottom, (1, height - 1, height)[part])
        reach = pitch if part == 1 else 0
        difference = rows[(first - top) * pitch :]
        above, below = pixels[first * pitch - reach :], pixels[first * pitch + reach :]
        for i in range((last - first) * pitch):
            difference[i] = i16(below[i]) - i16(above[i])
    left, right, difference = (
        pixels[top * pitch :],
        pixels[top * pitch + 2 * channels :],
        cols[channels:],
    )
    for i in range(n - 2 * channels):
        difference[i] = i16(right[i]) - i16(left[i])
    for i in range(0, n, pitch):
        for channel in range(channels):
            cols[i + channel] = 0
            cols[i + pitch - channels + channel] = 0
    if channels == 3:  # a constant stride vectorises
        for x in range(g_row.size):
            a0, a1, a2 = i32(rows[3 * x]), i32(rows[3 * x + 1]), i32(rows[3 * x + 2])
            b0, b1, b2 = i32(cols[3 * x]), i32(cols[3 * x + 1]), i32(cols[3 * x + 2])
            e0, e1, e2 = i32(a0 * a0 + b0 * b0), i32(a1 * a1 + b1 * b1), i32(a2 * a2 + b2 * b2)
            second = e1 > e0
            a, b, e = (a1 if second else a0), (b1 if second else b0), (e1 if second else e0)
            g_row[x], g_col[x] = i16(a2 if e2 > e else a), i16(b2 if e2 > e else b)
    elif channels > 1:
        for x in range(g_row.size):
            best = i32(-1)
            for i in range(x * channels, (x + 1) * channels):
                a, b = i32(rows[i]), i32(cols[i])
                if i32(a * a + b * b) > best:
                    best = i32(a * a + b * b)
                    g_row[x], g_col[x] = rows[i], cols[i]
