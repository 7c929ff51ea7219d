"""Pictures that are hardly one: unreadable, tiny, of odd size or shape, blurred, dark, blown, flat.

Whether a picture is odd depends on the others: a figure is told when it lies beyond a limit of its
own *and* more than 3.5 robust standard deviations from the median of the set (Iglewicz and Hoaglin,
"How to detect and handle outliers", 1993; the robust deviation is 1.4826 times the median absolute
one). So a set of white digits on black has no dark pictures, and a set of thumbnails no tiny ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from classicvis.audit._scan import Scan, indices_of

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
    is_ratio: bool  # the limit is a multiple of the median, and deviations are of the logarithm
    sentence: str


def _shorter_side(found: Scan) -> np.ndarray:
    return found.sizes.min(axis=1).astype(float)


def _longer_side(found: Scan) -> np.ndarray:
    return found.sizes.max(axis=1).astype(float)


def _aspect(found: Scan) -> np.ndarray:
    return found.sizes[:, 1] / np.maximum(found.sizes[:, 0], 1)


LIMITS = {
    "tiny": _Check(_shorter_side, -1, 4.0, True, "shorter side {value:.0f} px, below {limit:.0f}"),
    "large": _Check(_longer_side, 1, 4.0, True, "longer side {value:.0f} px, above {limit:.0f}"),
    "odd_aspect": _Check(_aspect, 0, 2.5, True, "width / height {value:.2f}, limit {limit:.2f}"),
    "blurred": _Check(lambda scan: scan.blur, 1, 0.6, False, "blur {value:.2f}, above {limit:.2f}"),
    "dark": _Check(
        lambda found: found.high, -1, 64.0, False,
        "95 % of the pixels are not above grey level {value:.0f}, limit {limit:.0f} of 255",
    ),
    "overexposed": _Check(
        lambda found: found.low, 1, 192.0, False,
        "95 % of the pixels are not below grey level {value:.0f}, limit {limit:.0f} of 255",
    ),
    "flat": _Check(
        lambda found: found.contrast, -1, 4.0, False,
        "grey levels deviate by {value:.1f}, below {limit:.0f}: nothing to be seen",
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
                check.sentence.format(value=value, limit=limit),
            )
            for k, value, limit in _beyond(values, check)
        ]
    return sorted(issues, key=lambda issue: issue.image)


def _beyond(values: np.ndarray, check: _Check) -> Iterator[tuple[int, float, float]]:
    """Yield (position, value, limit) of the values beyond a limit that are outliers as well."""
    known = ~np.isnan(values)
    if not known.any():
        return
    scaled = np.log(np.maximum(values, 1e-9)) if check.is_ratio else values
    median = float(np.median(scaled[known]))
    deviation = _MAD_TO_DEVIATION * float(np.median(np.abs(scaled[known] - median)))
    for sign in (1, -1) if check.sign == 0 else (check.sign,):
        own = median + sign * np.log(check.limit) if check.is_ratio else check.limit
        usual = median + sign * MANY_DEVIATIONS * deviation
        limit = max(own, usual) if sign > 0 else min(own, usual)
        odd = known & (sign * (scaled - limit) > 0)
        told = float(np.exp(limit)) if check.is_ratio else float(limit)
        for k in np.flatnonzero(odd):
            yield int(k), float(values[k]), told
