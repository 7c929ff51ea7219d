"""Random changes of training images, each drawn by the number of its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from classicvis.backbones._augmentation import Augmentation


@dataclass(frozen=True)
class RandomChange:
    """One change for each image, which depends on nothing but the parameters and its number.

    Parameters
    ----------
    augmentation : Augmentation
        How far images are changed.
    seed : int
        Not negative.
    copy : int
        Which of the copies of an image it makes.
    """

    augmentation: Augmentation
    seed: int
    copy: int
    numbered: ClassVar[bool] = True

    def __call__(self, image: np.ndarray, number: int) -> np.ndarray:
        """Return a changed copy of a uint8 image (h, w[, 3]), its number among all images given."""
        rng = np.random.default_rng([self.seed, number, self.copy])
        stack = image.reshape(1, *image.shape[:2], -1)
        return self.augmentation(stack, rng).reshape(image.shape)
