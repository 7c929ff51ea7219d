"""Preprocessing steps that separate the foreground of an image from its background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from classicvis.images._geometry import Fill, ImageArray, PreprocessingStep, fill_value, stretch
from classicvis.images._intensity import to_gray, to_rgb


def keep_foreground(
    image: ImageArray, mask: NDArray[np.bool_], background: Fill, crop: bool
) -> ImageArray:
    """Return `image` with `background` where `mask` is False, cut to the mask if `crop`.

    A mask that holds nothing, or everything, says nothing about the image: it stays unchanged.
    """
    if not mask.any() or mask.all():
        return image
    kept = image.copy()
    kept[~mask] = fill_value(image, background)
    if not crop:
        return kept
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return kept[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].copy()


@dataclass(frozen=True)
class OtsuForeground(PreprocessingStep):
    """Keep the bright or the dark part of every image, parted at Otsu's threshold.

    For objects on an even background. The threshold is taken on the luma of a colour image. An
    image of one grey level stays unchanged.

    Parameters
    ----------
    background : int, (int, int, int) or "mean", default=0
        What replaces the background: a grey level, an RGB colour (on a grey image its luma), or the
        mean colour of the image.
    foreground : {"auto", "bright", "dark"}, default="auto"
        Which side of the threshold is kept; "auto" keeps the one that has fewer of the pixels on
        the edge of the image, the dark one where they are equal.
    crop : bool, default=False
        Whether to cut the image to the bounding box of the foreground.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
       Systems, Man, and Cybernetics 9(1), pp. 62-66, 1979. :DOI:`10.1109/TSMC.1979.4310076`
    """

    background: Fill = 0
    foreground: Literal["auto", "bright", "dark"] = "auto"
    crop: bool = False

    def __post_init__(self) -> None:
        self._check_fill("background")
        self._check_choice("foreground", "foreground", ("auto", "bright", "dark"))

    def _apply(self, image: ImageArray) -> ImageArray:
        grey = to_gray(image)
        threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        bright = grey > threshold
        keep_bright = self.foreground == "bright" or (
            self.foreground == "auto" and _edge_share(bright) < 0.5
        )
        mask = bright if keep_bright else ~bright
        return keep_foreground(image, mask, self.background, self.crop)


def _edge_share(mask: NDArray[np.bool_]) -> float:
    """Return the share of True among the pixels on the four edges of `mask`."""
    return float(np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]]).mean())


@dataclass(frozen=True)
class GrabCutForeground(PreprocessingStep):
    """Keep what differs in colour from the border of every image, by GrabCut.

    The pixels of the border are taken for certain background; what lies inside is parted by graph
    cuts over colour models of both sides. The same image gives the same result in every thread. An
    image that has no inside (a side below 3 pixels), or where no foreground is found, stays
    unchanged.

    Parameters
    ----------
    background : int, (int, int, int) or "mean", default=0
        What replaces the background: a grey level, an RGB colour (on a grey image its luma), or the
        mean colour of the image.
    border : float, default=0.05
        Width of the certain background as a part of the height and the width, 0 <= border < 0.5;
        at least one pixel.
    iterations : int, default=3
        Rounds of estimating the colour models and cutting.
    working_size : int, default=256
        Longest side in pixels at which the cut is computed; a larger image is shrunk for it and the
        mask enlarged again. A photo from a camera would take minutes otherwise.
    crop : bool, default=False
        Whether to cut the image to the bounding box of the foreground.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.

    Notes
    -----
    OpenCV starts the colour models from its random generator, of which every thread has its own.
    The step seeds the one of the thread that it runs in, and only that one, for every image.

    References
    ----------
    .. [1] C. Rother, V. Kolmogorov and A. Blake, "GrabCut: interactive foreground extraction using
       iterated graph cuts", ACM Transactions on Graphics 23(3), pp. 309-314, 2004.
       :DOI:`10.1145/1015706.1015720`
    """

    background: Fill = 0
    border: float = 0.05
    iterations: int = 3
    working_size: int = 256
    crop: bool = False

    def __post_init__(self) -> None:
        self._check_fill("background")
        expected = "a part of each side, 0 <= border < 0.5"
        self._check_real("border", 0.0, 0.5, expected, "use for instance 0.05")
        self._check_int("iterations", 1, "use 3")
        self._check_int("working_size", 3, "use 256, or more for finer outlines")

    def _apply(self, image: ImageArray) -> ImageArray:
        height, width = image.shape[:2]
        scale = min(1.0, self.working_size / max(height, width))
        rows, cols = (max(min(n, 3), round(n * scale)) for n in (height, width))
        mask = self._cut(stretch(to_rgb(image), rows, cols))
        mask_size = (width, height)
        full = cv2.resize(mask.astype(np.uint8), mask_size, interpolation=cv2.INTER_NEAREST)
        return keep_foreground(image, full.astype(bool), self.background, self.crop)

    def _cut(self, image: ImageArray) -> NDArray[np.bool_]:
        """Return the mask of the foreground of an RGB image."""
        height, width = image.shape[:2]
        top, left = max(1, round(height * self.border)), max(1, round(width * self.border))
        labels = np.full((height, width), cv2.GC_BGD, dtype=np.uint8)
        inside = labels[top:-top, left:-left]
        inside[...] = cv2.GC_PR_FGD
        if inside.size:
            # With a mask OpenCV reads no rectangle; the two colour models are scratch space.
            back, fore = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.setRNGSeed(0)
            cv2.grabCut(
                image, labels, (0, 0, 0, 0), back, fore, self.iterations, cv2.GC_INIT_WITH_MASK
            )
        return labels == cv2.GC_PR_FGD
