"""Preprocessing steps by name."""

from __future__ import annotations

from collections.abc import Callable

from classicvis.exceptions import ParameterError, unknown_name
from classicvis.images._geometry import (
    AddBorder,
    CenterCrop,
    CropBorder,
    Fill,
    ImageArray,
    PreprocessingStep,
    Resize,
    Shrink,
)
from classicvis.images._intensity import (
    BilateralDenoise,
    Clahe,
    ConvertColor,
    EqualizeHistogram,
    MedianDenoise,
    NonLocalMeansDenoise,
    Normalize,
)
from classicvis.images._segment import GrabCutForeground, OtsuForeground
from classicvis.images._warp import Deskew, RelativeCrop, Warp

__all__ = [
    "STEPS",
    "AddBorder",
    "BilateralDenoise",
    "CenterCrop",
    "Clahe",
    "ConvertColor",
    "CropBorder",
    "Deskew",
    "EqualizeHistogram",
    "Fill",
    "GrabCutForeground",
    "ImageArray",
    "MedianDenoise",
    "NonLocalMeansDenoise",
    "Normalize",
    "OtsuForeground",
    "PreprocessingStep",
    "RelativeCrop",
    "Resize",
    "Shrink",
    "Warp",
    "make_step",
]

STEPS: dict[str, type[PreprocessingStep]] = {
    "normalize": Normalize,
    "equalize": EqualizeHistogram,
    "clahe": Clahe,
    "median": MedianDenoise,
    "bilateral": BilateralDenoise,
    "nlmeans": NonLocalMeansDenoise,
    "otsu": OtsuForeground,
    "grabcut": GrabCutForeground,
    "deskew": Deskew,
}
"""The steps that can be named: those that need no parameter and keep the colour space."""


def make_step(spec: str | Callable[[ImageArray], ImageArray]) -> Callable[[ImageArray], ImageArray]:
    """Return the preprocessing step that `spec` stands for.

    Parameters
    ----------
    spec : str or callable
        A name in `STEPS`, which gives that step with its default parameters; or a step, or any
        other function of one uint8 image that returns one, which is given back as it is.

    Returns
    -------
    callable
        Takes and returns a uint8 image of shape (h, w, 3) or (h, w).

    Raises
    ------
    ParameterError
        If the name is not registered, or `spec` is neither a name nor a callable.

    Examples
    --------
    >>> from classicvis.images._preprocess import make_step
    >>> make_step("median")
    MedianDenoise(size=3)
    """
    if isinstance(spec, str):
        if spec not in STEPS:
            raise unknown_name("preprocessing step", spec, STEPS)
        return STEPS[spec]()
    if isinstance(spec, type):
        raise ParameterError(
            f"preprocessing got the class {spec.__name__}: expected a name, a step or a function "
            f"of one image; make a step of it, {spec.__name__}(...)"
        )
    if not callable(spec):
        raise ParameterError(
            f"preprocessing got {spec!r}: expected a name, a step or a function of one image; "
            f"the names are {', '.join(sorted(STEPS))}"
        )
    return spec
