"""The perceptual hash of one image against OpenCV."""

import cv2
import numpy as np
import pytest

from classicvis.functional import perceptual_hash


def n_different(a, b):
    return (int(a) ^ int(b)).bit_count()


def test_small_images_have_the_hash_of_opencv(camera):
    """Of 32x32 pixels: the same bits."""
    for corner in range(0, 480, 48):
        tile = np.ascontiguousarray(camera[corner : corner + 32, corner : corner + 32])
        assert n_different(perceptual_hash(tile), cv2.img_hash.pHash(tile).view("<u8")[0, 0]) <= 1


def test_photos_have_nearly_the_hash_of_opencv(flower, camera):
    """Larger ones are shrunk otherwise: a few bits at most."""
    for photo in (flower, camera):
        bgr = photo[..., ::-1] if photo.ndim == 3 else photo
        expected = cv2.img_hash.pHash(np.ascontiguousarray(bgr)).view("<u8")[0, 0]
        assert n_different(perceptual_hash(photo), expected) <= 6


def test_copies_share_bits_and_others_do_not(flower, camera):
    """Half the size, darker, encoded anew; and another photo."""
    code = perceptual_hash(flower)
    assert isinstance(code, np.uint64)
    copies = [
        cv2.resize(flower, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        flower // 2,
        cv2.imdecode(cv2.imencode(".jpg", flower, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], 1),
    ]
    assert all(n_different(code, perceptual_hash(copy)) <= 6 for copy in copies)
    assert n_different(code, perceptual_hash(camera)) > 18


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (7, 9, 3)])
def test_tiny_and_flat_images(shape):
    """A flat image of any size has hash 0."""
    assert perceptual_hash(np.full(shape, 90, np.uint8)) == 0
