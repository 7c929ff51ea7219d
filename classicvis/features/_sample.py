"""Random samples over images that do not depend on how the images are spread over workers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def drawn(n_items: int, most: int, seed: int, image: int) -> NDArray[np.intp] | slice:
    """Return which items of an image are in the sample, in order: all where these are few.

    Parameters
    ----------
    n_items : int
        Items that the image has.
    most : int
        Items to draw.
    seed, image : int
        The seed of the sample and the number of the image: together they fix the draw.
    """
    if n_items <= most:
        return slice(None)
    rng = np.random.default_rng([seed, image])
    return np.sort(rng.choice(n_items, most, replace=False))
