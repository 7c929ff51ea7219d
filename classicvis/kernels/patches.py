"""Patches of images against a dictionary: normalised patches, and encoded responses pooled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from classicvis.exceptions import ParameterError
from classicvis.kernels._jit import VECTOR_FLAGS, kernel

f32 = np.float32


def patch_grid(size: tuple[int, int], patch_size: int, stride: int) -> tuple[int, int]:
    """Return how many patches fit into an image of a size: rows and columns of them.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image in pixels.
    patch_size, stride : int
        Side of a patch, and pixels between neighbouring patches; at least 1.

    Returns
    -------
    (int, int)
        Both at least 1.

    Raises
    ------
    ParameterError
        If the image is smaller than a patch.
    """
    if min(size) < patch_size:
        raise ParameterError(
            f"patch_size={patch_size}: found an image of {size[0]}x{size[1]} pixels, expected a "
            "patch that fits in; use smaller patches or larger images."
        )
    return (size[0] - patch_size) // stride + 1, (size[1] - patch_size) // stride + 1


def normalized_patches(
    image: npt.NDArray[np.uint8],
    patch_size: int,
    stride: int,
    regularization: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Write the patches of an image, each normalised for brightness and contrast.

    A patch ``x`` becomes ``(x - mean(x)) / sqrt(var(x) + regularization)``.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, c)
        The image.
    patch_size, stride : int
        Side of a patch, and pixels between neighbouring patches.
    regularization : float
        Added to the variance, above 0: patches of less contrast stay small, flat ones are 0.
    out : ndarray of float32, shape (n_patches, patch_size * patch_size * c), C-contiguous
        Receives the patches row by row of the image, the values of each in the order row, column,
        channel.

    Raises
    ------
    ParameterError
        If the image is smaller than a patch, or the shape of ``out`` is wrong.
    """
    pixels = image if image.ndim == 3 else image[..., None]
    rows, cols = patch_grid(pixels.shape[:2], patch_size, stride)
    shape = (rows * cols, patch_size * patch_size * pixels.shape[2])
    _check_out(out, shape)
    # Rows of a patch are runs of samples that follow each other.
    samples = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    width = patch_size * pixels.shape[2]
    _normalize(samples, (rows, cols), stride, stride * pixels.shape[2], width, regularization, out)


@kernel(error_model="numpy", fastmath=VECTOR_FLAGS)
def _normalize(samples, grid, row_step, col_step, width, regularization, out):
    n_values = out.shape[1]
    share = f32(1 / n_values)
    for i in range(out.shape[0]):
        top, left = i // grid[1] * row_step, i % grid[1] * col_step
        patch = out[i]
        # Sums of 8-bit values are exact in integers, so that flat patches are exactly 0.
        total = np.int64(0)
        for y in range(n_values // width):
            run = samples[top + y, left : left + width]
            for x in range(width):
                total += np.int64(run[x])
                patch[y * width + x] = run[x]
        mean = f32(total / n_values)
        squares = f32(0)
        for j in range(n_values):
            value = patch[j] - mean
            patch[j] = value
            squares += value * value
        scale = f32(1) / np.sqrt(squares * share + f32(regularization))
        for j in range(n_values):
            patch[j] *= scale


def pool_soft_threshold(
    responses: npt.NDArray[np.float32],
    cells: npt.NDArray[np.intp],
    threshold: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Encode responses by a soft threshold, both signs apart, and add them up by cells.

    A response ``z`` of a word becomes ``max(0, z - threshold)`` and ``max(0, -z - threshold)``.

    Parameters
    ----------
    responses : ndarray of float32, shape (n_patches, n_words), C-contiguous
        Dot products of patches and words.
    cells : ndarray of int, shape (n_patches,)
        The cell of each patch.
    threshold : float
        At least 0.
    out : ndarray of float32, shape (n_cells, 2 * n_words), C-contiguous
        The codes of the patches are added to the rows of their cells: the positive sides of all
        words, then the negative ones.

    Raises
    ------
    ParameterError
        If the shape of ``out`` is wrong, or a cell is not in it.
    """
    _check_out(out, (len(out), 2 * responses.shape[1]))
    _check_cells(cells, responses, out)
    _add_soft_threshold(responses, cells, f32(threshold), out)


def pool_triangle(
    responses: npt.NDArray[np.float32],
    square_norms: npt.NDArray[np.float32],
    word_square_norms: npt.NDArray[np.float32],
    cells: npt.NDArray[np.intp],
    out: npt.NDArray[np.float32],
) -> None:
    """Encode responses by the triangle rule, and add them up by cells.

    With ``d`` the distances of a patch from all words, word ``k`` gets ``max(0, mean(d) - d[k])``:
    about half of the words get 0.

    Parameters
    ----------
    responses : ndarray of float32, shape (n_patches, n_words), C-contiguous
        Dot products of patches and words; overwritten by the distances.
    square_norms, word_square_norms : ndarray of float32, shapes (n_patches,) and (n_words,)
        Squared norms of the patches, and of the words.
    cells : ndarray of int, shape (n_patches,)
        The cell of each patch.
    out : ndarray of float32, shape (n_cells, n_words), C-contiguous
        The codes of the patches are added to the rows of their cells.

    Raises
    ------
    ParameterError
        If the shape of ``out`` is wrong, or a cell is not in it.
    """
    _check_out(out, (len(out), responses.shape[1]))
    _check_cells(cells, responses, out)
    _add_triangle(responses, square_norms, word_square_norms, cells, out)


@kernel(error_model="numpy", fastmath=VECTOR_FLAGS)
def _add_soft_threshold(responses, cells, threshold, out):
    n_words = responses.shape[1]
    zero = f32(0)
    for i in range(responses.shape[0]):
        row = responses[i]
        positive, negative = out[cells[i], :n_words], out[cells[i], n_words:]
        for k in range(n_words):
            positive[k] += max(row[k] - threshold, zero)
            negative[k] += max(-row[k] - threshold, zero)


@kernel(error_model="numpy", fastmath=VECTOR_FLAGS)
def _add_triangle(responses, square_norms, word_square_norms, cells, out):
    n_words = responses.shape[1]
    zero, share = f32(0), f32(1 / n_words)
    for i in range(responses.shape[0]):
        row, code = responses[i], out[cells[i]]
        total = zero
        for k in range(n_words):
            # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, which rounding can take below 0
            square = square_norms[i] - f32(2) * row[k] + word_square_norms[k]
            distance = np.sqrt(max(square, zero))
            row[k] = distance
            total += distance
        mean = total * share
        for k in range(n_words):
            code[k] += max(mean - row[k], zero)


def _check_out(out: npt.NDArray[Any], shape: tuple[int, int]) -> None:
    if out.shape != shape or not out.flags.c_contiguous:
        raise ParameterError(f"out has shape {out.shape}: expected {shape}, C-contiguous")


def _check_cells(
    cells: npt.NDArray[np.intp], responses: npt.NDArray[np.float32], out: npt.NDArray[np.float32]
) -> None:
    if len(cells) != len(responses) or cells.min() < 0 or cells.max() >= len(out):
        raise ParameterError(
            f"cells: expected {len(responses)} numbers of the {len(out)} rows of out"
        )
