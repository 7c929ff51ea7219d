"""What encoders of local descriptors share: colours, projection, positions, samples, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from sklearn.decomposition import PCA

from classicvis import BagOfVisualWords, FisherVector, ImageError, ParameterError, Vlad
from classicvis.functional import dense_sift

SMALL = {"step": 8, "bin_size": 4, "min_norm": 0.0}
ENCODERS = [
    BagOfVisualWords(6, **SMALL, n_components=8, positions=True, random_state=0),
    Vlad(6, **SMALL, n_components=8, layout=("1x1", "2x1"), random_state=0),
    FisherVector(4, **SMALL, n_components=8, layout=("1x1", "2x1"), random_state=0),
]
every_encoder = pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: type(e).__name__)


@pytest.fixture(scope="module")
def tiles(texture_tiles):
    return list(texture_tiles[0][::16])


@pytest.fixture(scope="module")
def photos():
    """Colour tiles of two photos."""
    pictures = (skimage.data.astronaut(), skimage.data.coffee())
    return [picture[100:164, left : left + 64] for picture in pictures for left in (60, 200, 300)]


def test_channels_are_described_side_by_side(photos):
    """RGB descriptors are those of the three channels; opponent ones begin with intensity."""
    rgb = BagOfVisualWords(5, **SMALL, color="rgb")._describe(photos[0])
    for channel in range(3):
        np.testing.assert_array_equal(
            rgb.descriptors[:, 128 * channel : 128 * (channel + 1)],
            dense_sift(photos[0][..., channel], 8, 4, root=True).descriptors,
        )
    opponent = BagOfVisualWords(5, **SMALL, color="opponent")._describe(photos[0])
    mean = photos[0].mean(axis=2) / 255
    red, green, blue = np.moveaxis(photos[0] / 255, 2, 0)
    channels = mean, (red - green + 1) / 2, (red + green - 2 * blue + 2) / 4
    for i, channel in enumerate(channels):
        expected = dense_sift(channel, 8, 4, root=True).descriptors
        part = opponent.descriptors[:, 128 * i : 128 * (i + 1)]
        np.testing.assert_allclose(part, expected, atol=2e-3)


def test_a_patch_stays_if_one_channel_has_contrast():
    """Red against green of one intensity has structure for the opponent channels only."""
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[::, ::8, 0] = 120
    picture[::, 4::8, 1] = 120
    flat = np.repeat(picture.sum(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for color, image, found in (("opponent", picture, True), ("opponent", flat * 0, False)):
        encoder = BagOfVisualWords(5, **SMALL | {"min_norm": 0.01}, color=color)
        assert (len(encoder._describe(image).descriptors) > 0) == found


@pytest.mark.parametrize("color", ["rgb", "opponent"])
@every_encoder
def test_one_channel_images_have_colour_descriptors(tiles, photos, encoder, color):
    """A grey image is one whose three channels are the same."""
    encoder = type(encoder)(**encoder.get_params() | {"color": color}).fit(photos)
    rows = encoder.transform([tiles[0], np.repeat(tiles[0][..., np.newaxis], 3, axis=2)])
    assert np.isfinite(rows).all()
    assert np.abs(rows).sum() > 0
    np.testing.assert_array_equal(rows[0], rows[1])


def test_projection_is_the_principal_component_analysis(tiles):
    """Projected descriptors are scikit-learn's, whitened or not, and positions come after them."""
    for whiten in (False, True):
        encoder = Vlad(4, **SMALL, n_components=6, whiten=whiten, random_state=0).fit(tiles)
        sample = np.concatenate([encoder._describe(tile).descriptors for tile in tiles])
        pca = PCA(6, whiten=whiten, svd_solver="covariance_eigh").fit(sample)
        local = encoder._describe(tiles[0])
        projected = encoder._project(local)
        np.testing.assert_allclose(
            projected[:, :6], pca.transform(local.descriptors), atol=1e-4 if whiten else 1e-5
        )
        np.testing.assert_allclose(projected[:, 6:], local.positions - 0.5, atol=1e-6)
    frames = dense_sift(tiles[0], 8, 4).frames
    np.testing.assert_allclose(local.positions, (frames[:, :2] + 0.5) / 64, atol=1e-6)


