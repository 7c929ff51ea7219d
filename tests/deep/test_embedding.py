"""Embeddings: rows of a network, shared, pickled, computed once."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from classicvis import (
    ClassicVisError,
    CnnEmbedding,
    ExtractorUnion,
    HogExtractor,
    MissingDependencyError,
    ModelFileError,
    ParameterError,
    build_pipeline,
    load_image_folder,
)
from classicvis.backbones import _embed
from classicvis.backbones._rows import SessionRows
from classicvis.backbones.keras import load_keras
from classicvis.testing import check_image_extractor

SMALL = CnnEmbedding("MobileNetV2-0.35", weights=None, image_size=(64, 64), random_state=0)


def tiny_network():
    """Return a network for images of 16 x 16 pixels, with a map of 7 x 7 values."""
    keras = load_keras()
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(6, 3, strides=2, activation="relu", name="convolution"),
    ]
    return keras.Sequential(layers)


def tiny(**params):
    return CnnEmbedding(tiny_network, weights=None, batch_size=8, **{"random_state": 0, **params})


@pytest.fixture
def elsewhere(tmp_path):
    """A function that runs code in a new process, which shares no rows with this one."""

    def run(code: str, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        environment["CLASSICVIS_SESSION_DIR"] = str(tmp_path / "other session")
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.check_output(command, text=True, env=environment)

    return run


@pytest.mark.parametrize("extractor", [SMALL, tiny(), tiny(pooling="gem", grid=(3, 2), flip=True)])
def test_contract(extractor):
    """Embeddings keep the contract of extractors."""
    check_image_extractor(extractor)
    assert extractor.version >= 1
    assert extractor.reference


def test_rows_are_those_of_keras(keras, flower, shared_data):
    """With published weights a row is what keras.applications gives on the same pixels."""
    weights = shared_data / "weights" / "mobilenet_v2_035_224_imagenet_notop.weights.h5"
    photos = np.stack([flower[:224, i : i + 224] for i in (0, 100, 200)])
    bare = keras.applications.MobileNetV2(
        (224, 224, 3), 0.35, include_top=False, weights=weights, pooling="avg"
    )
    scaled = keras.applications.mobilenet_v2.preprocess_input(photos.astype(np.float32))
    rows = CnnEmbedding("MobileNetV2-0.35", weights=weights, grid=(1, 1)).fit_transform(photos)
    np.testing.assert_allclose(rows, bare.predict_on_batch(scaled), atol=1e-4)


def test_grid_and_image_size(texture_tiles):
    """The grid gives a block of features for each region; the size is the network's or given."""
    tiles = texture_tiles[0][:3]
    assert tiny().fit(tiles).n_features_out_ == 2 * 2 * 6
    assert tiny(grid=(1, 3)).fit(tiles).n_features_out_ == 3 * 6
    extractor = tiny(image_size=(32, 24)).fit(tiles)
    assert extractor.network_.input_shape == (None, 32, 24, 3)
    assert extractor.best_size == (32, 24)
    assert extractor.image_shape_ == (64, 64)


def test_clones_share_the_network(texture_tiles):
    """Extractors of one configuration share a live network, others do not."""
    tiles = texture_tiles[0][:3]
    first = tiny().fit(tiles)
    assert clone(first).fit(tiles).network_ is first.network_
    assert tiny(n_jobs=2).fit(tiles).network_ is first.network_
    assert tiny(random_state=1).fit(tiles).network_ is not first.network_
    assert tiny(pooling="max").fit(tiles).network_ is not first.network_


def test_given_models(keras, texture_tiles, tmp_path):
    """A model and its file give the same rows; the model survives clone and pickle."""
    tiles = texture_tiles[0][:3]
    model = tiny_network()
    model.save(tmp_path / "tiny.keras")
    from_model = CnnEmbedding(model)
    rows = from_model.fit_transform(tiles)
    for other in (
        CnnEmbedding(tmp_path / "tiny.keras"),
        clone(from_model),
        pickle.loads(pickle.dumps(from_model)),
    ):
        np.testing.assert_allclose(other.fit_transform(tiles), rows, atol=1e-6)
    assert not np.allclose(CnnEmbedding(tiny_network()).fit_transform(tiles), rows)


