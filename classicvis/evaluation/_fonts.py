"""Class names in any script: fonts that have their characters, or an honest stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from classicvis.evaluation._text import shortened

CJK_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "SimHei",
    "SimSun",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Microsoft JhengHei",
    "Malgun Gothic",
    "Yu Gothic",
    "Arial Unicode MS",
    "Droid Sans Fallback",
)


class Lettering(NamedTuple):
    """How to write class names in one figure.

    Attributes
    ----------
    names : list of str
        What to write for each name: itself, or "#3" where no font has its characters.
    style : dict
        Keywords for every matplotlib text that shows names.
    note : str
        A sentence for the foot of the figure; empty where every name can be written.
    """

    names: list[str]
    style: dict[str, Any]
    note: str


def lettering(names: Iterable[str], width: int) -> Lettering:
    """Return how to write names, each at most `width` columns wide.

    The fonts go into the text objects, not into `matplotlib.rcParams`, which all threads share.
    """
    from matplotlib import font_manager, rcParams

    names = [shortened(name, width) for name in names]
    families = list(rcParams["font.family"])
    known = _characters(font_manager.findfont(font_manager.FontProperties(family=families)))
    needed = set().union(*names) - known
    installed = set(font_manager.get_font_names()) if needed else set()
    for family in CJK_FAMILIES:
        if family not in installed or not needed:
            continue
        characters = _characters(font_manager.findfont(family))
        if not needed.isdisjoint(characters):
            families.append(family)
            known |= characters
            needed -= characters
    written = [name if known.issuperset(name) else f"#{i}" for i, name in enumerate(names)]
    note = ""
    if needed:
        note = (
            "#n: row n (from 0) of the table of classes;\nno font here has the letters of its name"
        )
    # parse_math: a name with two dollar signs is no formula
    return Lettering(written, {"fontfamily": families, "parse_math": False}, note)


@lru_cache(maxsize=32)
def _characters(path: str) -> frozenset[str]:
    from matplotlib import font_manager

    return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
