"""Explanations: occlusion maps of any model."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC

from classicvis import build_pipeline, explain
from classicvis.evaluation._occlusion import occlusion_map
from classicvis.exceptions import ImageError, ParameterError


class BrightCorner(ClassifierMixin, BaseEstimator):
    """Gives the class "bright" the mean of the upper left quarter as its probability."""

    classes_ = np.array(["bright", "dark"])

    def fit(self, X, y=None):
        return self

    def predict_proba(self, X):
        bright = np.array([np.mean(image[: len(image) // 2, : image.shape[1] // 2]) for image in X])
        return np.column_stack([bright, 255 - bright]) / 255

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture(scope="module")
def squares() -> tuple[np.ndarray, np.ndarray]:
    """Noise, half of it with a bright square in the third quarter of rows and of columns."""
    rng = np.random.default_rng(0)
    images = rng.integers(60, 100, (40, 64, 64), dtype=np.uint8)
    images[20:, 32:48, 32:48] = 250
    return images, np.repeat(["without", "with"], 20)


def naive_occlusion(score, image, side, step, value):
    """Write out the definition pixel by pixel: the mean drop over the patches that hide it."""
    height, width = image.shape[:2]
    rows = [r for r in range(height - side) if r % step == 0] + [height - side]
    cols = [c for c in range(width - side) if c % step == 0] + [width - side]
    drops = [[[] for _ in range(width)] for _ in range(height)]
    for row in rows:
        for col in cols:
            hidden = image.copy()
            hidden[row : row + side, col : col + side] = value
            drop = score(image[None])[0] - score(hidden[None])[0]
            for i in range(row, row + side):
                for j in range(col, col + side):
                    drops[i][j].append(drop)
    return np.array([[np.mean(cell) for cell in line] for line in drops])


@pytest.mark.parametrize(("side", "step"), [(4, 2), (5, 3), (3, 3), (11, 1)])
@pytest.mark.parametrize("shape", [(11, 14), (11, 14, 3)])
def test_occlusion_is_the_mean_drop_over_patches(side, step, shape):
    """The map equals its definition, for odd sizes and patches that do not divide the image."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    weights = rng.standard_normal(shape)

    def score(images):
        return np.tanh((images * weights / 255).reshape(len(images), -1).sum(axis=1) / 20)

    found = occlusion_map(score, image, side, step, fill=128)
    assert found.dtype == np.float32
    expected = naive_occlusion(score, image, side, step, 128)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_occlusion_finds_the_square_that_decides(squares):
    """With HOG and a machine of margins, the map is largest where the planted square is."""
    images, labels = squares
    model = build_pipeline("hog", "svm", image_size=64, color="gray").fit(images, labels)
    result = explain(model, images[[25, 30]], method="occlusion", patch_size=16, stride=8)
    assert result.method == "occlusion"
    assert result.labels.tolist() == ["with", "with"]
    assert result.maps.shape == (2, 64, 64)
    assert result.maps.dtype == np.float32
    for found in result.maps:
        inside = found[32:48, 32:48].mean()
        outside = found[:16].mean()
        assert inside > 0.1
        assert inside > 5 * abs(outside)
        row, col = np.unravel_index(found.argmax(), found.shape)
        assert 28 <= row < 52
        assert 28 <= col < 52


def test_maps_are_signed_and_belong_to_the_target(squares):
    """Of two classes, what speaks for the one speaks against the other."""
    images, labels = squares
    model = build_pipeline("hog", "svm", image_size=64).fit(images, labels)
    options = {"patch_size": 16, "stride": 16}
    against = explain(model, images[25:26], target="without", **options)
    named = explain(model, images[25:26], target=["with"], **options)
    np.testing.assert_allclose(against.maps, -named.maps, atol=1e-6)
    np.testing.assert_allclose(against.scores, -named.scores)
    margin = model.decision_function(images[25:26])  # positive for "without", the second
    np.testing.assert_allclose(against.scores, margin / 2)
    assert not named.scores_are_probabilities


def test_a_model_without_a_pipeline_and_images_of_unequal_sizes():
    """Any classifier of images can be explained; maps have the sizes of their images."""
    images = [np.full((20, 30), 200, np.uint8), np.full((14, 16, 3), 220, np.uint8)]
    result = explain(BrightCorner(), images, fill=0, target_names={"bright": "亮"})
    assert [found.shape for found in result.maps] == [(20, 30), (14, 16)]
    assert result.names == ("亮", "亮")
    assert result.scores_are_probabilities
    np.testing.assert_allclose(result.scores, [200 / 255, 220 / 255])
    for found in result.maps:
        assert found[0, 0] > 0.02
        assert (found[len(found) // 2 + 2 :] == 0).all()  # hidden by patches of the lower half only


def test_images_are_as_people_see_them(flower):
    """A pipeline with its own colours is explained by pictures in RGB, at the size it sees."""
    tiles = np.stack([flower[:100, :100], flower[200:300, 200:300]])
    model = build_pipeline(
        "color_histogram", "random_forest", image_size=(20, 30), color="hsv", preprocess="median"
    ).fit(tiles, [0, 1])
    result = explain(model, tiles, patch_size=10, stride=10)
    shown = build_pipeline("hog", image_size=(20, 30))["images"].transform(tiles)
    np.testing.assert_array_equal(result.images, np.stack(list(shown)))
    np.testing.assert_allclose(result.scores, model.predict_proba(tiles).max(axis=1))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "saliency"}, "unknown method 'saliency'"),
        ({"target": "moon"}, "unknown target 'moon'"),
        ({"target": ["bright", "dark"]}, "found 2 targets for 1 images"),
        ({"patch_size": 40}, "expected a patch that fits"),
        ({"patch_size": 4, "stride": 5}, "at most the patch"),
        ({"method": "grad_cam"}, "not yet a network"),
    ],
)
def test_bad_input_is_told(options, sentence):
    """What cannot be explained ends in one sentence."""
    with pytest.raises(ParameterError, match=sentence):
        explain(BrightCorner(), np.full((1, 20, 30), 9, np.uint8), **options)


def test_models_without_a_score_per_class_are_told(texture_tiles):
    """Values of pairs of classes are no scores of classes."""
    tiles, names = texture_tiles
    model = build_pipeline("lbp", SVC(decision_function_shape="ovo"), image_size=64)
    model.fit(tiles[::8], names[::8])
    with pytest.raises(ParameterError, match="pairs of classes"):
        explain(model, tiles[:1])


def test_an_unreadable_image_is_an_error(tmp_path):
    """There is nothing to explain about an image that cannot be read."""
    (tmp_path / "a.jpg").write_text("text")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        explain(BrightCorner(), [str(tmp_path / "a.jpg")])
    with pytest.raises(ImageError, match="found no images"):
        explain(BrightCorner(), [])


def test_plot_shows_each_image_above_its_map():
    """Two pictures and their maps, whose opacity is their strength; names in any script."""
    images = np.full((5, 20, 30, 3), 200, np.uint8)
    result = explain(BrightCorner(), images, fill=0, target_names=["亮", "dark"])
    figure = result.plot()
    figure.canvas.draw()
    with_pictures = [ax for ax in figure.axes if ax.images]
    assert [len(ax.images) for ax in with_pictures] == [1] * 4 + [2] * 4 + [1, 2]
    assert with_pictures[0].get_title().endswith("probability 78.4%")
    overlay = with_pictures[4].images[1]
    alpha = overlay.get_alpha()
    assert alpha.min() == 0
    assert alpha[0, 0] > 0.5
