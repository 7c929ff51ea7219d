"""Images through a network: the same as Keras' predict, in batches of one shape."""

from __future__ import annotations

import threading
from itertools import repeat

import numpy as np
import pytest

from classicvis import (
    ImageError,
    ParameterError,
    UnreadableImageWarning,
    as_images,
    show_progress,
)
from classicvis.backbones._inference import BatchRunner, predict, prepared
from classicvis.images import ImagePreprocessor

SHAPE = (24, 20, 3)


class Recorder:
    """Stands for a network: answers the mean of each image, remembers the shapes of batches."""

    input_shape = (None, *SHAPE)
    output_shape = (None, 1)

    def __init__(self, memory: float = np.inf) -> None:
        self.memory = memory
        self.shapes: list[tuple[int, ...]] = []

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        self.shapes.append(batch.shape)
        if len(batch) > self.memory:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes")
        return batch.mean((1, 2, 3))[:, None]


@pytest.fixture(scope="module")
def network(keras):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input(SHAPE),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.5),
    ]
    return keras.Sequential(layers)


@pytest.fixture(scope="module")
def images(flower):
    """70 images: parts of a photo of unequal sizes, some grey, some with transparency."""
    parts = [flower[i : i + 30 + i, 3 * i : 3 * i + 40] for i in range(70)]
    parts[5] = parts[5][:, :, 0]
    parts[6] = np.dstack([parts[6][:, :, 0], np.full(parts[6].shape[:2], 200, np.uint8)])
    return parts


def test_predict_is_that_of_keras(network, images):
    """Rows are those of model.predict on the prepared pixels, in inference mode."""
    pixels = np.stack(list(ImagePreprocessor(SHAPE[:2]).transform(images)))
    rows = predict(network, as_images(images), SHAPE[:2], batch_size=32, n_jobs=2)
    expected = network.predict(pixels.astype(np.float32), verbose=0)
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert rows.dtype == np.float32
    assert len(np.unique(rows, axis=0)) == 70
    assert len(predict(network, as_images(images[:1]), SHAPE[:2])) == 1


def test_grey_network(keras, images):
    """A network of one channel gets grey images."""
    network = keras.Sequential([keras.Input((9, 8, 1)), keras.layers.Flatten()])
    pixels = np.stack(list(ImagePreprocessor((9, 8), "gray").transform(images[:6])))
    rows = predict(network, as_images(images[:6]), (9, 8))
    np.testing.assert_array_equal(rows, pixels.reshape(6, -1))


def test_batches_have_one_shape(images):
    """The last batch is filled up, so that no engine compiles a second time."""
    network = Recorder()
    predict(network, as_images(images), SHAPE[:2], batch_size=16)
    assert network.shapes == [(16, *SHAPE)] * 5


def test_few_images_make_a_small_batch(images):
    """Fewer images than a batch run in the next power of two, and no more."""
    network = Recorder()
    predict(network, as_images(images[:5]), SHAPE[:2], batch_size=32)
    assert network.shapes == [(8, *SHAPE)]


def test_tensorflow_traces_once(keras, network, images):
    """On TensorFlow, any number of calls and batches traces the network once."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("counts the traces of TensorFlow")
    model = keras.models.clone_model(network)
    for count in (70, 33, 32):
        predict(model, as_images(images[:count]), SHAPE[:2], batch_size=16)
    assert model.predict_function.experimental_get_tracing_count() == 1


def test_batch_is_halved_when_memory_runs_out():
    """A batch too large for the memory is halved until it fits, for the batches to come as well."""
    network = Recorder(memory=5)
    run = BatchRunner(network, 32)
    pixels = np.random.default_rng(0).integers(0, 256, (40, *SHAPE)).astype(np.uint8)
    expected = pixels.mean((1, 2, 3))[:, None]
    np.testing.assert_allclose(run(pixels), expected, rtol=1e-6)
    assert [shape[0] for shape in network.shapes] == [32, 16, 8, *repeat(4, 10)]
    run(pixels)
    assert {shape[0] for shape in network.shapes[13:]} == {4}


def test_no_memory_for_one_image():
    """Where not even one image fits, one sentence says so."""
    with pytest.raises(ParameterError, match="memory ran out for one image of 24x20 pixels"):
        BatchRunner(Recorder(memory=0), 4)(np.zeros((4, *SHAPE), np.uint8))


def test_other_errors_are_not_memory():
    """An error that is not about memory is raised as it is."""
    network = Recorder()
    network.predict_on_batch = lambda batch: 1 / 0
    with pytest.raises(ZeroDivisionError):
        BatchRunner(network, 4)(np.zeros((4, *SHAPE), np.uint8))


def test_unreadable_images(images):
    """The row of an unreadable image is NaN and a warning lists it, or it raises."""
    sources = [images[0], b"no image", images[1]]
    with pytest.warns(UnreadableImageWarning, match="1 of 3 images"):
        rows = predict(Recorder(), as_images(sources, on_error="mark"), SHAPE[:2])
    assert np.isnan(rows[1]).all()
    expected = predict(Recorder(), as_images(sources[::2]), SHAPE[:2])
    np.testing.assert_array_equal(rows[::2], expected)
    with pytest.raises(ImageError, match="image 1"):
        predict(Recorder(), as_images(sources), SHAPE[:2])


def test_images_are_prepared_ahead(images):
    """Images are decoded in another thread, while whoever asked for them works on the first."""
    many, second = as_images(images * 3), threading.Event()
    threads = set()

    def watch(image):
        threads.add(threading.get_ident())
        if len(calls) > 64:
            second.set()
        calls.append(1)
        return image

    calls: list[int] = []
    parts = prepared(many.map(watch), SHAPE, None)
    next(parts)
    assert second.wait(20), "the second chunk is prepared without being asked for"
    parts.close()
    assert threading.get_ident() not in threads


def test_progress_is_shown(images):
    """Whoever asked to see progress is told, although another thread decodes."""
    told = []
    with show_progress(lambda done, total: told.append((done, total))):
        predict(Recorder(), as_images(images), SHAPE[:2])
    assert told[-1] == (70, 70)
