"""Photos, and views of them that are related to the photo by a known homography.

A homography maps (x, y) = (column, row) of the photo to the view, as OpenCV's do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from skimage import data
from sklearn.datasets import load_sample_image

Gray = NDArray[np.uint8]
Homography = NDArray[np.float64]
Seed = np.random.Generator

FROM_SKIMAGE = ["astronaut", "brick", "camera", "chelsea", "coffee", "coins", "gravel", "rocket"]
FROM_SKLEARN = ["china", "flower"]
FINER = 3  # views are sampled on a grid this much finer, then averaged: no aliasing
FOCAL_LENGTH = 1.5  # of the camera that tilts the photo, in longer sides


class View(NamedTuple):
    """A changed photo, and the homography that leads there."""

    image: Gray
    homography: Homography


class Transformation(NamedTuple):
    """A way to change a photo, and the strengths to try, the weakest first."""

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Gray, float, Seed], View]


def photos() -> dict[str, Gray]:
    """Return grey photos of at most 640 pixels by name."""
    colour = {name: getattr(data, name)() for name in FROM_SKIMAGE}
    colour |= {name: load_sample_image(f"{name}.jpg") for name in FROM_SKLEARN}
    return {
        name: photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
        for name, photo in colour.items()
    }


def views(photo: Gray, seed: int) -> Iterator[View]:
    """Yield the photo under every transformation, strength by strength.

    Random choices (axes of tilt, noise) depend on the seed and the transformation alone.
    """
    for number, transformation in enumerate(TRANSFORMATIONS):
        for strength in transformation.strengths:
            yield transformation.apply(photo, strength, np.random.default_rng((seed, number)))


def warp(photo: Gray, homography: Homography) -> View:
    """Warp the photo into a canvas around it, no larger than the photo.

    The canvas is the bounding box of the warped photo, cut to the photo's size about its centre.
    Beyond the photo its mirror image goes on, which makes no edges.
    """
    height, width = photo.shape
    x, y = np.array([[0, 0, width, width], [0, height, 0, height]]) - 0.5
    corners = cv2.perspectiveTransform(np.stack([x, y], axis=-1)[np.newaxis], homography)[0]
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = np.minimum(np.rint(high - low), (width, height)).astype(int)
    onto_canvas = translation((size - 1) / 2 - (low + high) / 2) @ homography
    # A pixel's centre x is at (x + 1/2) * FINER - 1/2 of the finer grid.
    finer = translation(((FINER - 1) / 2,) * 2) @ np.diag([FINER, FINER, 1.0]) @ onto_canvas
    fine = cv2.warpPerspective(
        photo, finer, size * FINER, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return View(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), onto_canvas)


def translation(shift: Any) -> Homography:
    """Return the homography that adds (x, y)."""
    matrix = np.eye(3)
    matrix[:2, 2] = shift
    return matrix


def tilt(photo: Gray, degrees: float, seed: Seed) -> View:
    """View the photo as a plane turned about a random axis in it, by a pinhole camera."""
    direction = seed.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(direction), np.sin(direction), 0])
    turn = Rotation.from_rotvec(np.deg2rad(degrees) * axis).as_matrix()
    focal = FOCAL_LENGTH * max(photo.shape)
    # (x, y) on the plane, from the photo's centre, is turn @ (x, y, 0) + (0, 0, focal) in space.
    space = np.column_stack([turn[:, :2], [0, 0, focal]])
    centre = (np.array(photo.shape[::-1]) - 1) / 2
    return warp(photo, np.diag([focal, focal, 1]) @ space @ translation(-centre))


def zoom(photo: Gray, factor: float, seed: Seed) -> View:
    """Magnify the photo."""
    return warp(photo, np.diag([factor, factor, 1.0]))


def rotate(photo: Gray, degrees: float, seed: Seed) -> View:
    """Turn the photo in its plane."""
    return warp(photo, Rotation.from_euler("z", degrees, degrees=True).as_matrix())


def blur(photo: Gray, sigma: float, seed: Seed) -> View:
    """Blur the photo by a Gaussian."""
    return View(cv2.GaussianBlur(photo, (0, 0), sigma), np.eye(3))


def add_noise(photo: Gray, sigma: float, seed: Seed) -> View:
    """Add Gaussian noise, in grey levels."""
    noisy = np.rint(photo + seed.normal(0, sigma, photo.shape))
    return View(np.clip(noisy, 0, 255).astype(np.uint8), np.eye(3))


def compress(photo: Gray, quality: float, seed: Seed) -> View:
    """Encode the photo as JPEG and decode it."""
    _, encoded = cv2.imencode(".jpg", photo, (cv2.IMWRITE_JPEG_QUALITY, int(quality)))
    return View(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.eye(3))


TRANSFORMATIONS = (
    Transformation("viewpoint", "tilt [degrees]", (10, 20, 30, 40, 50, 60), tilt),
    Transformation("scale", "factor", (0.4, 0.55, 0.75, 1.35, 1.85, 2.5), zoom),
    Transformation("rotation", "degrees", (10, 45, 90, 135, 180), rotate),
    Transformation("blur", "sigma [pixels]", (1, 2, 3, 4, 5), blur),
    Transformation("noise", "sigma [levels of 255]", (5, 10, 20, 30, 40), add_noise),
    Transformation("JPEG", "quality", (90, 70, 50, 30, 10), compress),
)
CASES = tuple((t.name, strength) for t in TRANSFORMATIONS for strength in t.strengths)
