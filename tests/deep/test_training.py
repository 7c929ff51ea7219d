"""The fit loop, beside bare Keras and with what can go wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from classicvis.backbones._networks import drawn_from
from classicvis.backbones._training import Course, Samples, fit_network, precision
from classicvis.exceptions import ClassicVisError, ParameterError

ROWS = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)
CODES = (ROWS[:, 0] > 0).astype(int) + (ROWS[:, 1] > 0)
LEARN, VALIDATE = Samples(ROWS[:64], CODES[:64]), Samples(ROWS[64:], CODES[64:])
COURSE = Course(epochs=4, batch_size=16, learning_rate=0.05, schedule="constant")


@pytest.fixture
def network(keras):
    """A linear classifier of rows of 6 values into 3 classes."""
    with drawn_from(0):
        inputs = keras.Input((6,))
        return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs))


def weights_of(network) -> list[np.ndarray]:
    return [np.array(weights) for weights in network.get_weights()]


def test_it_is_the_loop_of_keras(keras, network):
    """Weights after two epochs are those of bare Keras on the same batches."""
    start, history = weights_of(network), {}
    fit_network(network, LEARN, None, replace(COURSE, epochs=2), history, seed=7)
    found = weights_of(network)
    network.set_weights(start)
    network.compile("adam", "categorical_crossentropy", jit_compile=False)
    network.optimizer.learning_rate = COURSE.learning_rate
    rng, losses = np.random.default_rng(7), []
    for _ in range(2):
        order = rng.permutation(64).reshape(4, 16)
        losses.append([network.train_on_batch(ROWS[i], np.eye(3)[CODES[i]]) for i in order][-1])
    for ours, theirs in zip(found, weights_of(network), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert history["learning_rate"] == pytest.approx([0.05, 0.05])
    assert history["loss"][0] > history["loss"][1]


def test_batches_of_a_remainder_are_filled_up(network):
    """Samples that do not fill the last batch are learnt from as well."""
    fit_network(network, LEARN, None, replace(COURSE, batch_size=60), history := {}, seed=0)
    assert len(history["loss"]) == 4
    assert history["loss"][3] < history["loss"][0]


def test_only_chosen_samples_count(network):
    """What is not among the chosen samples has no influence."""
    start = weights_of(network)
    spoilt = np.where(np.arange(96)[:, None] < 64, ROWS, np.nan).astype(np.float32)
    found = []
    for samples in (LEARN, Samples(spoilt, CODES, chosen=np.arange(64))):
        network.set_weights(start)
        fit_network(network, samples, None, COURSE, {}, seed=0)
        found.append(weights_of(network))
    np.testing.assert_array_equal(found[0][0], found[1][0])


def test_weights_are_factors_of_losses(network):
    """Samples of weight 0 teach nothing: the network knows no class but that of the others."""
    weights = (CODES == 1).astype(np.float32)
    learn = Samples(ROWS, CODES, weights)
    fit_network(network, learn, None, replace(COURSE, epochs=40), {}, seed=0)
    assert set(np.asarray(network.predict_on_batch(ROWS)).argmax(axis=1)) == {1}


class SpoilLater:
    """Inputs as they are for some batches, multiplied by a factor after them."""

    def __init__(self, n_good: int, factor: float) -> None:
        self.n_good = n_good
        self.factor = factor

    def __call__(self, inputs, rng):
        self.n_good -= 1
        return inputs if self.n_good >= 0 else inputs * self.factor


def test_the_best_epoch_is_kept(keras, network):
    """The network answers as after the epoch of the lowest validation loss, not the last."""
    course = replace(COURSE, augmentation=SpoilLater(24, -1.0), epochs=10)
    fit_network(network, LEARN, VALIDATE, course, history := {}, seed=0)
    best = min(history["val_loss"])
    assert best < history["val_loss"][-1]
    found = np.asarray(network.predict_on_batch(VALIDATE.inputs))
    loss = -np.log(found[np.arange(32), VALIDATE.codes]).mean()
    assert loss == pytest.approx(best, rel=1e-3)


def test_a_cosine_rises_and_falls_to_nothing(network):
    """The learning rate is that of Keras' schedule: a tenth of the steps up, then down to 0."""
    course = replace(COURSE, schedule="cosine", epochs=10)
    fit_network(network, LEARN, None, course, history := {}, seed=0)
    steps = np.arange(1, 11) * 4
    expected = 0.05 * (1 + np.cos(np.pi * (steps - 4) / 36)) / 2
    np.testing.assert_allclose(history["learning_rate"], expected, atol=1e-6)


