"""SIFT keypoints with their descriptors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicvis.exceptions import ParameterError
from classicvis.functional._dense_sift import as_gray
from classicvis.kernels.sift_describe import describe_batch
from classicvis.kernels.sift_detect import extrema_buffers, find_extrema, refine_extrema
from classicvis.kernels.sift_math import DESCRIPTOR_SIZE, Doubles, Floats, Indices, root_batch
from classicvis.kernels.sift_orient import MOST_ORIENTATIONS, orient_points
from classicvis.kernels.sift_pyramid import Octave, first_blur, n_octaves, surroundings

FULL_RANGE = 255  # grey levels: the scale space is kept in these, as in OpenCV
FEW_EXTREMA = 1024  # of a band; there is room for more when more are found
LAYER, RESPONSE, ORIENTATION = 2, 3, 4  # columns of the kernels' points


class Sift(NamedTuple):
    """What `sift` returns."""

    keypoints: NDArray[np.float32]
    responses: NDArray[np.float32]
    descriptors: NDArray[np.float32]


def sift(
    image: ArrayLike,
    *,
    max_keypoints: int = 0,
    n_octave_layers: int = 3,
    contrast_threshold: float = 0.04,
    edge_threshold: float = 10.0,
    sigma: float = 1.6,
    upsample: bool = True,
    root: bool = False,
) -> Sift:
    """Find SIFT keypoints and describe them.

    The defaults, and with them the keypoints, are those of OpenCV's ``SIFT_create()``.

    Parameters
    ----------
    image : array_like of shape (height, width) or (height, width, 3)
        Grey or RGB; uint8, uint16, or float in [0, 1].
    max_keypoints : int, default=0
        Keep this many keypoints, those of the highest response; 0 keeps all.
    n_octave_layers : int, default=3
        Scales per octave in which extrema are sought.
    contrast_threshold : float, default=0.04
        A keypoint's response is at least ``contrast_threshold / n_octave_layers``.
    edge_threshold : float, default=10.0
        Largest ratio of the principal curvatures; more lets points on edges pass.
    sigma : float, default=1.6
        Blur of the first layer of each octave, in the octave's pixels.
    upsample : bool, default=True
        Begin with the image at twice its size, which finds smaller keypoints.
    root : bool, default=False
        Return RootSIFT: the square root of each L1-normalised descriptor [2]_.

    Returns
    -------
    keypoints : ndarray of shape (n, 4), float32
        Row, column, scale (sigma, in pixels of the image) and orientation (radians in [0, 2 pi),
        from the direction of the columns towards that of the rows), sorted in this order. A point
        with several dominant orientations appears once for each.
    responses : ndarray of shape (n,), float32
        Absolute value of the difference of Gaussians, with intensities in [0, 1].
    descriptors : ndarray of shape (n, 128), float32
        4 x 4 spatial bins in the keypoint's frame and 8 orientations, of unit norm.

    Raises
    ------
    ImageError
        If the image is not one of the above.
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    Against OpenCV's ``KeyPoint``: ``pt`` is (column, row), ``size`` is twice the scale and
    ``angle`` is the orientation in degrees. OpenCV stores descriptors as ``min(512 * value, 255)``;
    here they stay float32 of unit norm, as those of `dense_sift`. The layout is OpenCV's:
    orientation k stands for gradients at ``-k * pi / 4`` radians from the keypoint's orientation,
    where `dense_sift` counts the other way.

    Like OpenCV's, keypoints of the doubled image lie a quarter of a pixel too far down and right:
    ``cv2.resize`` moves a point from x to 2 x + 1/2, and halving the position keeps the rest.

    Extrema that the refinement moves by more than 5 rows are given up, and smooth layers are
    blurred by filters with taps 2 or 3 pixels apart; a few keypoints in a thousand differ for that.

    The scale space passes through windows of rows. Beside the image, memory is about 9 bytes for
    each of its pixels (5 without `upsample`), 0.7 kB for each keypoint and, for the windows, about
    12 kB for each pixel of its width: 250 MB for 5472 x 3648 pixels with 3,000 keypoints.

    References
    ----------
    .. [1] Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004,
       DOI 10.1023/B:VISI.0000029664.99615.94.
    .. [2] Arandjelovic and Zisserman, "Three things everyone should know to improve object
       retrieval", CVPR 2012, DOI 10.1109/CVPR.2012.6248018.

    Examples
    --------
    >>> from skimage.data import camera
    >>> sift(camera(), max_keypoints=100).descriptors.shape
    (100, 128)
    """
    _check_count("max_keypoints", max_keypoints, 0)
    _check_count("n_octave_layers", n_octave_layers, 1)
    _check_positive("edge_threshold", edge_threshold)
    _check_positive("sigma", sigma)
    _check_positive("contrast_threshold", contrast_threshold, zero=True)
    gray = as_gray(image)
    levels = gray.astype(np.float32)
    if gray.dtype != np.uint8:
        levels *= FULL_RANGE
    contrast = contrast_threshold * FULL_RANGE / n_octave_layers
    points, descriptors, doublings = _octaves(
        levels, n_octave_layers, contrast, float(edge_threshold), float(sigma), upsample
    )
    keypoints = _in_image(points, doublings, n_octave_layers, sigma)
    chosen = _select(keypoints, points[:, RESPONSE], max_keypoints)
    descriptors = descriptors[chosen]
    if root:
        root_batch(descriptors)
    responses = (points[chosen, RESPONSE] / FULL_RANGE).astype(np.float32)
    return Sift(keypoints[chosen], responses, descriptors)


def _octaves(
    image: Floats, n_layers: int, contrast: float, edge: float, sigma: float, upsample: bool
) -> tuple[Doubles, Floats, Indices]:
    """Return oriented points, their descriptors and how often the image was halved for them."""
    margin = surroundings(n_layers, sigma)
    points, descriptors = (
        [np.empty((0, ORIENTATION + 1))],
        [np.empty((0, DESCRIPTOR_SIZE), np.float32)],
    )
    doublings = [0]
    for i in range(n_octaves(image.shape[0], image.shape[1], upsample)):
        is_first = i == 0
        blur = first_blur(upsample) if is_first else 0.0
        octave = Octave(image, blur, upsample and is_first, n_layers, sigma, margin)
        for part, described in _bands(octave, n_layers, contrast, edge, sigma):
            points.append(part)
            descriptors.append(described)
            doublings.append(i - int(upsample))
        image = octave.next_image
    sizes = [len(part) for part in points]
    return np.concatenate(points), np.concatenate(descriptors), np.repeat(doublings, sizes)


def _bands(
    octave: Octave, n_layers: int, contrast: float, edge: float, sigma: float
) -> Iterator[tuple[Doubles, Floats]]:
    """Yield the oriented points of each band of an octave and their descriptors."""
    height, width = shape = octave.shape
    layers = octave.planes[-n_layers - 3 :]
    threshold = float(math.floor(contrast / 2))
    buffers = extrema_buffers(n_layers, width)
    extrema = np.empty((FEW_EXTREMA, 3), np.intp)
    first = 0
    while first < height:
        rows = first, octave.slide(first)
        n = find_extrema(layers, shape, rows, threshold, *buffers, extrema)
        if n > len(extrema):
            extrema = np.empty((n, 3), np.intp)
            find_extrema(layers, shape, rows, threshold, *buffers, extrema)
        points = np.empty((n, LAYER + 2))
        n = refine_extrema(layers, shape, extrema[:n], contrast, edge, points)
        if n > 0:
            oriented = np.empty((MOST_ORIENTATIONS * n, ORIENTATION + 1))
            n = orient_points(layers, shape, points[:n], sigma, oriented)
            oriented = oriented[:n].copy()  # the room for many more is not kept
            descriptors = np.empty((n, DESCRIPTOR_SIZE), np.float32)
            describe_batch(layers, shape, oriented, sigma, descriptors)
            yield oriented, descriptors
        first = rows[1]


def _in_image(points: Doubles, doublings: Indices, n_layers: int, sigma: float) -> Floats:
    """Return the points as row, column, scale, orientation in pixels of the image.

    ``doublings`` tells how often the image was halved to make each point's octave.
    """
    pixel = 2.0**doublings
    scales = sigma * 2 ** (points[:, LAYER] / n_layers) * pixel
    columns = (points[:, 0] * pixel, points[:, 1] * pixel, scales, points[:, ORIENTATION])
    return np.column_stack(columns).astype(np.float32)


def _select(keypoints: Floats, responses: Doubles, max_keypoints: int) -> Indices:
    """Return the indices of distinct keypoints in order, the strongest where there are too many.

    Extrema next to each other can be refined to one and the same point.
    """
    order = np.lexsort(keypoints.T[::-1])
    ordered = keypoints[order]
    distinct = np.ones(len(order), bool)
    distinct[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    order = order[distinct]
    if 0 < max_keypoints < len(order):
        strongest = np.argsort(-responses[order], kind="stable")[:max_keypoints]
        order = order[np.sort(strongest)]
    return order


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ParameterError(f"found {name}={value!r}: expected a whole number, {least} or more.")


def _check_positive(name: str, value: object, zero: bool = False) -> None:
    is_number = isinstance(value, Real) and math.isfinite(value)
    if not is_number or value < 0 or (value == 0 and not zero):  # type: ignore[operator]
        raise ParameterError(
            f"found {name}={value!r}: expected a {'' if zero else 'positive '}number"
            f"{', 0 or more' if zero else ''}."
        )
