"""ImageSequence: lazy, sliceable, and acceptable to scikit-learn."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import _safe_indexing

from classicvis import ImageError, ImageSequence, ParameterError, as_images
from classicvis.images import read_chunk, show_progress, stream


def count(image: np.ndarray) -> np.ndarray:
    count.calls += 1
    return 255 - image


@pytest.fixture
def stack():
    return np.arange(5 * 4 * 3 * 3, dtype=np.uint8).reshape(5, 4, 3, 3)


def test_arrays_lists_and_nested_indexing(stack):
    """Stacks and lists of arrays give the same images, whole or in parts."""
    for X in (stack, list(stack)):
        images = as_images(X)
        assert len(images) == 5
        assert images.shape == (5,)
        np.testing.assert_array_equal(images[-1], stack[4])
        part = images[[4, 1]][1:]
        assert isinstance(part, ImageSequence)
        np.testing.assert_array_equal(part[0], stack[1])
        mask = np.array([True, False, False, True, False])
        np.testing.assert_array_equal(np.stack(list(images[mask])), stack[[0, 3]])
        np.testing.assert_array_equal(_safe_indexing(images, np.array([2]))[0], stack[2])
    assert len(images[[]]) == 0
    with pytest.raises(IndexError):
        images[5]
    with pytest.raises(IndexError):
        images[0, 1]


def test_sources_may_be_mixed(stack, photo_folder):
    """Paths, bytes and arrays of unequal sizes go together."""
    path = next(photo_folder.rglob("*.jpg"))
    images = as_images([str(path), path, path.read_bytes(), stack[0]])
    np.testing.assert_array_equal(images[0], images[2])
    np.testing.assert_array_equal(images[1], images[2])
    np.testing.assert_array_equal(images[3], stack[0])


def test_a_folder_is_its_images(photo_folder):
    """A folder stands for all its images, ordered by path."""
    images = as_images(photo_folder)
    assert len(images) == 60
    assert list(images.sources) == sorted(images.sources)


def test_map_is_lazy_and_composes(stack):
    """A step runs when an image is asked for, once per image, in order."""
    count.calls = 0
    images = as_images(stack).map(count).map(lambda image: image // 2)
    part = images[1:3]
    assert count.calls == 0
    np.testing.assert_array_equal(part[0], (255 - stack[1]) // 2)
    assert count.calls == 1


def test_a_failing_step_names_the_image(stack):
    """An error inside a step says which image it was, by its number before slicing."""

    def fail(image):
        raise RuntimeError("no such thing")

    images = as_images(stack).map(fail)[3:]
    with pytest.raises(ImageError, match=r"image 3: the step .*no such thing"):
        images[0]


def test_pickle(stack, photo_folder):
    """A pickled sequence gives the same images."""
    for X in (stack, photo_folder):
        images = as_images(X)[2:4].map(np.ascontiguousarray)
        copy = pickle.loads(pickle.dumps(images))
        np.testing.assert_array_equal(copy[1], images[1])
        assert copy.name(1) == images.name(1)


def test_splitters_accept_a_sequence(stack):
    """StratifiedKFold counts and splits a sequence."""
    images = as_images(np.concatenate([stack, stack]))
    folds = list(StratifiedKFold(5).split(images, [0, 1] * 5))
    assert [len(images[test]) for _, test in folds] == [2] * 5


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((64, 64, 3), np.uint8), r"image\[None\]"),
        (np.zeros((4, 4), np.uint8), r"expected \(n, height, width\)"),
        ("no/such/file.jpg", "put it in a list"),
        (b"data", "list of images"),
        (7, "found int, expected images"),
        ([[[0, 1], [2, 3]]], "image 0: found list"),
    ],
)
def test_what_holds_no_images(X, message):
    """A single image, or something else, gets a sentence that says how to pass it."""
    with pytest.raises(ImageError, match=message):
        as_images(X)
    with pytest.raises(ImageError, match=message):
        ImageSequence(X)


def test_unknown_policy(stack):
    """A policy that does not exist is refused."""
    with pytest.raises(ParameterError, match="ignore"):
        as_images(stack, on_error="ignore")


def test_unreadable_images_raise_or_are_reported(stack):
    """With "raise" the first bad image raises; with "mark" the chunk tells which and why."""
    sources = [stack[0], b"", stack[1]]
    with pytest.raises(ImageError, match="image 1: the file is empty"):
        read_chunk(as_images(sources))
    chunk = read_chunk(as_images(sources, on_error="mark"))
    assert chunk.positions == [0, 2]
    assert chunk.unreadable[0].path == "image 1"
    assert "empty" in chunk.unreadable[0].reason


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_stream_keeps_order_and_reports_progress(n_jobs):
    """Chunks come in order for any number of threads, and progress ends at the whole."""
    pixels = np.arange(1200).astype(np.uint8).reshape(-1, 1, 1)
    for X in (pixels, list(pixels)):
        seen = []
        with show_progress(lambda done, total, seen=seen: seen.append((done, total))):
            blocks = list(
                stream(as_images(X), lambda chunk: [int(i[0, 0]) for i in chunk.images], n_jobs)
            )
        assert [value for block in blocks for value in block] == pixels.ravel().tolist()
        assert seen[-1] == (1200, 1200)
        assert len(seen) == len(blocks) > 1


def test_only_plain_stacks_of_pixels_go_as_they_are(stack, photo_folder):
    """`pixels` gives uint8 stacks of RGB or grey images without a copy, and nothing else."""
    for X in (stack, stack[..., 0], stack[::-1, :, ::-1]):
        assert np.shares_memory(as_images(X).pixels(), X)
        np.testing.assert_array_equal(as_images(X)[1:3].pixels(), X[1:3])
    others = [
        stack[..., :2],
        stack[..., :1],
        stack.astype(np.uint16),
        stack[:0],
        list(stack),
        photo_folder,
        as_images(stack).map(count),
    ]
    assert [as_images(X).pixels() for X in others] == [None] * len(others)


def test_opencv_threads_are_restored():
    """Streaming leaves OpenCV's own setting as it was."""
    import cv2

    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        inside = list(
            stream(as_images(np.zeros((2, 1, 1), np.uint8)), lambda c: cv2.getNumThreads())
        )
        assert inside == [1]
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def first_values(chunk) -> list[int]:
    return [int(image[0, 0]) for image in chunk.images]


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_stream_obeys_the_active_backend(backend):
    """Inside ``joblib.parallel_config`` the work runs there, with the same results."""
    pixels = np.arange(600).astype(np.uint8).reshape(-1, 1, 1)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        blocks = list(stream(as_images(list(pixels)), first_values))
    assert [value for block in blocks for value in block] == pixels.ravel().tolist()


def test_an_error_in_a_thread_ends_the_stream():
    """The error of one chunk is raised, and chunks that wait are not begun."""
    begun = []

    def work(chunk):
        begun.append(chunk.start)
        if chunk.start:
            raise ImageError("planted")

    images = as_images(list(np.zeros((64 * 40, 1, 1), np.uint8)))
    with pytest.raises(ImageError, match="planted"):
        list(stream(images, work, n_jobs=2))
    assert len(begun) < 20
