"""load_image_folder: layouts, order, litter, unreadable files."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from PIL import Image

from classicvis import ImageError, ParameterError, load_image_folder


def put(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5, 3), value, np.uint8)).save(path)


def test_a_folder_per_class(photo_folder):
    """Classes are the sorted folder names, targets index them, order depends on names alone."""
    data = load_image_folder(photo_folder)
    assert data.target_names == ["china", "coffee", "花"]
    assert len(data.images) == len(data.target) == len(data.paths) == 60
    assert data.target.dtype == np.int64
    assert [path.parent.name for path in data.paths] == data.labels.tolist()
    assert data.paths == sorted(data.paths)
    assert data.images[59].shape == (89, 90, 3)
    assert data.skipped == data.ignored == []
    assert "60 images in 3 classes" in repr(data)


def test_nested_hidden_and_other_files(tmp_path):
    """Images may lie deeper; hidden and other files are ignored and counted."""
    put(tmp_path / "cat" / "persian" / "b.PNG")
    put(tmp_path / "cat" / "a.webp")
    put(tmp_path / "dog" / "c.jpg")
    put(tmp_path / "dog" / ".hidden.jpg")
    put(tmp_path / ".thumbnails" / "cat" / "x.jpg")
    put(tmp_path / "loose.jpg")
    (tmp_path / "dog" / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    data = load_image_folder(tmp_path)
    assert [path.name for path in data.paths] == ["a.webp", "b.PNG", "c.jpg"]
    assert data.labels.tolist() == ["cat", "cat", "dog"]
    assert sorted(path.name for path in data.ignored) == [
        ".hidden.jpg", ".thumbnails", "empty", "loose.jpg", "notes.txt"
    ]  # fmt: skip


def test_train_and_test(tmp_path):
    """A divided folder is read whole with its parts named, or part by part."""
    for name in ("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png"):
        put(tmp_path / name)
    data = load_image_folder(tmp_path)
    assert data.subset.tolist() == ["train", "train", "test", "test"]
    assert data.target_names == ["a", "b"]
    test = load_image_folder(tmp_path, subset="test")
    assert [path.name for path in test.paths] == ["3.png", "4.png"]
    assert test.target.tolist() == [0, 1]
    with pytest.raises(ImageError, match="'train', 'test', expected 'val'"):
        load_image_folder(tmp_path, subset="val")


def test_classes_named_train_and_car_are_classes(tmp_path):
    """A class that happens to be called train is a class when others stand beside it."""
    for name in ("train/1.png", "car/2.png"):
        put(tmp_path / name)
    assert load_image_folder(tmp_path).target_names == ["car", "train"]


def test_a_single_inner_folder_is_entered(tmp_path):
    """Archives that unpack to folder/folder/CLASS work as they are."""
    put(tmp_path / "digits" / "0" / "1.png")
    put(tmp_path / "digits" / "1" / "1.png")
    assert load_image_folder(tmp_path).target_names == ["0", "1"]


def test_one_class_is_loaded(tmp_path):
    """A folder with one class loads; whether one class is enough is the learner's business."""
    put(tmp_path / "cat" / "1.png")
    assert load_image_folder(tmp_path).target_names == ["cat"]


def test_class_names_are_composed_unicode(tmp_path):
    """A name that a Mac decomposed equals the one typed elsewhere."""
    put(tmp_path / unicodedata.normalize("NFD", "é") / "1.png")
    put(tmp_path / "猫" / "1.png")
    assert load_image_folder(tmp_path).target_names == ["é", "猫"]


def test_nothing_to_load(tmp_path):
    """No folder, no image, no class: a sentence each."""
    with pytest.raises(ImageError, match="found no image, expected one folder per class"):
        load_image_folder(tmp_path)
    put(tmp_path / "1.png")
    with pytest.raises(ImageError, match="found 1 images and no class folder"):
        load_image_folder(tmp_path)
    with pytest.raises(ImageError, match="cannot be listed"):
        load_image_folder(tmp_path / "gone")


@pytest.fixture
def damaged_folder(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        put(tmp_path / name)
    (tmp_path / "a" / "0 text.jpg").write_text("words")
    data = (tmp_path / "b" / "3.png").read_bytes()
    (tmp_path / "b" / "4 cut.png").write_bytes(data[:-30])
    return tmp_path


def test_raise(damaged_folder):
    """With "raise" the first file that is no image is named, with the way out."""
    with pytest.raises(ImageError, match=r"0 text\.jpg: not an image.*on_error='skip'"):
        load_image_folder(damaged_folder)


def test_skip(damaged_folder):
    """With "skip" bad files are in no row, and listed with the reason."""
    for n_jobs in (None, 2):
        data = load_image_folder(damaged_folder, on_error="skip", n_jobs=n_jobs)
        assert [path.name for path in data.paths] == ["1.png", "2.png", "3.png"]
        assert data.labels.tolist() == ["a", "a", "b"]
        assert len(list(data.images)) == 3
        assert [entry.path.split("/")[-1] for entry in data.skipped] == ["0 text.jpg", "4 cut.png"]
        assert "not an image" in data.skipped[0].reason


def test_mark(damaged_folder):
    """With "mark" bad files keep their rows and are listed."""
    data = load_image_folder(damaged_folder, on_error="mark")
    assert len(data.paths) == len(data.target) == len(data.images) == 5
    assert len(data.skipped) == 2
    assert data.images.on_error == "mark"


def test_nothing_readable(tmp_path):
    """When every file is bad, "skip" has nothing to return and says so."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match="none of the 1 images can be read"):
        load_image_folder(tmp_path, on_error="skip")


def test_unknown_policy(photo_folder):
    """A policy that does not exist is refused."""
    with pytest.raises(ParameterError, match="on_error"):
        load_image_folder(photo_folder, on_error="ignore")