def test_a_plateau_lowers_the_learning_rate(network):
    """Three epochs without a lower loss on validation lower the rate to 0.3 of itself."""
    spoilt = SpoilLater(8, -1.0)  # from the third epoch on
    course = replace(COURSE, schedule="plateau", augmentation=spoilt, epochs=12)
    fit_network(network, LEARN, VALIDATE, course, history := {}, seed=0)
    n_before = np.argmin(history["val_loss"]) + 4  # the best epoch and three without a lower loss
    expected = [0.05] * n_before + [0.015] * (12 - n_before)
    np.testing.assert_allclose(
        history["learning_rate"][: n_before + 3], expected[: n_before + 3], rtol=1e-5
    )


def test_patience_stops(network):
    """Training stops after as many epochs without a lower loss on validation as asked for."""
    course = replace(COURSE, learning_rate=3.0, patience=2, epochs=50)
    fit_network(network, LEARN, VALIDATE, course, history := {}, seed=0)
    losses = history["val_loss"]
    assert len(losses) < 50
    assert np.argmin(losses) == len(losses) - 3


def test_a_loss_that_is_never_finite(network):
    """A first loss that is not finite is an error that names the learning rate."""
    learn = Samples(np.full_like(ROWS, np.nan), CODES)
    with pytest.raises(ClassicVisError, match=r"loss of nan in epoch 1.*below 0.05\."):
        fit_network(network, learn, None, COURSE, {}, seed=0)


def test_a_loss_that_is_not_finite_any_more(network):
    """A later loss that is not finite stops with the reason; the best weights are kept."""
    course = replace(COURSE, augmentation=SpoilLater(22, np.nan), epochs=30)
    with pytest.warns(ConvergenceWarning, match=r"loss of nan in epoch 6.*are kept\.$"):
        fit_network(network, LEARN, VALIDATE, course, history := {}, seed=0)
    assert len(history["loss"]) == 6
    assert all(np.isfinite(weights).all() for weights in weights_of(network))
    found = np.asarray(network.predict_on_batch(VALIDATE.inputs))
    loss = -np.log(found[np.arange(32), VALIDATE.codes]).mean()
    assert loss == pytest.approx(min(history["val_loss"][:5]), rel=1e-3)


def test_interrupted_training_keeps_the_best_weights(network):
    """Ctrl-C after some epochs is raised again, with the weights of the best of them."""

    def interrupt(n_done: int, n_samples: int) -> None:
        if n_done == 2 * 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_network(
            network, LEARN, VALIDATE, replace(COURSE, progress=interrupt), history := {}, seed=0
        )
    assert len(history["val_loss"]) == 2
    found = np.asarray(network.predict_on_batch(VALIDATE.inputs))
    loss = -np.log(found[np.arange(32), VALIDATE.codes]).mean()
    assert loss == pytest.approx(min(history["val_loss"]), rel=1e-3)


def test_optimizers_by_name(network):
    """Names are those of Keras; another one is refused in a sentence."""
    fit_network(network, LEARN, None, replace(COURSE, optimizer="sgd"), history := {}, seed=0)
    assert history["loss"][-1] < history["loss"][0]
    with pytest.raises(ParameterError, match="optimizer='adamm': expected the name"):
        fit_network(network, LEARN, None, replace(COURSE, optimizer="adamm"), {}, seed=0)


def test_mixed_precision_ends_with_its_block(keras):
    """Layers made inside compute in bfloat16 with float32 weights, those after it do not."""
    before = keras.config.dtype_policy().name
    with precision(True):
        layer = keras.layers.Dense(3)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    assert keras.config.dtype_policy().name == before
