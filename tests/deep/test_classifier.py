"""`CnnClassifier` as an estimator: images in, labels out, nothing lost on the way."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.utils import check_random_state

from classicvis import CnnClassifier, build_pipeline, classify, load_image_folder, param_grid
from classicvis.exceptions import (
    ClassicVisError,
    ImageError,
    ParameterError,
)
from classicvis.images import ImageSequence, show_progress

QUICK = {
    "width": 16, "epochs": 8, "learning_rate": 5e-3, "batch_size": 32, "augment": {"shift": 0.1},
    "random_state": 0,
}  # fmt: skip
N = 900


@pytest.fixture(scope="module")
def fitted(digits) -> CnnClassifier:
    X, y = digits
    return CnnClassifier(**QUICK).fit(X[:N], y[:N])


def weights_of(classifier: CnnClassifier) -> list[np.ndarray]:
    return [np.array(weights) for weights in classifier.model_.get_weights()]


def equal(a: CnnClassifier, b: CnnClassifier) -> bool:
    return all(map(np.array_equal, weights_of(a), weights_of(b)))


def test_it_learns(fitted, digits):
    """A small network reads nine of ten digits that it has not seen."""
    X, y = digits
    assert fitted.score(X[N:], y[N:]) > 0.9


def test_labels_and_probabilities_agree(fitted, digits):
    """Labels are those given to fit; probabilities are float32, sum to 1 and have their order."""
    X, y = digits
    found = fitted.predict_proba(X[N : N + 50])
    assert (found.shape, found.dtype) == ((50, 10), np.float32)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(fitted.classes_, np.unique(y))
    np.testing.assert_array_equal(fitted.predict(X[N : N + 50]), fitted.classes_[found.argmax(1)])


def test_the_live_model_takes_values_up_to_255(fitted, digits):
    """`model_` gives the same probabilities for uint8 images of `image_shape_`."""
    pixels = digits[0][N : N + 20, :, :, None]
    assert fitted.image_shape_ == pixels.shape[1:]
    found = np.asarray(fitted.model_.predict_on_batch(pixels))
    np.testing.assert_allclose(found, fitted.predict_proba(pixels[..., 0]), atol=1e-6)


def test_a_seed_repeats_the_weights(fitted, digits):
    """The same seed gives the same weights, another one others, and nobody's state is touched."""
    X, y = digits
    states = random.getstate(), check_random_state(None).get_state()[1].tolist()
    again = CnnClassifier(**QUICK).fit(X[:N], y[:N])
    assert (random.getstate(), check_random_state(None).get_state()[1].tolist()) == states
    assert equal(again, fitted)
    other = CnnClassifier(**QUICK | {"random_state": 1, "epochs": 1}).fit(X[:N], y[:N])
    assert not equal(other, fitted)


def test_another_process_answers_and_learns_the_same(fitted, digits, tmp_path):
    """A pickle answers identically in a new process, where the same fit gives the same weights."""
    X, y = digits
    np.savez(tmp_path / "data.npz", X=X[:N], y=y[:N])
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    code = """if True:
        import pathlib, pickle, sys
        import numpy as np
        from sklearn.base import clone
        folder = pathlib.Path(sys.argv[1])
        data = np.load(folder / "data.npz")
        model = pickle.loads((folder / "model.pickle").read_bytes())
        answers = model.predict_proba(data["X"][:40])
        again = clone(model).fit(data["X"], data["y"])
        np.savez(folder / "found.npz", answers, *again.model_.get_weights())
    """
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    answers, *weights = np.load(tmp_path / "found.npz").values()
    np.testing.assert_array_equal(answers, fitted.predict_proba(X[:40]))
    for theirs, ours in zip(weights, weights_of(fitted), strict=True):
        np.testing.assert_array_equal(theirs, ours)


