"""build_pipeline and param_grid: one plain scikit-learn Pipeline from images to labels."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (registers the search)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from classicvis import (
    BagOfVisualWords,
    ColorHistogramExtractor,
    HogExtractor,
    ImageError,
    ImageSequence,
    ParameterError,
    UnreadableImageWarning,
    as_images,
    build_pipeline,
    load_image_folder,
    param_grid,
)
from classicvis.classifiers import CLASSIFIERS


@pytest.fixture(scope="module")
def photos(photo_folder):
    return load_image_folder(photo_folder)


def test_steps_and_parameters():
    """The steps have their names, and parameters reach them."""
    model = build_pipeline(
        ["hog", "color_histogram"],
        "svm",
        image_size=(32, 48),
        color="rgb",
        preprocess="median",
        reduce=5,
        n_jobs=2,
        random_state=3,
        classifier__C=7,
        features__hog__orientations=6,
    )
    assert type(model) is Pipeline
    assert list(model.named_steps) == ["images", "features", "scaler", "reducer", "classifier"]
    params = model.get_params()
    assert params["images__image_size"] == (32, 48)
    assert params["classifier__C"] == 7
    assert params["features__hog__orientations"] == 6
    assert params["features__n_jobs"] == 2
    assert params["reducer__random_state"] == params["classifier__random_state"] == 3
    plain = build_pipeline("hog", "random_forest")
    assert list(plain.named_steps) == ["images", "features", "classifier"]
    assert list(build_pipeline(None, "knn").named_steps) == ["images", "classifier"]


def test_given_objects_are_cloned_and_keep_their_settings():
    """Extractors and classifiers may be objects; what they say themselves is not overwritten."""
    extractor, forest = HogExtractor(6, n_jobs=1), ExtraTreesClassifier(5, random_state=9)
    model = build_pipeline(extractor, forest, n_jobs=2, random_state=0)
    assert model.named_steps["features"] is not extractor
    params = model.get_params()
    assert params["features__orientations"] == 6
    assert params["features__n_jobs"] == 1
    assert params["classifier__random_state"] == 9
    assert params["classifier__n_jobs"] == 2


def test_the_same_extractor_twice_gets_two_names():
    """A list may hold two of a kind with other parameters."""
    model = build_pipeline([HogExtractor(6), HogExtractor(12), "color_histogram", "hog"])
    names = [name for name, _ in model.named_steps["features"].transformer_list]
    assert names == ["hogextractor", "hogextractor_2", "color_histogram", "hog"]


SMALL = {
    "random_forest": {"classifier__n_estimators": 30},
    "gradient_boosting": {"classifier__max_iter": 20, "classifier__min_samples_leaf": 5},
}


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if name != "cnn"])
def test_every_classifier_learns_real_photos(classifier, photos):
    """Each name trains on string labels and beats chance (1/3) clearly on unseen tiles."""
    model = build_pipeline(
        ["hog", "color_histogram"],
        classifier,
        image_size=(32, 32),
        random_state=0,
        **SMALL.get(classifier, {}),
    )
    train = np.arange(len(photos.target)) % 3 > 0
    model.fit(photos.images[train], photos.labels[train])
    assert set(model.classes_) == {"china", "coffee", "花"}
    assert model.score(photos.images[~train], photos.labels[~train]) > 0.5
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(photos.images[:4])
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if name != "cnn"])
def test_classes_may_be_called_by_numbers(classifier):
    """Strings of digits are class names like others; scikit-learn's weights trip over them."""
    pixels, target = load_digits(return_X_y=True)
    images = (pixels[:120].reshape(-1, 8, 8) / 16).astype(np.float32)
    params = SMALL.get(classifier, {})
    model = build_pipeline("hog", classifier, image_size=(24, 24), random_state=0, **params)
    model.fit(images, target[:120].astype(str))
    assert list(model.classes_) == list("0123456789")
    assert model.score(images, target[:120].astype(str)) > 0.5


