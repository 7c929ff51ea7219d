"""Numbers are API: a feature value that changes is a new version of its extractor.

``python -m tests.features.test_golden`` writes the file anew, after a version was raised.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from sklearn.base import clone

from classicvis.features import FisherVector, ImageExtractor, PatchDictionary
from classicvis.features._local import LocalEncoder
from tests.features.test_common import VARIANTS

GOLDEN = Path(__file__).with_name("golden.json")
REWRITE = "raise the extractor's version, then run python -m tests.features.test_golden"


def pictures() -> list[np.ndarray]:
    astronaut, camera = skimage.data.astronaut(), skimage.data.camera()
    return [
        np.ascontiguousarray(picture[top : top + 96, left : left + 96])
        for picture in (astronaut, np.repeat(camera[..., None], 3, axis=2))
        for top, left in ((60, 180), (300, 100))
    ]


def digest(rows: np.ndarray) -> list[float]:
    """Project every value onto random signs: any change of a value shows, rounding does not."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (8, rows.size))
    return (signs @ rows.ravel().astype(float)).round(6).tolist()


def measured(extractor: ImageExtractor) -> dict[str, object]:
    extractor = clone(extractor).fit(pictures())
    if isinstance(extractor, LocalEncoder):
        set_words(extractor)
    if isinstance(extractor, PatchDictionary):
        # Words are drawn, not fitted, and components, which rounding can turn, are replaced.
        extractor.set_params(dictionary="random").fit(pictures())
        if extractor.projection_ is not None:
            angles = np.arange(extractor.projection_.matrix.size, dtype=np.float32)
            matrix = np.sin(angles).reshape(extractor.projection_.matrix.shape)
            extractor.projection_ = extractor.projection_._replace(matrix=matrix)
    rows = extractor.transform(pictures())
    return {"version": extractor.version, "shape": list(rows.shape), "digest": digest(rows)}


def set_words(extractor: LocalEncoder) -> None:
    """Put numbers that do not hang on rounding in the place of what was learnt.

    k-means turns the last bit of a descriptor into another vocabulary, and principal axes change
    sign; the words here are descriptors themselves, far from ties.
    """
    if extractor.n_components is not None:
        shape = extractor.components_.shape
        extractor.components_ = np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)
        extractor.mean_ = np.full(shape[1], 0.05, np.float32)
    words = extractor._project(extractor._describe(pictures()[1]))
    if isinstance(extractor, FisherVector):
        n_modes = extractor.n_modes
        extractor.weights_ = np.full(n_modes, 1 / n_modes, np.float32)
        extractor.means_ = words[:: len(words) // n_modes][:n_modes]
        extractor.variances_ = np.tile(words.var(axis=0), (n_modes, 1))
    else:
        n_words = len(extractor.vocabulary_)
        extractor.vocabulary_ = words[:: len(words) // n_words][:n_words]


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_values_are_those_of_the_version(extractor):
    """Features of real pictures are what they were when the version was made."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[repr(extractor)]
    now = measured(extractor)
    assert now["version"] == golden["version"], REWRITE
    assert now["shape"] == golden["shape"], REWRITE
    np.testing.assert_allclose(now["digest"], golden["digest"], atol=2e-4, err_msg=REWRITE)


def test_a_changed_value_is_seen():
    """A single value that moves by a thousandth fails the comparison."""
    rows = np.random.default_rng(1).random((4, 100), dtype=np.float32)
    changed = rows.copy()
    changed[2, 3] += 1e-3
    assert np.abs(np.subtract(digest(changed), digest(rows))).max() > 4e-4


if __name__ == "__main__":
    values = {repr(extractor): measured(extractor) for extractor in VARIANTS}
    GOLDEN.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