def test_clone_and_set_params_keep_every_parameter():
    """Every parameter comes through get_params, clone and set_params as it was given."""
    given = {
        "network": "MobileNetV2", "weights": None, "image_size": (64, 32), "width": 9, "epochs": 7,
        "batch_size": 5, "learning_rate": 0.3, "optimizer": "sgd", "schedule": "plateau",
        "dropout": 0.1, "l2": 0.2, "label_smoothing": 0.3, "augment": {"flip": True},
        "class_weight": "balanced", "validation_fraction": 0.2, "patience": 3, "fine_tune": 2,
        "fine_tune_learning_rate": 0.4, "mixed_precision": True, "warm_start": True, "verbose": 2,
        "random_state": 8, "n_jobs": 2,
    }  # fmt: skip
    assert set(given) == set(CnnClassifier().get_params())
    assert clone(CnnClassifier(**given)).get_params() == given
    assert CnnClassifier().set_params(**given).get_params() == given
    assert all(CnnClassifier().get_params()[name] != value for name, value in given.items())


def test_a_grid_search_really_varies(digits):
    """Each fit of a grid has its epochs and its learning rate."""
    X, y = digits
    seen = []

    def score(model: CnnClassifier, X: np.ndarray, y: np.ndarray) -> float:
        rates = model.history_["learning_rate"]
        seen.append((len(rates), round(max(rates), 6)))
        return model.score(X, y)

    grid = {"epochs": [1, 2], "learning_rate": [1e-3, 1e-2]}
    model = CnnClassifier(**QUICK, schedule="constant")
    halves = [(np.arange(100), np.arange(100, 200))]
    search = GridSearchCV(model, grid, scoring=score, cv=halves, refit=False)
    search.fit(X[:200], y[:200])
    assert seen == [(1, 0.001), (1, 0.01), (2, 0.001), (2, 0.01)]
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_cross_validation_keeps_parameters(digits):
    """The estimators of cross_validate have the parameters of the one given, and were fitted."""
    X, y = digits
    model = build_pipeline(None, "cnn", **{f"classifier__{k}": v for k, v in QUICK.items()})
    found = cross_validate(model, X[:300], y[:300], cv=2, return_estimator=True)
    for fold in found["estimator"]:
        assert fold["classifier"].get_params() == model["classifier"].get_params()
        assert len(fold["classifier"].history_["loss"]) == QUICK["epochs"]


def test_validation_data_take_the_place_of_a_fraction(digits):
    """Given validation images are scored after each epoch, and all others are learnt from."""
    X, y = digits
    model = CnnClassifier(**QUICK | {"epochs": 2})
    model.fit(X[:200], y[:200], validation_data=(list(X[200:300]), list(y[200:300])))
    accuracies = model.history_["val_accuracy"]
    best = np.argmin(model.history_["val_loss"])
    assert model.score(X[200:300], y[200:300]) == pytest.approx(accuracies[best])
    with pytest.raises(ParameterError, match="found the label 'x', expected one of the 10"):
        model.fit(X[:200], y[:200], validation_data=(X[:1], ["x"]))


def test_a_warm_start_goes_on(fitted, digits):
    """With warm_start the first epoch begins where the last fit ended; classes must be the same."""
    X, y = digits
    model = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True, epochs=1)
    before = weights_of(model)
    model.fit(X[:N], y[:N])
    assert model.history_["loss"][0] < fitted.history_["loss"][0] / 2
    assert not np.array_equal(weights_of(model)[0], before[0])
    with pytest.raises(ParameterError, match="found 2 classes, expected the same 10"):
        model.fit(X[:20], ["a", "b"] * 10)


def test_class_and_sample_weights_reach_the_loss(digits):
    """Images that weigh nothing are not learnt."""
    X, y = digits
    X, y = X[:200], np.where(np.isin(y[:200], ["d0", "d1", "d2"]), "low", "high")
    plain = CnnClassifier(**QUICK | {"epochs": 2})
    by_class = clone(plain).set_params(class_weight={"low": 0.0, "high": 1.0}).fit(X, y)
    by_sample = clone(plain).fit(X, y, sample_weight=y == "high")
    assert set(by_class.predict(X)) == {"high"}
    assert equal(by_class, by_sample)


