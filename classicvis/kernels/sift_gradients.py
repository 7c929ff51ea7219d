"""Gradients around a keypoint, which both its orientation and its descriptor gather.

First the rows around the keypoint are gathered into one long list of samples: gradient and position
in the keypoint's frame, `FIELDS` numbers each. Angles and weights are computed by loops over that
list: long loops vectorise well, the rows are too short.
"""

from __future__ import annotations

import numpy as np

from classicvis.kernels._jit import INNER, VECTOR_FLAGS, kernel
from classicvis.kernels.sift_math import Floats

STEP = 8  # samples are gathered in multiples of this: whole vectors
FIELDS = 4  # gradient to the right and upwards, row and column in the keypoint's frame

# Minimax polynomial of exp(-t) on [0, 1.6]: largest error 5e-7.
E0 = np.float32(0.9999997)
E1 = np.float32(-0.9999812)
E2 = np.float32(0.49980554)
E3 = np.float32(-0.16590936)
E4 = np.float32(0.04024297)
E5 = np.float32(-0.006918825)
E6 = np.float32(0.00064029585)


@kernel(inline="always")
def decay(t: np.float32) -> np.float32:
    """Return ``exp(-t)`` for t from 0 to 1.6."""
    return E0 + t * (E1 + t * (E2 + t * (E3 + t * (E4 + t * (E5 + t * E6)))))


@kernel(fastmath=VECTOR_FLAGS, error_model="numpy", **INNER)
def gather_row(
    image: Floats,
    row: int,
    first: int,
    n: int,
    origin: tuple[np.float32, np.float32],
    step: tuple[np.float32, np.float32],
    samples: Floats,
) -> None:
    """Gather the gradients of a stretch of one row.

    Parameters
    ----------
    image : ndarray of shape (n_rows, row_length), float32
        A ring of rows.
    row, first, n : int
        Row of the image, first column and number of the pixels.
    origin : (float32, float32)
        Row and column of the first pixel in the keypoint's frame.
    step : (float32, float32)
        What is added to them from pixel to pixel.
    samples : ndarray of shape (4 * (n + 7),) or longer, float32
        Receives the samples, and something behind them up to the next multiple of `STEP`.
    """
    n_rows = image.shape[0]
    length = (n + STEP - 1) // STEP * STEP
    index = row % n_rows
    above = image[index - 1 if index > 0 else n_rows - 1, first : first + length]
    below = image[index + 1 if index + 1 < n_rows else 0, first : first + length]
    line = image[index, first - 1 : first + 1 + length]
    row_start, column_start = origin
    row_step, column_step = step
    for i in range(length):
        samples[4 * i] = line[i + 2] - line[i]
        samples[4 * i + 1] = above[i] - below[i]
        samples[4 * i + 2] = row_start + row_step * np.float32(i)
        samples[4 * i + 3] = column_start + column_step * np.float32(i)
