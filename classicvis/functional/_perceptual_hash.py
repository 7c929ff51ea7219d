"""The perceptual hash of one image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from classicvis.exceptions import ImageError
from classicvis.kernels.perceptual_hash import SIDE, perceptual_hash_batch


def perceptual_hash(image: ArrayLike) -> np.uint64:
    """Compute a hash of 64 bits that similar pictures share nearly all of [1]_.

    Parameters
    ----------
    image : array_like of shape (h, w) or (h, w, 3), uint8
        Grey or RGB.

    Returns
    -------
    numpy.uint64
        Bit ``8 i + j`` tells whether cosine coefficient (i, j) of the picture, shrunk to 32x32 grey
        pixels, lies above the mean of the 64 lowest ones. ``int(a ^ b).bit_count()`` is the number
        of bits in which two hashes differ: some 32 for unrelated pictures, few for copies. A flat
        picture has hash 0.

    Raises
    ------
    ImageError
        If the image is not uint8 of such a shape, or has no pixels.

    Notes
    -----
    Of grey images of 32x32 pixels it is the hash of ``cv2.img_hash.pHash``, its 8 bytes read as a
    little-endian number. Larger ones are shrunk by averaging (``cv2.INTER_AREA``) where OpenCV
    takes single pixels, so that fine detail does not turn bits.

    References
    ----------
    .. [1] C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010

    Examples
    --------
    >>> import numpy as np
    >>> from classicvis.functional import perceptual_hash
    >>> ramp = np.arange(64, dtype=np.uint8) * np.ones((64, 1), np.uint8)
    >>> int(perceptual_hash(ramp) ^ perceptual_hash(2 * ramp)).bit_count()
    0
    """
    pixels = np.asarray(image)
    if (
        pixels.dtype != np.uint8
        or pixels.size == 0
        or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
    ):
        raise ImageError(
            f"found an array of shape {pixels.shape} and dtype {pixels.dtype}: expected uint8 of "
            "shape (h, w) or (h, w, 3); convert it first, for example by skimage.img_as_ubyte."
        )
    pixels = np.ascontiguousarray(pixels)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_LINEAR if min(pixels.shape) < SIDE else cv2.INTER_AREA
    small = np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=how), np.uint8)
    out = np.empty(1, dtype=np.uint64)
    perceptual_hash_batch(small[None], out)
    return np.uint64(out[0])
