"""What Fisher vectors add to the contract of extractors: scikit-image's numbers, by region."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.feature
from sklearn.mixture import GaussianMixture

from classicvis import FisherVector, ParameterError
from classicvis.features._layout import make_layout

GRID = {"step": 4, "bin_size": (4, 6), "min_norm": 0.0, "n_components": 12}


def mixture_of(extractor):
    """Return the learnt modes as the object that scikit-image wants."""
    mixture = GaussianMixture(extractor.n_modes, covariance_type="diag")
    mixture.weights_ = extractor.weights_.astype(float)
    mixture.means_ = extractor.means_.astype(float)
    mixture.covariances_ = extractor.variances_.astype(float)
    mixture.precisions_cholesky_ = 1 / np.sqrt(mixture.covariances_)
    return mixture


def gradients(extractor, image, region=None):
    """Return scikit-image's gradients for means and deviations: (2 * n_modes, d)."""
    local = extractor._describe(image)
    descriptors = extractor._project(local)
    if region is not None:
        layout = make_layout("2x1")
        descriptors = descriptors[layout.atoms(local.positions) == region]
    return comparable(skimage.feature.fisher_vector(descriptors, mixture_of(extractor)), extractor)


def comparable(vector, extractor):
    """Bring a vector of scikit-image to our form: no weights, deviations of VLFeat's sign."""
    n_modes = extractor.n_modes
    by_parameter = vector[n_modes:].reshape(2 * n_modes, -1)
    return by_parameter * np.repeat([[1], [-1]], n_modes, axis=0)


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("normalization", ["power", "intra"])
def test_rows_are_those_of_scikit_image(texture_tiles, normalization, positions):
    """Gradients are scikit-image's, normalised as the papers say, region by region."""
    tiles = list(texture_tiles[0][::12])
    extractor = FisherVector(
        4,
        **GRID,
        normalization=normalization,
        positions=positions,
        layout=("1x1", "2x1"),
        random_state=0,
    ).fit(tiles)
    rows = extractor.transform(tiles[:2]).reshape(2, 3, -1)
    for row, tile in zip(rows, tiles[:2], strict=True):
        for part, region in zip(row, (None, 0, 1), strict=True):
            expected = gradients(extractor, tile, region)
            if normalization == "power":
                expected = np.sign(expected) * np.sqrt(np.abs(expected))
            else:
                expected /= np.linalg.norm(expected, axis=1, keepdims=True)
            expected = expected.ravel() / np.linalg.norm(expected)
            np.testing.assert_allclose(part, expected, atol=1e-4)


def test_the_improved_vector_is_scikit_images(texture_tiles):
    """With power normalisation and one region the row is scikit-image's improved vector."""
    tiles = list(texture_tiles[0][::12])
    extractor = FisherVector(
        4, **GRID, normalization="power", positions=False, layout="1x1", random_state=0
    ).fit(tiles)
    descriptors = extractor._project(extractor._describe(tiles[0]))
    expected = skimage.feature.fisher_vector(descriptors, mixture_of(extractor), improved=True)
    expected = comparable(expected, extractor).ravel()
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(extractor.transform(tiles[:1])[0], expected, atol=1e-4)


def test_wrong_normalization(texture_tiles):
    """`fit` names the parameter that cannot be used."""
    with pytest.raises(ParameterError, match="normalization='l2'"):
        FisherVector(5, normalization="l2").fit(texture_tiles[0][:4])