def test_rows_are_computed_once(monkeypatch, texture_tiles):
    """A second fit in the session finds all rows, and computes those of new images only."""
    tiles = texture_tiles[0]
    computed = []

    class Counter(_embed.BatchRunner):
        def __call__(self, pixels):
            computed.append(len(pixels))
            return super().__call__(pixels)

    monkeypatch.setattr(_embed, "BatchRunner", Counter)
    rows = tiny(random_state=11).fit_transform(tiles[:40])
    assert sum(computed) == 40
    found = tiny(random_state=11).fit_transform(tiles[10:50])
    assert sum(computed) == 50
    np.testing.assert_array_equal(found[:30], rows[10:])
    tiny(random_state=11, flip=True).fit_transform(tiles[:40])
    assert sum(computed) == 90


def test_known_rows_need_no_engine(texture_tiles, tmp_path):
    """A process of the session that finds all rows never imports Keras."""
    tiles = texture_tiles[0][:9]
    rows = SMALL.fit_transform(tiles)
    np.save(tmp_path / "tiles.npy", tiles)
    code = """
import sys
import numpy as np
from classicvis import CnnEmbedding
extractor = CnnEmbedding("MobileNetV2-0.35", weights=None, image_size=(64, 64), random_state=0)
np.save(sys.argv[2], extractor.fit_transform(np.load(sys.argv[1])))
assert not {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)
"""
    files = [str(tmp_path / "tiles.npy"), str(tmp_path / "rows.npy")]
    subprocess.check_call([sys.executable, "-c", code, *files])
    np.testing.assert_array_equal(np.load(files[1]), rows)


LOAD = """
import pickle, sys
import numpy as np
with open(sys.argv[1], "rb") as file:
    extractor = pickle.load(file)
"""


def test_pickle_answers_identically_elsewhere(elsewhere, texture_tiles, tmp_path):
    """A fitted extractor takes its random weights into a process that shares nothing."""
    tiles = texture_tiles[0][:9]
    extractor = SMALL.fit(tiles)
    (tmp_path / "extractor.pickle").write_bytes(pickle.dumps(extractor))
    np.save(tmp_path / "tiles.npy", tiles)
    files = [str(tmp_path / name) for name in ("extractor.pickle", "tiles.npy", "rows.npy")]
    elsewhere(LOAD + "np.save(sys.argv[3], extractor.transform(np.load(sys.argv[2])))", *files)
    np.testing.assert_allclose(np.load(files[2]), extractor.transform(tiles), atol=1e-6)


def test_pickle_without_the_extra(elsewhere, texture_tiles, tmp_path):
    """Where Keras is missing a pickle opens, and its use is one sentence that names the extra."""
    (tmp_path / "extractor.pickle").write_bytes(pickle.dumps(SMALL.fit(texture_tiles[0][:3])))
    code = (
        "import sys; sys.modules['keras'] = None\n"
        + LOAD
        + """
try:
    extractor.transform(np.zeros((1, 64, 64, 3), np.uint8))
except Exception as error:
    print(type(error).__name__, error)
"""
    )
    output = elsewhere(code, str(tmp_path / "extractor.pickle"))
    assert output.startswith(MissingDependencyError.__name__)
    assert "pip install 'classicvis[deep]'" in output
    assert output.count("\n") == 1


@pytest.mark.slow
def test_search_in_processes_computes_once(texture_tiles):
    """A grid search over two processes computes each image once, whoever needs it first."""
    tiles, labels = texture_tiles[0][::2], texture_tiles[1][::2]
    extractor = clone(SMALL).set_params(random_state=987)
    session = SessionRows()
    session.add([b"to make the table"], np.zeros((1, 1), np.float32))
    with closing(sqlite3.connect(session.folder / "rows.sqlite3")) as database, database:
        database.execute("CREATE TABLE computed (key BLOB)")
        database.execute(
            "CREATE TRIGGER count BEFORE INSERT ON rows "
            "BEGIN INSERT INTO computed VALUES (NEW.key); END"
        )
    try:
        model = build_pipeline(extractor, "linear_svm")
        search = GridSearchCV(model, {"classifier__C": [0.1, 1, 10]}, n_jobs=2, cv=3)
        search.fit(tiles, labels)
        with closing(sqlite3.connect(session.folder / "rows.sqlite3")) as database:
            keys = [key for (key,) in database.execute("SELECT key FROM computed")]
    finally:
        with closing(sqlite3.connect(session.folder / "rows.sqlite3")) as database, database:
            database.execute("DROP TRIGGER count")
            database.execute("DROP TABLE computed")
    network = search.best_estimator_.named_steps["features"]._network
    per_image = [key for key in keys if key != network.key]
    assert len(per_image) == len(set(per_image)) == len(tiles)


