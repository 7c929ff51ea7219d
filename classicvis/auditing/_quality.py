"""Pictures that are hardly one: unreadable, tiny, of odd size or shape, blurred, dark, blown, flat.

Whether a picture is odd depends on the others. A figure is told when it lies beyond a limit of its
own *and* beyond one that the set has: sizes, shapes and blur more than 3.5 robust standard
deviations from the median (Iglewicz and Hoaglin, "How to detect and handle outliers", 1993; the
robust deviation is 1.4826 times the median absolute one), grey levels below half the median. So a
set of white digits on black has no dark pictures, and a set of thumbnails no tiny ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from classicvis.auditing._scan import Scan, indices_of

MANY_DEVIATIONS = 3.5
_MAD_TO_DEVIATION = 1.4826


class QualityIssue(NamedTuple):
    """What is odd about one image.

    Attributes
    ----------
    image : int
        Number of the image.
    kind : str
        "unreadable", or a key of `LIMITS`.
    value, limit : float
        The figure and the limit beyond which it lies; NaN for unreadable images.
    reason : str
        One sentence.
    """

    image: int
    kind: str
    value: float
    limit: float
    reason: str


class _Check(NamedTuple):
    figure: Callable[[Scan], np.ndarray]
    sign: int  # 1: too high, -1: too low, 0: both
    limit: float
    kind: Literal["ratio", "value", "level"]
    sentence: str


def _shorter_side(found: Scan) -> np.ndarray:
    return found.sizes.min(axis=1).astype(float)


def _longer_side(found: Scan) -> np.ndarray:
    return found.sizes.max(axis=1).astype(float)


def _aspect(found: Scan) -> np.ndarray:
    return found.sizes[:, 1] / np.maximum(found.sizes[:, 0], 1)


# The limit of a "ratio" is a multiple of the median, and its deviations are of the logarithm. A
# "level" is too low below the limit and half the median.
LIMITS = {
    "tiny": _Check(_shorter_side, -1, 4.0, "ratio", "shorter side {0:.0f} px, below {1:.0f}"),
    "large": _Check(_longer_side, 1, 4.0, "ratio", "longer side {0:.0f} px, above {1:.0f}"),
    "odd_aspect": _Check(_aspect, 0, 2.5, "ratio", "width / height {0:.2f}, limit {1:.2f}"),
    "blurred": _Check(
        lambda found: found.blur, 1, 0.6, "value", "blur {0:.2f} of 1, above {1:.2f}"
    ),
    "dark": _Check(
        lambda found: found.high, -1, 64.0, "level",
        "95 % of the pixels within {0:.0f} grey levels of black, limit {1:.0f}",
    ),
    "overexposed": _Check(
        lambda found: 255 - found.low, -1, 64.0, "level",
        "95 % of the pixels within {0:.0f} grey levels of white, limit {1:.0f}",
    ),
    "flat": _Check(
        lambda found: found.contrast, -1, 4.0, "level",
        "grey levels deviate by {0:.1f}, below {1:.1f}: nothing to be seen",
    ),
}  # fmt: skip


def quality_issues(found: Scan) -> list[QualityIssue]:
    """Return what is odd about scanned images, by image, in the order of the checks.

    Parameters
    ----------
    found : Scan
        The figures of all images.

    Returns
    -------
    list of QualityIssue
        An image may have several.
    """
    issues = [
        QualityIssue(i, "unreadable", np.nan, np.nan, reason)
        for i, reason in indices_of(found.unreadable, found.readable).items()
    ]
    readable = np.flatnonzero(found.readable)
    for kind, check in LIMITS.items():
        values = check.figure(found)[readable]
        issues += [
            QualityIssue(
                int(readable[k]),
                kind,
                value,
                limit,
                check.sentence.format(value, limit),
            )
            for k, value, limit in _beyond(values, check)
        ]
    return sorted(issues, key=lambda issue: issue.image)


def _beyond(values: np.ndarray, check: _Check) -> Iterator[tuple[int, float, float]]:
    """Yield (position, value, limit) of the values beyond a limit that are outliers as well."""
    known = ~np.isnan(values)
    if not known.any():
        return
    is_ratio = check.kind == "ratio"
    scaled = np.log(np.maximum(values, 1e-9)) if is_ratio else values
    median = float(np.median(scaled[known]))
    deviation = _MAD_TO_DEVIATION * float(np.median(np.abs(scaled[known] - median)))
    for sign in (1, -1) if check.sign == 0 else (check.sign,):
        own = median + sign * np.log(check.limit) if is_ratio else check.limit
        usual = median / 2 if check.kind == "level" else median + sign * MANY_DEVIATIONS * deviation
        limit = max(own, usual) if sign > 0 else min(own, usual)
        for k in np.flatnonzero(known & (sign * (scaled - limit) > 0)):
            yield int(k), float(values[k]), float(np.exp(limit) if is_ratio else limit)