def test_all_kinds_of_input_give_the_same_predictions(photos):
    """Paths, bytes, arrays, an ImageSequence and the folder are the same to a model."""
    model = build_pipeline("color_histogram", "knn", image_size=(24, 24))
    model.fit(photos.images, photos.labels)
    expected = model.predict(photos.images)
    inputs = [
        photos.paths,
        [str(path) for path in photos.paths],
        np.array([str(path) for path in photos.paths]),
        [path.read_bytes() for path in photos.paths],
        list(photos.images),
    ]
    for X in inputs:
        np.testing.assert_array_equal(model.predict(X), expected)
    assert model.predict([photos.paths[0]])[0] == "china"


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search_over_extractors_and_classifier(photos, n_jobs):
    """Features are an axis of the grid, on paths, with worker processes."""
    model = build_pipeline("hog", "svm", image_size=(32, 32))
    grid = {
        "features": [HogExtractor(), ColorHistogramExtractor(bins=4)],
        "classifier__C": [1, 10],
    }
    search = GridSearchCV(model, grid, cv=3, n_jobs=n_jobs)
    search.fit([str(path) for path in photos.paths], photos.labels)
    assert search.best_score_ > 0.8
    assert len(search.cv_results_["params"]) == 4
    assert isinstance(search.best_estimator_.named_steps["images"].transform([]), ImageSequence)


@pytest.mark.parametrize(
    "search", [GridSearchCV, lambda *args, **kw: RandomizedSearchCV(*args, n_iter=2, **kw)]
)
def test_param_grid_is_taken_as_it_is(search, texture_tiles):
    """The default search space suits scikit-learn's searches, on plain arrays."""
    tiles, labels = texture_tiles
    model = build_pipeline("hog", "linear_svm", image_size=(32, 32), random_state=0)
    found = search(model, param_grid(model), cv=2, n_jobs=1).fit(tiles[::3], labels[::3])
    assert set(found.best_params_) == {"classifier__C"}


def test_every_default_search_space_is_valid():
    """Each value of each space is accepted by its pipeline."""
    for name in CLASSIFIERS:
        features = None if name == "cnn" else ["hog", "color_histogram"]
        model = build_pipeline(features, name)
        for key, values in param_grid(model).items():
            assert len(values) > 1
            for value in values:
                model.set_params(**{key: value})


def test_networks_take_no_features():
    """The classifier "cnn" learns from images of their own sizes; features for it are refused."""
    model = build_pipeline(None, "cnn")
    assert list(model.named_steps) == ["images", "classifier"]
    assert model["images"].image_size is None
    with pytest.raises(ParameterError, match="CnnClassifier, which learns from images; use feat"):
        build_pipeline("hog", "cnn")


def test_halving_search_and_cross_validate(texture_tiles):
    """The other model selection tools of scikit-learn work as well."""
    tiles, labels = texture_tiles
    model = build_pipeline("hog", LogisticRegression(), image_size=(32, 32))
    scores = cross_validate(model, as_images(tiles), labels, cv=3, n_jobs=2)
    assert scores["test_score"].mean() > 0.6
    halving = HalvingGridSearchCV(
        model, {"classifier__C": [1, 10]}, cv=2, min_resources=48, random_state=0, n_jobs=1
    )
    assert halving.fit(as_images(tiles), labels).best_score_ > 0.5


def test_clone_and_pickle(photos):
    """A clone is unfitted and equal; a pickled model predicts the same."""
    model = build_pipeline(BagOfVisualWords(10), "svm", image_size=(48, 48), random_state=0)
    model.fit(photos.images, photos.labels)
    copy = clone(model)
    assert str(copy.get_params()) == str(model.get_params())
    assert not hasattr(copy.named_steps["features"], "vocabulary_")
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(photos.images), model.predict(photos.images))


