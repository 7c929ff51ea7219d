"""What bags of visual words add to the contract of extractors: votes, pooling, regions, kernels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.metrics import pairwise_distances_argmin

from classicvis import BagOfVisualWords, ParameterError
from classicvis.functional import dense_sift, sift
from tests.reference import encoders


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
        12, step=5.5, bin_size=(4, 6), min_norm=0.1, kernel="linear", random_state=0
    )
    rows = extractor.fit(tiles).transform(tiles)
    for row, tile in zip(rows, tiles, strict=True):
        dense = dense_sift(tile, 5.5, (4, 6), root=True)
        chosen = dense.norms > 0.1
        np.testing.assert_allclose(row, words(extractor, dense.descriptors[chosen]), atol=1e-6)
    assert 0 < chosen.sum() < len(chosen)


def test_keypoints_reach_the_descriptors(tiles):
    """With descriptor="sift" rows are the words at the keypoints."""
    extractor = BagOfVisualWords(12, descriptor="sift", kernel="linear", random_state=0)
    rows = extractor.fit(tiles).transform(tiles)
    for row, tile in zip(rows, tiles, strict=True):
        expected = words(extractor, sift(tile, root=True).descriptors)
        np.testing.assert_allclose(row, expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["sum", "max"])
@pytest.mark.parametrize("assignment", ["hard", "soft", "llc"])
def test_codes_are_those_of_the_papers(tiles, assignment, pooling):
    """Votes, pooling and regions are those of the slow twin, descriptor by descriptor."""
    extractor = BagOfVisualWords(
        9,
        step=12,
        assignment=assignment,
        n_neighbors=4,
        beta=3,
        pooling=pooling,
        kernel="linear",
        layout=("2x2", "3x1"),
        random_state=0,
    ).fit(tiles)
    dense = dense_sift(tiles[0], 12, 4, root=True)
    vocabulary = extractor.vocabulary_
    options = {"hard": (), "soft": (4, 3), "llc": (4,)}[assignment]
    code = getattr(encoders, assignment)
    codes = np.array([code(descriptor, vocabulary, *options) for descriptor in dense.descriptors])
    members = encoders.regions((dense.frames[:, :2] + 0.5) / 64, [(2, 2), (3, 1)])
    expected = encoders.bag_of_words(codes, members, pooling)
    row = extractor.transform(tiles[:1])[0]
    np.testing.assert_allclose(row, expected.ravel(), atol=2e-5)


def test_kernels_map_the_same_histogram(tiles):
    """Square roots, or the values of scikit-learn's additive chi-squared sampler."""
    rows = {
        kernel: BagOfVisualWords(12, kernel=kernel, layout="2x1", random_state=0)
        .fit(tiles)
        .transform(tiles)
        for kernel in ("linear", "hellinger", "chi2")
    }
    np.testing.assert_allclose(rows["hellinger"] ** 2, rows["linear"], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows["hellinger"], axis=1), 1, rtol=1e-5)
    histograms = rows["linear"].reshape(-1, 12)
    mapped = AdditiveChi2Sampler().fit_transform(histograms)
    np.testing.assert_allclose(rows["chi2"].reshape(-1, 36), mapped, atol=1e-6)


def test_negative_votes_are_mapped_as_odd_functions(tiles):
    """The kernels take the negative weights of locality-constrained coding by their size."""
    bags = {
        kernel: BagOfVisualWords(12, assignment="llc", kernel=kernel, random_state=0)
        .fit(tiles)
        .transform(tiles)
        for kernel in ("linear", "hellinger")
    }
    assert (bags["linear"] < 0).any()
    np.testing.assert_allclose(
        np.sign(bags["linear"]) * np.sqrt(np.abs(bags["linear"])), bags["hellinger"], atol=1e-6
    )


def test_fewer_words_than_neighbors(tiles):
    """A vocabulary smaller than the number of nearest words gives them all."""
    few = BagOfVisualWords(3, assignment="soft", n_neighbors=5, random_state=0).fit(tiles)
    all_three = BagOfVisualWords(3, assignment="soft", n_neighbors=3, random_state=0).fit(tiles)
    np.testing.assert_array_equal(few.transform(tiles), all_three.transform(tiles))


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
        {"assignment": "kd-tree"},
        {"n_neighbors": 0},
        {"beta": 0},
        {"pooling": "mean"},
        {"kernel": "rbf"},
        {"n_words": 1.5},
    ],
)
def test_wrong_parameters_are_named(tiles, wrong):
    """`fit` names the parameter that cannot be used."""
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))}="):
        BagOfVisualWords(**{"n_words": 5} | wrong).fit(tiles)
