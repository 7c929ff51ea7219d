"""Evaluation of the pipelines that `build_pipeline` makes, on image files."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from classicvis.evaluation import cross_evaluate, evaluate
from classicvis.exceptions import UnreadableImageWarning
from classicvis.images import load_image_folder
from classicvis.pipeline import build_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    """Return a folder of pictures of three digits in Chinese folders, one file damaged."""
    root = tmp_path_factory.mktemp("图片")
    images, target = digits
    for i in np.flatnonzero(target < 3):
        path = root / ["零", "一", "二"][target[i]] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.kron(images[i], np.ones((4, 4), np.uint8))).save(path)
    (root / "一" / "坏.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


def pipeline(**params):
    return build_pipeline(["hog", "color_histogram"], image_size=(32, 32), **params)


def test_folder_with_a_damaged_file(folder, tmp_path):
    """A marked damaged file is listed by its path, and the report shows the rest."""
    skipped = load_image_folder(folder, on_error="skip")
    model = pipeline().fit(skipped.images, skipped.target)
    data = load_image_folder(folder, on_error="mark")
    with pytest.warns(UnreadableImageWarning, match="1 of"):
        result = evaluate(model, data.images, data.target, target_names=data.target_names)
    assert result.n_samples == len(skipped.paths) == len(data.paths) - 1
    assert [entry.path for entry in result.skipped] == [str(folder / "一" / "坏.png")]
    assert result.accuracy > 0.9
    assert set(result.target_names) == {"零", "一", "二"}
    assert result.names == tuple(map(str, skipped.paths))
    page = result.save_report(tmp_path / "报告") / "index.html"
    assert "坏.png" in page.read_text("utf-8")


def test_cross_evaluation_of_a_folder(folder):
    """Out-of-fold predictions of an ImageSequence with string labels are good ones."""
    data = load_image_folder(folder, on_error="skip")
    result = cross_evaluate(pipeline(), data.images, data.labels, cv=3)
    assert result.accuracy > 0.9
    assert_array_equal(result.y_true, data.labels)


@pytest.mark.parametrize(
    ("classifier", "has_probabilities"),
    [("svm", False), ("linear_svm", False), ("random_forest", True), ("logistic_regression", True)],
)
def test_classifiers(folder, classifier, has_probabilities):
    """Each kind of learner gives a confidence for every prediction."""
    data = load_image_folder(folder, on_error="skip")
    model = pipeline(classifier=classifier, random_state=0).fit(data.images, data.labels)
    result = evaluate(model, [str(path) for path in data.paths], data.labels)
    assert_array_equal(result.y_pred, model.predict(data.images))
    assert result.confidence_is_probability == has_probabilities
    assert (result.log_loss is not None) == has_probabilities
    assert np.isfinite(result.confidences).all()
    assert (result.confidences >= 0).all()