def test_same_seed_same_model(texture_tiles):
    """random_state makes vocabulary, reduction and learner repeatable, for any n_jobs."""
    tiles, labels = texture_tiles
    rows = []
    for n_jobs in (None, 2):
        model = build_pipeline(
            BagOfVisualWords(20), "random_forest", image_size=(48, 48), reduce=8,
            n_jobs=n_jobs, random_state=5,
        )  # fmt: skip
        model.fit(tiles, labels)
        rows.append(model[:-1].transform(tiles))
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("backend", ["threading", "loky", "sequential"])
def test_joblib_backends_give_the_same_rows(texture_tiles, backend):
    """Extraction under any backend of joblib is bit-identical."""
    tiles = np.concatenate([texture_tiles[0]] * 2)
    union = build_pipeline(["hog", "color_histogram"], n_jobs=2)[:-1].fit(tiles)
    expected = union.transform(tiles)
    with joblib.parallel_config(backend=backend):
        np.testing.assert_array_equal(union.transform(tiles), expected)


def test_memory_keeps_features(tmp_path, texture_tiles):
    """memory= is the Pipeline's own, and does not change predictions."""
    tiles, labels = texture_tiles
    plain = build_pipeline("hog", "knn", image_size=(32, 32)).fit(tiles, labels)
    kept = build_pipeline("hog", "knn", image_size=(32, 32), memory=tmp_path).fit(tiles, labels)
    assert any(tmp_path.iterdir())
    np.testing.assert_array_equal(kept.predict(tiles), plain.predict(tiles))


def test_images_straight_to_a_classifier(texture_tiles):
    """features=None gives the classifier the prepared images."""
    tiles, labels = texture_tiles
    flatten = FunctionTransformer(lambda images: np.stack([image.ravel() for image in images]))
    model = build_pipeline(
        None, Pipeline([("flatten", flatten), ("svc", SVC())]), image_size=(8, 8), color="gray"
    )
    assert model.fit(tiles, labels).predict(tiles[:2]).shape == (2,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_pipeline("hogg"), "did you mean 'hog'"),
        (lambda: build_pipeline("hog", "linear-svm"), "did you mean 'linear_svm'"),
        (lambda: build_pipeline(classifier__c=1), "did you mean 'classifier__C'"),
        (lambda: build_pipeline(feature__orientations=1), "features__orientations"),
        (lambda: build_pipeline([]), "at least one extractor"),
        (lambda: build_pipeline(HogExtractor), "an extractor object"),
        (lambda: build_pipeline("hog", SVC), "classifier object"),
        (lambda: build_pipeline("hog", 3), "classifier=3"),
        (lambda: param_grid(build_pipeline("hog", ExtraTreesClassifier())), "write the grid"),
        (lambda: build_pipeline(image_size="big").fit(np.zeros((2, 9, 9)), [0, 1]), "96, 96"),
        (lambda: build_pipeline(image_size=0).fit(np.zeros((2, 9, 9)), [0, 1]), "at least 1"),
        (lambda: build_pipeline(preprocess="clahee").fit(np.zeros((2, 9, 9)), [0, 1]), "'clahe'"),
        (lambda: build_pipeline(color="rbg").fit(np.zeros((2, 9, 9)), [0, 1]), "'rgb'"),
    ],
)
def test_wrong_names(call, message):
    """A wrong name of anything gets a sentence with the nearest right one."""
    with pytest.raises(ParameterError, match=message):
        call()


def test_sizes_that_do_not_fit(texture_tiles):
    """Images of several sizes without image_size get a sentence that proposes it."""
    tiles, _ = texture_tiles
    model = build_pipeline("hog", "knn", image_size=None)
    with pytest.raises(ImageError, match="image_size"):
        model.fit([tiles[0], tiles[1][:40]], [0, 1])


def test_one_class_only(texture_tiles):
    """A single class is refused by the learner, which says so."""
    tiles, _ = texture_tiles
    with pytest.raises(ValueError, match="class"):
        build_pipeline("hog", "svm").fit(tiles[:4], ["a"] * 4)


