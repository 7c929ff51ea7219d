"""What patch dictionaries add to the contract of extractors: words, codes and the projection."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances_argmin_min

from classicvis import ImageError, ParameterError, PatchDictionary, build_pipeline
from classicvis.features._patch_dictionary import learn_words, pca_whitening, unit_rows
from tests.reference import patches as slow


@pytest.fixture(scope="module")
def tiles(flower):
    """Ten tiles of 24x20 pixels of a colour photo."""
    starts = np.random.default_rng(0).integers(0, 380, (10, 2))
    return [np.ascontiguousarray(flower[r : r + 24, c : c + 20]) for r, c in starts]


def by_formula(extractor, image):
    """Return the root codes of an image by the slow twins, in float64: (n_cells, n_codes)."""
    total = 0.0
    views = (image, image[:, ::-1]) if extractor.flip else (image,)
    for view in views:
        parts = []
        for vocabulary in extractor.vocabularies_:
            size, stride = vocabulary.patch_size, vocabulary.stride
            patches = slow.normalized_patches(view, size, stride, 10.0)
            patches = (patches - vocabulary.mean) @ vocabulary.whitening.astype(float)
            if extractor.encoding == "triangle":
                codes = slow.triangle(patches, vocabulary.words)
            else:
                responses = patches @ vocabulary.words.T.astype(float)
                codes = slow.soft_threshold(responses, extractor.threshold)
            shape = tuple((side - size) // stride + 1 for side in view.shape[:2])
            parts.append(slow.cell_means(codes, shape, extractor.grid))
        total = total + np.concatenate(parts, axis=1)
    return np.sqrt(total / len(views))


@pytest.mark.parametrize(
    "params",
    [
        {"flip": False},
        {"patch_size": (3, 5), "stride": 2, "grid": (2, 3)},
        {"encoding": "triangle", "dictionary": "kmeans", "grid": (1, 2)},
        {"dictionary": "random", "threshold": 0.25, "patch_size": 20, "grid": (3, 4)},
    ],
    ids=str,
)
def test_codes_are_those_of_the_formulas(tiles, params):
    """Rows are root mean codes, of mirror images too, for every encoding, size and grid."""
    extractor = PatchDictionary(7, n_components=None, max_samples=500, random_state=0, **params)
    rows = extractor.fit(tiles).transform(tiles[:3])
    expected = [by_formula(extractor, tile).ravel() for tile in tiles[:3]]
    np.testing.assert_allclose(rows, expected, atol=1e-4)


def test_blocks_of_patches_do_not_show(tiles, monkeypatch):
    """Codes do not depend on how many responses are worked on at a time."""
    extractor = PatchDictionary(7, n_components=None, random_state=0).fit(tiles)
    expected = extractor.transform(tiles)
    monkeypatch.setattr("classicvis.features._patch_codes._BLOCK_VALUES", 40)
    np.testing.assert_allclose(extractor.transform(tiles), expected, atol=1e-6)


def test_mirror_images_have_equal_rows(tiles):
    """With flip=True an image and its mirror image are the same, without they are not."""
    mirrored = [tile[:, ::-1] for tile in tiles]
    for flip in (True, False):
        extractor = PatchDictionary(7, n_components=5, flip=flip, random_state=0).fit(tiles)
        difference = np.abs(extractor.transform(tiles) - extractor.transform(mirrored)).max()
        assert (difference < 1e-5) == flip


def test_projection_turns_whitens_and_mixes_codes(tiles):
    """With all components, rows are centred codes, turned, partly whitened and shared by cells."""
    few = tiles[:7]  # all of which the projection is learnt from
    plain = PatchDictionary(4, n_components=None, random_state=0).fit(few)
    extractor = PatchDictionary(4, n_components=8, random_state=0).fit(few)
    codes = plain.transform(few).reshape(7, 9, 8).astype(float)
    codes -= codes.mean(axis=0)
    rows = extractor.transform(few).reshape(7, 9, 8)
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    row, col = np.divmod(np.arange(9), 3)
    shares = 0.25 ** (abs(row[:, None] - row) + abs(col[:, None] - col))
    shares /= np.sqrt((shares**2).sum(axis=1, keepdims=True))
    covariance = np.cov(codes.reshape(-1, 8).T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    whitened = codes @ vectors[:, ::-1] / values[::-1] ** 0.375
    whitened *= 0.2 / np.sqrt((whitened**2).sum() / 7)
    # components have no sign of their own
    np.testing.assert_allclose(np.abs(rows), np.abs(shares @ whitened), atol=2e-3)


def test_whitened_patches_have_the_covariance_of_the_regularised_identity():
    """Covariance after whitening is l / (l + regularization) for each eigenvalue l."""
    rng = np.random.default_rng(0)
    patches = (rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6))).astype(np.float32)
    mean, matrix = pca_whitening(patches, 0.5)
    before = np.linalg.eigvalsh(np.cov(patches.T, bias=True))
    after = np.cov(((patches - mean) @ matrix).T, bias=True)
    expected = (before / (before + 0.5))[::-1][: matrix.shape[1]]
    assert len(expected) >= 5
    np.testing.assert_allclose(after, np.diag(expected), atol=1e-4)


def test_whitening_leaves_out_what_the_regularization_damps():
    """Kept are the fewest directions that have 99.8 % of the whitened variance."""
    scales = np.array([10, 3, 1, 0.1, 0.02, 0.001], np.float32)
    patches = np.random.default_rng(0).normal(size=(5000, 6)).astype(np.float32) * scales
    for regularization, n_kept in ((1.0, 4), (0.01, 5), (1e-9, 6)):
        assert pca_whitening(patches, regularization)[1].shape == (6, n_kept)


def test_dictionaries_find_planted_words():
    """Patches along six directions give these back: OMP-1 up to sign, k-means as centres."""
    rng = np.random.default_rng(0)
    planted = np.linalg.qr(rng.normal(size=(20, 6)))[0].T
    which = rng.integers(0, 6, 2000)
    signs = rng.choice([-1, 1], 2000) * rng.uniform(1, 2, 2000)
    noise = 0.01 * rng.normal(size=(2000, 20))
    both_ways = (signs[:, None] * planted[which] + noise).astype(np.float32)
    one_way = (planted[which] + noise).astype(np.float32)
    # of more words than directions, every direction gets some
    omp1 = learn_words(both_ways, 40, "omp1", np.random.RandomState(0))
    assert np.abs(planted @ omp1.T).max(axis=1).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(omp1, axis=1), 1, atol=1e-5)
    k_means = learn_words(one_way, 40, "kmeans", np.random.RandomState(0))
    assert pairwise_distances_argmin_min(planted, k_means)[1].max() < 0.05
    drawn = learn_words(one_way, 40, "random", np.random.RandomState(0))
    assert all((one_way == word).all(axis=1).any() for word in drawn)


def test_omp1_lowers_the_error_of_reconstruction(tiles):
    """Fitted words describe patches better than those they started from."""
    patches = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    patches *= [5, 4, 3, 2, 1, 1, 1, 1]

    def error(words):
        # what |x - (x.d) d|^2 leaves is |x|^2 - (x.d)^2
        return (patches**2).sum() - ((patches @ words.T) ** 2).max(axis=1).sum()

    started = unit_rows(learn_words(patches, 30, "random", np.random.RandomState(0)))
    fitted = learn_words(patches, 30, "omp1", np.random.RandomState(0))
    assert error(fitted) < 0.9 * error(started)


@pytest.mark.parametrize(
    ("side", "patch_size", "stride"), [(28, 6, 1), (32, 6, 1), (96, 12, 3), (4, 3, 1), (2, 2, 1)]
)
def test_layout_follows_the_size_of_images(side, patch_size, stride):
    """By default patches and their stride grow with the images, and fit into tiny ones."""
    images = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), dtype=np.uint8)
    extractor = PatchDictionary(3, n_components=2, max_samples=100, random_state=0)
    (vocabulary,) = extractor.fit(images).vocabularies_
    assert (vocabulary.patch_size, vocabulary.stride) == (patch_size, stride)


def test_grey_and_colour_are_taken_as_learnt(tiles):
    """Learnt from colour, grey images count as colour; learnt from grey, colour ones as grey."""
    grey = [tile[..., 1] for tile in tiles]
    extractor = PatchDictionary(5, n_components=3, random_state=0).fit(tiles)
    expected = extractor.transform([np.repeat(g[..., None], 3, axis=2) for g in grey])
    np.testing.assert_array_equal(extractor.transform(grey), expected)
    assert extractor.fit(grey).transform(tiles).shape == (10, 27)


@pytest.mark.parametrize("dictionary", ["omp1", "kmeans", "random"])
def test_repeated_patches_give_finite_rows(dictionary):
    """Images with fewer different patches than words: the dictionary collapses, rows are finite."""
    stripes = np.zeros((8, 20, 20), np.uint8)
    stripes[:, ::2] = 200
    extractor = PatchDictionary(
        12, patch_size=4, dictionary=dictionary, n_components=6, random_state=0
    )
    assert np.isfinite(extractor.fit(stripes).transform(stripes)).all()


def test_a_flat_image_among_good_ones(tiles):
    """A flat image changes nothing for the others but the sample; its row is finite."""
    flat = np.full((24, 20, 3), 9, np.uint8)
    extractor = PatchDictionary(5, n_components=3, random_state=0).fit([flat, *tiles])
    rows = extractor.transform([*tiles, flat])
    assert np.isfinite(rows).all()
    assert len(np.unique(rows, axis=0)) == 11


def test_float_and_16_bit_images_count_as_8_bit_ones(tiles):
    """Images in other types give the rows of the 8-bit images they stand for."""
    stack = np.stack(tiles)
    extractor = PatchDictionary(5, n_components=3, random_state=0).fit(tiles)
    expected = extractor.transform(tiles)
    np.testing.assert_array_equal(extractor.transform(stack / np.float32(255)), expected)
    np.testing.assert_array_equal(extractor.transform(stack.astype(np.uint16) * 257), expected)


def test_too_little_to_learn_from_says_what_to_do(tiles):
    """Too few patches, flat images alone and images smaller than a patch are refused."""
    with pytest.raises(ImageError, match=r"found 10 patches .* 2 images.*n_words=50; use fewer"):
        PatchDictionary(50, patch_size=20).fit(tiles[:2])
    with pytest.raises(ImageError, match="found 0 patches that are not flat in 1 images"):
        PatchDictionary(5).fit([np.full((24, 24), 7, np.uint8)])
    with pytest.raises(ImageError, match=r"24x20 pixels.*patch_size=21 on both sides"):
        PatchDictionary(5, patch_size=(3, 21)).fit(tiles)
    with pytest.raises(ImageError, match="found an image of 20x24 pixels, expected 24x20"):
        PatchDictionary(5).fit([*tiles, np.rot90(tiles[0])])


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_words": 0},
        {"patch_size": 0},
        {"patch_size": ()},
        {"patch_size": (6, 2.5)},
        {"stride": 0},
        {"dictionary": "k-means"},
        {"encoding": "hard"},
        {"threshold": -1},
        {"threshold": float("nan")},
        {"grid": (2,)},
        {"grid": (0, 2)},
        {"n_components": 0},
        {"flip": None},
        {"max_samples": 1.5},
    ],
    ids=str,
)
def test_wrong_parameters_are_named(tiles, wrong):
    """`fit` names the parameter that cannot be used."""
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))}="):
        PatchDictionary(**{"n_words": 5} | wrong).fit(tiles)


def test_pipelines_do_not_scale_projected_rows():
    """Projected rows come scaled, codes do not; the step "scaler" is there for codes only."""
    assert "scaler" not in build_pipeline("patches", "linear_svm").named_steps
    codes = PatchDictionary(n_components=None)
    assert "scaler" in build_pipeline(codes, "linear_svm").named_steps
    assert "scaler" in build_pipeline(["patches", "hog"], "linear_svm").named_steps