def test_photos_of_any_size_in_a_pipeline(photo_folder):
    """Files of unequal sizes are learnt as they are, at 96x96 pixels at most."""
    data = load_image_folder(photo_folder)
    model = build_pipeline(
        None, "cnn", classifier__network="resnet", classifier__width=8, classifier__epochs=20,
        classifier__batch_size=8, classifier__learning_rate=1e-2, classifier__random_state=0,
        classifier__validation_fraction=0, n_jobs=2,
    )  # fmt: skip
    assert model["classifier"].n_jobs == 2
    model.fit(data.images, data.labels)
    assert model["classifier"].image_shape_ == (70, 90, 3)
    assert model.score(data.images, data.labels) > 0.8  # of three classes
    assert list(param_grid(model)) == ["classifier__learning_rate", "classifier__epochs"]


def test_unreadable_images_are_marked(fitted, digits):
    """Probabilities of unreadable images are NaN; labels are refused, and left out by classify."""
    images = ImageSequence([*digits[0][:3], b"no image"], on_error="mark")
    with pytest.warns(UserWarning, match="1 of 4 images"):
        found = fitted.predict_proba(images)
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), [False] * 3 + [True])
    with (
        pytest.warns(UserWarning, match="1 of 4 images"),
        pytest.raises(ImageError, match="1 of 4 images cannot be read, expected all"),
    ):
        fitted.predict(images)
    with pytest.warns(UserWarning, match="1 of 4 images"):
        classified = classify(fitted, images)
    assert classified.labels[3] is None
    np.testing.assert_array_equal(classified.unreadable, np.isnan(found).all(axis=1))
    np.testing.assert_array_equal(classified.labels[:3], fitted.predict(digits[0][:3]))
    np.testing.assert_array_equal(classified.probabilities, found)


def test_images_of_other_sizes_and_colors_are_adapted(fitted, digits):
    """A network of small grey images takes large and coloured ones."""
    X, _ = digits
    large = X[:5].repeat(4, axis=1).repeat(4, axis=2)
    np.testing.assert_array_equal(
        fitted.predict(np.stack([large] * 3, axis=-1)), fitted.predict(X[:5])
    )
    with_alpha = np.stack([X[:5], np.full_like(X[:5], 255)], axis=-1)
    np.testing.assert_array_equal(fitted.predict(with_alpha), fitted.predict(X[:5]))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 8, 8), np.uint8), list("aaaa"), "4 images of 1 class, expected two"),
        (np.zeros((1, 8, 8), np.uint8), ["a"], "1 images of 1 class"),
        (np.zeros((4, 8, 8), np.uint8), list("aab"), "inconsistent numbers"),
        (np.zeros((4, 7, 8), np.uint8), list("aabb"), "images of 7x8 pixels, expected at least"),
    ],
)
def test_unusable_training_images(images, labels, message):
    """What cannot be learnt from is said before training starts."""
    with pytest.raises(ValueError, match=message):
        CnnClassifier().fit(images, labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"network": "resnt"}, "unknown network 'resnt'.*did you mean 'resnet'"),
        ({"network": 3}, "network=3: expected a name"),
        ({"epochs": 0}, "epochs=0: expected a positive integer"),
        ({"patience": 1.5}, "patience=1.5: expected a positive integer"),
        ({"learning_rate": float("nan")}, "learning_rate=nan: expected a positive number"),
        ({"dropout": 1.0}, "dropout=1.0: expected a number from 0 to 0.95"),
        ({"validation_fraction": 0.8}, "validation_fraction=0.8: expected a number from 0 to 0.5"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"fine_tune": "heads"}, "fine_tune='heads': expected"),
        ({"image_size": 32}, "image_size=32: expected"),
        ({"augment": "sharp"}, "unknown augment 'sharp'"),
        ({"network": lambda shape, n: None}, "found a network from None to None, expected"),
    ],
)
def test_unusable_parameters(params, message):
    """A parameter out of its range is named by fit, with what is expected."""
    with pytest.raises(ParameterError, match=message):
        CnnClassifier(**params).fit(np.zeros((4, 8, 8), np.uint8), list("aabb"))


