"""What estimators of images tell scikit-learn about their input."""

from __future__ import annotations

from typing import Any


def take_images(tags: Any) -> Any:
    """Return the tags of an estimator, changed: its input are images, or strings that name them."""
    tags.input_tags.two_d_array = False
    tags.input_tags.three_d_array = True
    tags.input_tags.string = True
    return tags
