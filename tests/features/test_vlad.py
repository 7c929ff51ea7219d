"""What VLAD adds to the contract of extractors: sums of residuals, normalised, by region."""

from __future__ import annotations

import numpy as np
import pytest

from classicvis import ParameterError, Vlad
from classicvis.functional import dense_sift
from tests.reference import encoders

GRID = {"step": 12, "bin_size": 4, "min_norm": 0.0}


@pytest.mark.parametrize("normalization", ["power", "intra"])
def test_rows_are_those_of_the_papers(texture_tiles, normalization):
    """Rows are those of the double loop over words and descriptors, region by region."""
    tiles = list(texture_tiles[0][::16])
    extractor = Vlad(
        6,
        **GRID,
        normalization=normalization,
        n_components=None,
        positions=False,
        layout=("1x1", "1x2"),
        random_state=0,
    ).fit(tiles)
    row = extractor.transform(tiles[:1]).reshape(3, -1)
    dense = dense_sift(tiles[0], 12, 4, root=True)
    left = (dense.frames[:, 1] + 0.5) / 64 < 0.5
    for part, chosen in zip(row, (left | True, left, ~left), strict=True):
        expected = encoders.vlad(dense.descriptors[chosen], extractor.vocabulary_, normalization)
        np.testing.assert_allclose(part, expected, atol=2e-5)


def test_a_word_without_descriptors_is_zero(texture_tiles):
    """Words that nothing is nearest to have zeros, not NaN, whatever the normalisation."""
    tiles = list(texture_tiles[0][::16])
    extractor = Vlad(5, **GRID, layout="1x1", random_state=0).fit(tiles)
    extractor.vocabulary_[2] = 100
    words = extractor.transform(tiles).reshape(len(tiles), 5, -1)
    assert (words[:, 2] == 0).all()
    assert np.isfinite(words).all()
    assert (np.abs(words[:, [0, 1, 3, 4]]).sum(axis=(0, 2)) > 0).all()


def test_wrong_normalization(texture_tiles):
    """`fit` names the parameter that cannot be used."""
    with pytest.raises(ParameterError, match="normalization='l2'"):
        Vlad(5, normalization="l2").fit(texture_tiles[0][:4])