def test_few_images(digits):
    """Two images of two classes are enough; nothing is kept aside then."""
    X, _ = digits
    model = CnnClassifier(**QUICK | {"epochs": 2}).fit(X[:2], ["a", "b"])
    assert set(model.history_) == {"loss", "accuracy", "learning_rate"}
    assert model.predict(X[:2]).shape == (2,)


def test_interruption_leaves_a_fitted_classifier(digits):
    """After Ctrl-C there is a classifier with the epochs done so far, or the one from before."""
    X, y = digits

    def interrupt(n_done: int, n_images: int) -> None:
        raise KeyboardInterrupt

    model = CnnClassifier(**QUICK)
    with pytest.raises(KeyboardInterrupt), show_progress(interrupt):
        model.fit(X[:300], y[:300])
    assert len(model.history_["loss"]) == 1
    assert model.predict(X[:5]).shape == (5,)


def test_a_loss_that_is_never_finite(keras, digits):
    """Where no epoch has a finite loss there is an error and no fitted classifier."""
    X, y = digits

    def build(shape, n_classes):
        layers = keras.layers
        dense = layers.Dense(n_classes, activation="softmax")
        return keras.Sequential(
            [keras.Input(shape), layers.Rescaling(np.nan), layers.Flatten(), dense]
        )

    model = CnnClassifier(build, epochs=2)
    with pytest.raises(ClassicVisError, match="loss of nan in epoch 1, expected a finite one"):
        model.fit(X[:64], y[:64])
    with pytest.raises(NotFittedError):
        model.predict(X[:1])


def test_progress_counts_images(digits):
    """Whoever asked by show_progress is told of the images of all epochs."""
    X, y = digits
    told = []
    with show_progress(lambda done, total: told.append((done, total))):
        CnnClassifier(**QUICK | {"epochs": 3, "validation_fraction": 0}).fit(X[:64], y[:64])
    assert told == [(64, 192), (128, 192), (192, 192)]


def test_the_history_is_drawn(fitted):
    """The plot has a panel for loss and one for accuracy, with two lines each."""
    figure = fitted.plot_history()
    for ax, name in zip(figure.axes, ("loss", "accuracy"), strict=True):
        assert ax.get_ylabel() == name
        np.testing.assert_allclose(ax.lines[0].get_ydata(), fitted.history_[name])
        np.testing.assert_allclose(ax.lines[1].get_ydata(), fitted.history_[f"val_{name}"])


def test_a_pickle_without_keras(fitted, digits, tmp_path):
    """Where Keras is missing a pickle opens, and says what to install when it is asked."""
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    code = """if True:
        import pathlib, pickle, sys
        import numpy as np
        sys.modules["keras"] = None
        model = pickle.loads(pathlib.Path(sys.argv[1], "model.pickle").read_bytes())
        print(model.classes_[0])
        try:
            model.predict(np.zeros((1, 8, 8), np.uint8))
        except ImportError as error:
            print(type(error).__name__, error)
    """
    told = subprocess.check_output([sys.executable, "-c", code, str(tmp_path)], text=True)
    assert told.startswith("d0\nMissingDependencyError found no working Keras 3")
    assert told.endswith("run `pip install 'classicvis[deep]'`.\n")


def test_not_fitted(digits):
    """An estimator that was not fitted says so."""
    with pytest.raises(NotFittedError):
        CnnClassifier().predict(digits[0][:1])


def test_naming_it_imports_no_engine():
    """The class and its pipeline are there without Keras being imported."""
    code = "import sys, classicvis as c; c.build_pipeline(None, 'cnn'); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "classicvis.classifiers.cnn" in loaded
    assert not {"keras", "tensorflow", "jax", "torch"} & set(loaded)