def test_marked_images_keep_their_row(photos):
    """With on_error="mark" an unreadable image is warned about and does not shift the others."""
    model = build_pipeline(
        "hog", RandomForestClassifier(10, random_state=0), image_size=(24, 24),
        images__on_error="mark",
    )  # fmt: skip
    model.fit(photos.images, photos.labels)
    good = [str(path) for path in photos.paths[:2]]
    with pytest.warns(UnreadableImageWarning, match="1 of 3 images cannot be read.*empty"):
        rows = model[:-1].transform([good[0], b"", good[1]])
    assert np.isnan(rows[1]).all()
    np.testing.assert_array_equal(rows[[0, 2]], model[:-1].transform(good))
    with pytest.raises(ImageError, match="image 1"):
        model.set_params(images__on_error="raise").predict([good[0], b""])
    model.set_params(images__on_error="mark")
    with pytest.warns(UnreadableImageWarning), pytest.raises(ImageError, match="on_error='skip'"):
        model.fit([good[0], b"", good[1]], ["a", "b", "a"])


@pytest.mark.parametrize(
    ("features", "size"),
    [
        ("hog", (96, 96)),
        (None, (96, 96)),
        ("color_histogram", (96, 96)),
        ("fisher", 320),
        ("vlad", 320),
        (["bovw", "color_histogram"], 320),
        (["fisher", "hog"], (96, 96)),
        (FunctionTransformer(), (96, 96)),
    ],
    ids=str,
)
def test_the_size_suits_the_extractors(features, size):
    """By default encoders of local descriptors get larger images, unless HOG is beside them."""
    model = build_pipeline(features, SVC())
    assert model.named_steps["images"].image_size == size
    assert build_pipeline(features, SVC(), image_size=64).named_steps["images"].image_size == 64
    assert build_pipeline(features, SVC(), image_size=None).named_steps["images"].image_size is None


def test_the_largest_of_several_wishes():
    """Among extractors that have a size at which they are best, the largest is taken."""
    larger = type("Larger", (BagOfVisualWords,), {"best_size": 500})()
    assert build_pipeline(["vlad", larger]).named_steps["images"].image_size == 500


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000), (5000, 1, 3), (7, 3)])
def test_extreme_shapes_are_classified(shape, texture_tiles):
    """One pixel or one long row is resized and gets a label like any other image."""
    tiles, labels = texture_tiles
    model = build_pipeline(["hog", "color_histogram"], "knn", image_size=(32, 32))
    model.fit(tiles, labels)
    assert model.predict([np.full(shape, 90, np.uint8)])[0] in labels


def test_rows_are_scaled_in_place_where_they_are_new(texture_tiles):
    """Rows fresh from an extractor are not copied to be scaled; rows of any other step are."""
    tiles, _ = texture_tiles
    ours = build_pipeline("hog", "linear_svm", image_size=(32, 32))
    rows = ours[:2].fit_transform(tiles)
    assert ours["scaler"].fit_transform(rows) is rows
    kept = np.arange(6, dtype=np.float32).reshape(2, 3)
    foreign = build_pipeline(FunctionTransformer(lambda images: kept), "linear_svm")
    np.testing.assert_allclose(np.linalg.norm(foreign[:-1].fit_transform(tiles[:2]), axis=1), 1)
    np.testing.assert_array_equal(kept, [[0, 1, 2], [3, 4, 5]])


def test_calibrated_pipelines_vote(photos):
    """Late fusion in scikit-learn's own terms: pipelines vote with their mean probabilities."""
    members = [("hog", build_pipeline("hog")), ("lbp", build_pipeline("lbp", "linear_svm"))]
    vote = VotingClassifier(
        [(name, CalibratedClassifierCV(model, ensemble=False, cv=2)) for name, model in members],
        voting="soft",
    )
    vote.fit(photos.images, photos.labels)
    each = [member.predict_proba(photos.images) for member in vote.estimators_]
    np.testing.assert_allclose(vote.predict_proba(photos.images), np.mean(each, axis=0))
    assert np.abs(each[0] - each[1]).max() > 0.01
    assert set(vote.predict(photos.images)) <= set(photos.labels)
