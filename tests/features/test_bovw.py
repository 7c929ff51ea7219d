"""What bags of visual words add to the contract of extractors: their descriptors' options."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances_argmin

from classicvis import BagOfVisualWords, ImageError, ParameterError
from classicvis.functional import dense_sift, sift


@pytest.fixture(scope="module")
def tiles(texture_tiles):
    return list(texture_tiles[0][::16])


def words(extractor, descriptors):
    """Return the frequencies of words by scikit-learn's nearest centre."""
    nearest = pairwise_distances_argmin(descriptors, extractor.vocabulary_)
    return np.bincount(nearest, minlength=extractor.n_words) / len(nearest)


def test_sizes_and_step_reach_the_descriptors(tiles):
    """Rows are the words of dense SIFT at the sizes, step and least norm asked for."""
    extractor = BagOfVisualWords(
        12, step=5.5, bin_size=(4, 6), min_norm=0.1, hellinger=False, random_state=0
    )
    rows = extractor.fit(tiles).transform(tiles)
    for row, tile in zip(rows, tiles, strict=True):
        dense = dense_sift(tile, 5.5, (4, 6), root=True)
        chosen = dense.norms > 0.1
        np.testing.assert_allclose(row, words(extractor, dense.descriptors[chosen]), atol=1e-6)
    assert 0 < chosen.sum() < len(chosen)


def test_keypoints_reach_the_descriptors(tiles):
    """With descriptor="sift" rows are the words at the keypoints."""
    extractor = BagOfVisualWords(12, descriptor="sift", hellinger=False, random_state=0)
    rows = extractor.fit(tiles).transform(tiles)
    for row, tile in zip(rows, tiles, strict=True):
        expected = words(extractor, sift(tile, root=True).descriptors)
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_patches_below_the_least_norm_do_not_vote(tiles):
    """A picture with nothing above the least norm has a row of zeros."""
    extractor = BagOfVisualWords(5, min_norm=0.02, random_state=0).fit(tiles)
    faint = np.where(tiles[0] > 128, 129, 128).astype(np.uint8)
    assert (dense_sift(faint).norms > 0).any()
    rows = extractor.transform([faint, np.full((64, 64), 7, np.uint8), tiles[0]])
    assert (rows[:2] == 0).all()
    assert rows[2].sum() > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": 0},
        {"step": "4"},
        {"bin_size": 0.5},
        {"bin_size": ()},
        {"bin_size": [4, None]},
        {"min_norm": -0.1},
        {"min_norm": "0"},
        {"min_norm": float("nan")},
        {"descriptor": "dsift"},
        {"n_words": 1.5},
        {"max_samples": 0},
    ],
)
def test_wrong_parameters_are_named(tiles, wrong):
    """`fit` names the parameter that cannot be used."""
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))}="):
        BagOfVisualWords(**{"n_words": 5} | wrong).fit(tiles)


def test_too_few_descriptors_say_what_to_do():
    """A vocabulary larger than the number of descriptors is refused."""
    with pytest.raises(ImageError, match="fewer words"):
        BagOfVisualWords(50).fit([np.zeros((32, 32), np.uint8)])