def test_the_sample_is_bounded_and_even(tiles, monkeypatch):
    """So many descriptors are learnt from, as many of each image, and those are its own."""
    seen = []
    monkeypatch.setattr(
        Vlad, "_learn_words", lambda self, sample, random_state: seen.append(sample.copy())
    )
    monkeypatch.setattr(Vlad, "_n_values", lambda self: 1)
    Vlad(2, **SMALL, n_components=None, positions=False, max_samples=30, random_state=0).fit(tiles)
    assert seen[0].shape == (30, 128)
    for i, tile in enumerate(tiles):
        own = {row.tobytes() for row in dense_sift(tile, 8, 4, root=True).descriptors}
        assert all(row.tobytes() in own for row in seen[0][5 * i : 5 * i + 5])


@every_encoder
def test_what_has_no_keypoints(tiles, encoder):
    """Flat and tiny images, and those of no contrast, have rows of zeros among good ones."""
    encoder.fit(tiles)
    flat = [
        np.full((64, 64), 9, np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((5, 90, 3), np.uint8),
    ]
    rows = encoder.transform([*flat, tiles[0]])
    assert (rows[:3] == 0).all()
    np.testing.assert_array_equal(rows[3], encoder.transform(tiles[:1])[0])
    keypoints = type(encoder)(**encoder.get_params() | {"descriptor": "sift"}).fit(tiles)
    assert (keypoints.transform(flat) == 0).all()


@every_encoder
def test_a_flat_image_among_those_to_learn_from(tiles, encoder):
    """`fit` learns from the others."""
    rows = encoder.fit_transform([tiles[0], np.full((64, 64), 9, np.uint8), *tiles[1:]])
    assert np.isfinite(rows).all()
    assert (rows[1] == 0).all()
    assert (np.abs(rows[[0, 2, 3]]).sum(axis=1) > 0).all()


@pytest.mark.parametrize("whiten", [False, True])
@every_encoder
def test_vocabularies_that_collapse(tiles, encoder, whiten):
    """Descriptors that are all alike give finite rows, for other images too."""
    slope = np.tile(np.arange(64, dtype=np.uint8) * 3, (64, 1))
    alike = dense_sift(slope, 8, 4, root=True).descriptors
    assert np.ptp(alike, axis=0).max() < 1e-5
    params = encoder.get_params() | {"positions": False, "whiten": whiten}
    rows = type(encoder)(**params).fit([slope, slope]).transform([slope, *tiles])
    assert np.isfinite(rows).all()


@every_encoder
def test_float_and_uint16_images(tiles, encoder):
    """Images of other types are those of 8 bits."""
    expected = encoder.fit(tiles).transform(tiles)
    floats = [tile / 255 for tile in tiles]
    deep = [tile.astype(np.uint16) * 257 for tile in tiles]
    for images in (floats, deep):
        np.testing.assert_array_equal(encoder.transform(images), expected)


@every_encoder
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "found 25 descriptors in 1 images, expected at least n_(words|modes)=26; use fewer"),
        ({"n_components": 26}, "found 25 descriptors .* expected at least n_components=26; use"),
        ({"n_components": None}, "found 0 descriptors"),
    ],
)
def test_too_few_descriptors_say_what_to_do(tiles, encoder, params, message):
    """More words or components than descriptors to learn from are refused in one sentence."""
    name = encoder._size
    image = np.zeros((64, 64), np.uint8) if "found 0" in message else tiles[0][:45, :45]
    params = {"n_components": None, "positions": False, name: 2 if params else 26} | params
    with pytest.raises(ImageError, match=message):
        type(encoder)(**encoder.get_params() | params).fit([image])


@every_encoder
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
        {"max_samples": 0},
        {"color": "hsv"},
        {"color": "rgb", "descriptor": "sift"},
        {"n_components": 0},
        {"n_components": 129},
        {"layout": "2"},
        {"layout": []},
    ],
    ids=str,
)
def test_wrong_parameters_are_named(tiles, encoder, wrong):
    """`fit` names the parameter that cannot be used."""
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))}="):
        type(encoder)(**encoder.get_params() | wrong).fit(tiles)
