"""The descriptors of one photo: time, peak memory, digest of the values."""

from __future__ import annotations

import numpy as np

from classicvis import functional

from . import grey, projection, rgb

DESCRIPTORS = {
    "hog": lambda image: functional.hog(image, cells_per_block=(2, 2)),
    "hog, square roots": lambda image: functional.hog(image, transform_sqrt=True),
    "color_histogram": lambda image: functional.color_histogram(image),
    "color_histogram, hsv": lambda image: functional.color_histogram(image, color_space="hsv"),
    "color_histogram, lab": lambda image: functional.color_histogram(image, color_space="lab"),
    "dense_sift": lambda image: functional.dense_sift(image).descriptors,
    "dense_sift, gaussian": lambda image: (
        functional.dense_sift(image, window="gaussian").descriptors
    ),
    "lbp": lambda image: functional.lbp(image),
    "lbp, 24 points": lambda image: functional.lbp(image, 24, 3),
    "sift": lambda image: functional.sift(image).descriptors,
}


class Descriptor:
    """One call of a function of `classicvis.functional`."""

    params = (tuple(DESCRIPTORS), (96, 512))
    param_names = ("descriptor", "size")
    timeout = 300

    def setup(self, name, size):
        self.describe = DESCRIPTORS[name]
        self.image = (rgb if name.startswith("color") else grey)(size)
        self.describe(self.image)  # compiles

    def time_call(self, name, size):
        self.describe(self.image)

    def peakmem_call(self, name, size):
        self.describe(self.image)

    def track_digest(self, name, size):
        return projection(np.asarray(self.describe(self.image)))

    track_digest.unit = "projection"
