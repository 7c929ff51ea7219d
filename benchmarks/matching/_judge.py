"""The judge: what two sets of keypoints are worth, given the homography between their images.

Keypoints are rows of (row, column, scale, orientation), as `classicvis.functional.sift` gives them;
how they were found does not matter here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import KDTree

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
Shape = tuple[int, ...]

SAME_PLACE = 1.5  # pixels of the photo
LEAST_OVERLAP = 0.6  # of the areas of two circles
RATIO = 0.8  # of the distances to the nearest and the second nearest descriptor
CORRECT = 3.0  # pixels of the view
ROWS_AT_ONCE = 1024  # of the matrix of descriptor distances


class Features(NamedTuple):
    """Keypoints (n, 4) and their descriptors (n, d)."""

    keypoints: Array
    descriptors: Array


class Judgement(NamedTuple):
    """The measures of one pair of images; see the package's docstring."""

    repeatability: float
    correct_share: float
    matching_score: float
    correct_matches: float


def judge(
    photo: Features, view: Features, homography: Array, shapes: tuple[Shape, Shape]
) -> Judgement:
    """Judge the features of a photo and of a view, whose shapes are given in this order."""
    inverse = np.linalg.inv(homography)
    photo = _select(photo, visible(photo.keypoints, homography, shapes[1]))
    view = _select(view, visible(view.keypoints, inverse, shapes[0]))
    chosen, partners = ratio_matches(photo.descriptors, view.descriptors)
    expected = project(photo.keypoints[chosen], homography)
    n_correct = np.sum(_distance(expected, view.keypoints[partners]) <= CORRECT)
    fewer = min(len(photo.keypoints), len(view.keypoints))
    return Judgement(
        repeatability(photo.keypoints, project(view.keypoints, inverse)),
        n_correct / len(chosen) if len(chosen) else np.nan,
        n_correct / fewer if fewer else 0.0,
        float(n_correct),
    )


def project(keypoints: Array, homography: Array) -> Array:
    """Map keypoints to (n, 3): row, column, scale.

    The scale grows with the square root of the area: the Jacobian's determinant of a homography H
    is ``det(H) / w ** 3``, w being the third homogeneous coordinate of the mapped point.
    """
    row, column, scale = keypoints[:, :3].T.astype(np.float64)
    x, y, w = homography @ np.stack([column, row, np.ones_like(row)])
    growth = np.sqrt(np.abs(np.linalg.det(homography) / w**3))
    return np.column_stack([y / w, x / w, scale * growth])


def visible(keypoints: Array, homography: Array, shape: Shape) -> Mask:
    """Tell which keypoints fall into an image of that shape."""
    place = project(keypoints, homography)[:, :2]
    return np.all((place >= -0.5) & (place <= np.array(shape) - 0.5), axis=1)


def repeatability(points: Array, others: Array) -> float:
    """Return the share of points with a counterpart among the others, both in one image."""
    points, others = (np.unique(part[:, :3], axis=0) for part in (points, others))
    if min(len(points), len(others)) == 0:
        return 0.0
    first, second = pairs_within(points, others, SAME_PLACE)
    ratio = points[first, 2] / others[second, 2]
    same = np.minimum(ratio, 1 / ratio) ** 2 > LEAST_OVERLAP
    n_pairs = count_one_to_one(first[same], second[same])
    return n_pairs / min(len(points), len(others))


def pairs_within(points: Array, others: Array, radius: float) -> tuple[Indices, Indices]:
    """Return the indices of all pairs whose positions are at most the radius apart."""
    trees = [KDTree(part[:, :2]) for part in (points, others)]
    near = trees[0].sparse_distance_matrix(trees[1], radius, output_type="ndarray")
    return near["i"], near["j"]


def count_one_to_one(first: Indices, second: Indices) -> int:
    """Return how many of the pairs can hold at once if no index is used twice on its side."""
    if len(first) == 0:
        return 0
    graph = csr_array((np.ones(len(first)), (first, second)))
    return int(np.sum(maximum_bipartite_matching(graph) >= 0))


def ratio_matches(descriptors: Array, others: Array) -> tuple[Indices, Indices]:
    """Return the matches that pass the ratio test, as indices on both sides."""
    if len(descriptors) == 0 or len(others) < 2:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    squares = np.sum(others**2, axis=1)
    nearest, passed = [], []
    for start in range(0, len(descriptors), ROWS_AT_ONCE):
        part = descriptors[start : start + ROWS_AT_ONCE]
        # |a - b|^2 = a.a - 2 a.b + b.b
        distances = np.sum(part**2, axis=1)[:, np.newaxis] - 2 * part @ others.T + squares
        rows, best = np.arange(len(part)), np.argmin(distances, axis=1)
        shortest = distances[rows, best]
        distances[rows, best] = np.inf
        nearest.append(best)
        passed.append(shortest < RATIO**2 * distances.min(axis=1))
    chosen = np.flatnonzero(np.concatenate(passed))
    return chosen, np.concatenate(nearest)[chosen]


def _select(features: Features, mask: Mask) -> Features:
    return Features(features.keypoints[mask], features.descriptors[mask])


def _distance(points: Array, others: Array) -> Array:
    return np.linalg.norm(points[:, :2] - others[:, :2], axis=1)