def test_pipeline(photo_folder):
    """A folder of JPEGs, an embedding and a linear machine: sizes, threads and a saved copy."""
    data = load_image_folder(photo_folder)
    model = build_pipeline(tiny(), "linear_svm", n_jobs=2)
    assert model.named_steps["images"].image_size == (16, 16)
    model.fit(data.images, data.target)
    assert model.score(data.images, data.target) > 0.8
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(data.images), model.predict(data.images))


def test_image_size_of_pipelines():
    """Alone and beside HOG the network's size counts; beside Fisher vectors their longest side."""
    sizes = {
        "cnn": (224, 224),
        ("cnn", "color_histogram"): (224, 224),
        ("hog", "cnn"): (224, 224),
        ("fisher", "cnn"): 320,
        ("fisher", "hog", "cnn"): (224, 224),
        ("hog", "fisher"): (96, 96),
    }
    for features, size in sizes.items():
        names = features if isinstance(features, str) else list(features)
        assert build_pipeline(names).named_steps["images"].image_size == size
    with pytest.raises(ParameterError, match="unknown backbone"):
        build_pipeline(CnnEmbedding("ResNet5O"))


def test_union(flower):
    """In a union the network resizes for itself, and gives the rows that it gives alone."""
    photos = [flower[: 60 + 5 * i, i : i + 80] for i in range(70)]
    alone = tiny().fit_transform(photos)
    alone /= np.linalg.norm(alone, axis=1, keepdims=True)
    parts = [("cnn", tiny()), ("color", CnnEmbedding(tiny_network, pooling="max", random_state=5))]
    for n_jobs in (None, 2):
        rows = ExtractorUnion(parts, n_jobs=n_jobs).fit_transform(photos)
        np.testing.assert_allclose(rows[:, : alone.shape[1]], alone, atol=1e-6)


def test_one_grid_for_both(texture_tiles):
    """Classical features and embeddings are values of one parameter of a search."""
    tiles, labels = texture_tiles[0][::4], texture_tiles[1][::4]
    model = build_pipeline("hog", "linear_svm", image_size=(32, 32))
    search = GridSearchCV(model, {"features": [HogExtractor(), tiny()]}, cv=2, error_score="raise")
    assert set(search.fit(tiles, labels).cv_results_["rank_test_score"]) <= {1, 2}


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"backbone": "mobilenet v9"}, ParameterError, "unknown backbone"),
        ({"pooling": "mean"}, ParameterError, "pooling='mean'"),
        ({"grid": 2}, ParameterError, "grid=2"),
        ({"grid": (9, 9)}, ParameterError, "7x7 values only"),
        ({"batch_size": 0}, ParameterError, "batch_size=0"),
        ({"image_size": 64}, ParameterError, "image_size=64"),
        ({"layer": "convolutoin"}, ParameterError, "did you mean 'convolution'"),
        ({"weights": "missing.weights.h5"}, ModelFileError, r"missing\.weights\.h5"),
        ({"backbone": "missing.keras"}, ModelFileError, r"missing\.keras"),
    ],
)
def test_refused_parameters(texture_tiles, params, error, message):
    """Unusable parameters are one sentence each, when fit is called."""
    extractor = tiny().set_params(**params)
    with pytest.raises(error, match=message) as caught:
        extractor.fit(texture_tiles[0][:2])
    assert isinstance(caught.value, ClassicVisError)
    assert "\n" not in str(caught.value)
