"""Hashes against OpenCV and the slow twin, pairs and alignment against theirs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classicvis.exceptions import ParameterError
from classicvis.kernels.alignment import aligned_similarity
from classicvis.kernels.perceptual_hash import hamming_pairs, perceptual_hash_batch
from tests.reference import perceptual_hash as naive


@pytest.fixture(scope="module")
def tiles(camera):
    """256 tiles of a photo, 32x32 pixels."""
    return np.stack([camera[r : r + 32, c : c + 32] for r in range(0, 512, 32)
                     for c in range(0, 512, 32)])  # fmt: skip


def hashes_of(images):
    out = np.empty(len(images), np.uint64)
    perceptual_hash_batch(images, out)
    return out


def pairs_of(hashes, n_bits, size):
    found, row, col = [], 0, 1
    while row < len(hashes):
        out = np.empty((size, 2), np.int64)
        n, row, col = hamming_pairs(hashes, n_bits, row, col, out)
        found += map(tuple, out[:n].tolist())
    return found


def similarities(images, pairs, least=-1.0):
    out = np.empty((len(pairs), 2))
    aligned_similarity(images, np.asarray(pairs, np.int64), least, out)
    return out


def test_hashes_are_those_of_opencv(tiles):
    """Bit for bit, but where a coefficient of float32 lies at the mean."""
    expected = [int(cv2.img_hash.pHash(tile).view("<u8")[0, 0]) for tile in tiles]
    different = [(int(a) ^ b).bit_count() for a, b in zip(hashes_of(tiles), expected, strict=True)]
    assert sum(different) <= 2


def test_hashes_equal_the_naive_twin(tiles):
    """Photos, noise, a flat image, a view and a read-only array."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32), dtype=np.uint8)
    flat = np.full((1, 32, 32), 77, np.uint8)
    images = np.concatenate([tiles[:40], noise, flat])
    expected = [naive.perceptual_hash(image) for image in images]
    assert hashes_of(images).tolist() == expected
    assert expected[-1] == 0
    view = np.repeat(images, 2, axis=2)[:, :, ::2]
    view.flags.writeable = False
    assert hashes_of(view).tolist() == expected


@pytest.mark.parametrize("n_bits", [0, 3, 26, 64])
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_pairs_equal_the_naive_twin(n_bits, size):
    """Whatever the size of the buffer, each pair comes once and in order."""
    hashes = np.random.default_rng(0).integers(0, 2**64, 40, dtype=np.uint64)
    hashes[[3, 9]] = hashes[0], hashes[0] ^ np.uint64(7 << 61)
    assert pairs_of(hashes, n_bits, size) == naive.hamming_pairs(hashes, n_bits)
    assert pairs_of(hashes[:1], n_bits, size) == pairs_of(hashes[:0], n_bits, size) == []


def test_alignment_equals_the_naive_twin(tiles):
    """Neighbours, equal and clipped tiles, noise and odd shapes."""
    smooth = np.stack([cv2.GaussianBlur(tile, (0, 0), 1) for tile in tiles[:30]])
    bright = cv2.add(smooth[:10], np.full((10, 32, 32), 60, np.uint8))
    images = np.concatenate([smooth, bright, np.full((1, 32, 32), 9, np.uint8)])
    pairs = [(i, j) for i in range(41) for j in range(i + 1, 41, 3)]
    for batch in (images, np.ascontiguousarray(images[:, 3:20, :11])):
        found = similarities(batch, pairs, 0.2)
        expected = np.array([naive.similarity(batch[i], batch[j], 0.2) for i, j in pairs])
        np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-3)
        sure = expected[:, 0] > 0.3
        np.testing.assert_allclose(found[sure, 1], expected[sure, 1], rtol=0.02, atol=1e-2)


def test_alignment_measures_a_shift(camera):
    """A picture moved by one of 32 pixels, half as contrasted: all explained, and by one pixel."""
    smooth = cv2.GaussianBlur(camera, (0, 0), 20)
    first = cv2.resize(smooth[:480, :480], (32, 32), interpolation=cv2.INTER_AREA)
    second = cv2.resize(smooth[15:495, :480], (32, 32), interpolation=cv2.INTER_AREA)
    images = np.stack([first, second // 2 + 40])
    ((similarity, shift),) = similarities(images, [(0, 1)])
    assert similarity > 0.99
    assert shift == pytest.approx(1, abs=0.25)


def test_a_negative_is_no_copy(tiles):
    """Pictures that explain each other with a negative gain are not alike."""
    images = np.stack([tiles[100], 255 - tiles[100]])
    assert similarities(images, [(0, 1)])[0, 0] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hashes_of(np.zeros((2, 31, 32), np.uint8)), "images have shape"),
        (lambda: perceptual_hash_batch(np.zeros((2, 32, 32), np.uint8), np.empty(3, np.uint64)),
         "out has shape"),
        (lambda: pairs_of(np.zeros(2, np.uint64), 65, 1), "n_bits is 65"),
        (lambda: pairs_of(np.zeros(2, np.uint64), 1, 0), "out has shape"),
        (lambda: hamming_pairs(np.zeros(2, np.uint64), 1, 1, 1, np.empty((1, 2), np.int64)), "row"),
        (lambda: similarities(np.zeros((2, 5, 9), np.uint8), [(0, 1)]), "images have shape"),
        (lambda: similarities(np.zeros((2, 9, 9), np.uint8), [(0, 2)]), "of 2"),
    ],
)  # fmt: skip
def test_wrong_arrays_are_refused(call, message):
    """Shapes and numbers that do not fit raise, instead of reading beyond an array."""
    with pytest.raises(ParameterError, match=message):
        call()
