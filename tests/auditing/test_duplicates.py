"""Near duplicates: planted copies are found, other pictures are not; groups."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedGroupKFold

from classicvis import ImageSequence, groups_of, near_duplicates
from classicvis.auditing._duplicates import _stands_out
from classicvis.exceptions import ImageError, ParameterError
from tests.auditing.conftest import CHANGES, save


def ends(pairs):
    return [(pair.first, pair.second) for pair in pairs]


def test_different_photos_are_no_duplicates(photos):
    """Not one of 4,005 pairs of tiles of six photos."""
    assert near_duplicates(photos) == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_planted_copies_are_found(photos, change):
    """Every changed copy is paired with its picture, and nothing else is."""
    pairs = near_duplicates(photos + [change(photo) for photo in photos])
    assert ends(pairs) == [(i, len(photos) + i) for i in range(len(photos))]
    assert {pair.kind for pair in pairs} == {"near"}
    assert all(0.95 <= pair.similarity <= 1 for pair in pairs)


def test_a_mirrored_or_moved_picture_is_no_copy(photos, flower):
    """What is not promised is not found: mirrored pictures, and parts moved by a tenth."""
    mirrored = [photo[:, ::-1] for photo in photos[:20]]
    assert near_duplicates(photos[:20] + mirrored) == []
    assert near_duplicates([flower[:400, :500], flower[:400, 60:560]]) == []


def test_kinds_of_equal_pictures(photos, tmp_path):
    """The same bytes, the same pixels in another format, and a copy, each said for what it is."""
    save(photos[0], tmp_path / "一.jpg")
    (tmp_path / "二.jpg").write_bytes((tmp_path / "一.jpg").read_bytes())
    pixels = ImageSequence([str(tmp_path / "一.jpg")])[0]
    cv2.imencode(".png", pixels[..., ::-1])[1].tofile(tmp_path / "三.png")
    save(photos[0], tmp_path / "四.jpg", quality=30)
    names = [str(tmp_path / name) for name in ("一.jpg", "二.jpg", "三.png", "四.jpg")]
    kinds = {(p.first, p.second): p.kind for p in near_duplicates(names)}
    assert kinds.pop((0, 1)) == "bytes"
    assert kinds.pop((0, 2)) in ("pixels", "near")  # luma is rounded once more in a PNG
    assert set(kinds) == {(0, 3), (2, 3)}
    assert groups_of(near_duplicates(names), 4).tolist() == [0, 0, 0, 0]


def test_equal_arrays_form_a_chain(photos):
    """Among k equal pictures there are k - 1 pairs, not k (k - 1) / 2."""
    assert ends(near_duplicates([photos[0]] * 5)) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_flat_pictures_are_told_by_their_pixels_alone():
    """Noise of flat pictures says nothing; equal flat pictures are equal."""
    rng = np.random.default_rng(0)
    flat = [np.full((40, 40), level, np.uint8) for level in (0, 90, 90, 255)]
    noisy = [rng.integers(88, 92, (40, 40)).astype(np.uint8) for _ in range(20)]
    pairs = near_duplicates(flat + noisy)
    assert [(p.first, p.second, p.kind) for p in pairs] == [(1, 2, "bytes")]
    other_bytes = [flat[1], np.stack([flat[1]] * 3, axis=-1)]
    assert near_duplicates(other_bytes) == [] or near_duplicates(other_bytes)[0].kind == "pixels"


def test_a_crowd_of_lookalikes_is_held_to_more():
    """With more lookalikes than copies, 0.96 is no duplicate and 0.995 is."""
    pairs = np.array([(0, 1), (0, 2), (0, 3), (4, 5), (6, 7)])
    similarity = np.array([0.96, 0.92, 0.93, 0.96, 0.995])
    kept = _stands_out(pairs, similarity, 8, 0.95)
    assert kept.tolist() == [False, False, False, True, True]


def test_digits_do_not_melt_into_one_group():
    """Of 1,797 digits of 8x8 pixels, the largest group stays below a class of 180."""
    images = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    groups = groups_of(near_duplicates(images), len(images))
    assert np.bincount(groups).max() < 100


def test_same_result_for_every_n_jobs_and_unreadable_images(photos, tmp_path):
    """Threads change nothing; what cannot be read has no duplicates, and does not stop."""
    bad = tmp_path / "坏.jpg"
    bad.write_text("no image")
    images = ImageSequence([*photos[:40], str(bad), *[photo[1:-1] for photo in photos[:40]]])
    found = [near_duplicates(images, n_jobs=n_jobs) for n_jobs in (None, 2)]
    assert found[0] == found[1]
    assert len(found[0]) == 40
    assert 40 not in np.array(ends(found[0]))


def test_groups_serve_stratified_folds():
    """Groups are numbered by their first image and keep copies in one fold."""
    groups = groups_of([(0, 3), (3, 5), (2, 4)], 7)
    assert groups.tolist() == [0, 1, 2, 0, 2, 0, 3]
    y = np.arange(40) % 2
    groups = groups_of([(i, i + 20) for i in range(20)], 40)
    for train, test in StratifiedGroupKFold(5).split(y, y, groups):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_compare(photos, n):
    """No image and one image have no duplicates."""
    assert near_duplicates(photos[:n]) == []
    assert groups_of([], n).tolist() == list(range(n))


def test_wrong_input_is_one_sentence(photos):
    """Limits out of range, pairs of other images and what holds no images."""
    with pytest.raises(ParameterError, match=r"min_similarity=0\.5, expected above"):
        near_duplicates(photos[:2], min_similarity=0.5)
    with pytest.raises(ParameterError, match="expected 0 to 2"):
        groups_of([(0, 3)], 3)
    with pytest.raises(ImageError, match="expected"):
        near_duplicates(None)


@pytest.mark.slow
def test_copies_among_photos_of_caltech(shared_data, tmp_path):
    """99 of 100 copies among 2,040 photos; the 25 other pairs are drawings and series."""
    import zipfile

    from benchmarks.audit import CHANGES as PLANTED
    from classicvis.images import find_images, read_image

    with zipfile.ZipFile(shared_data / "caltech101-20.zip") as archive:
        archive.extractall(tmp_path)
    paths = [str(path) for path in find_images(tmp_path).images]
    rng = np.random.default_rng(1)
    chosen = rng.permutation(len(paths))[:100].tolist()
    copies = [PLANTED[k % 4](read_image(paths[i]), rng) for k, i in enumerate(chosen)]
    found = set(ends(near_duplicates(paths + copies, n_jobs=2)))
    planted = {(i, len(paths) + k) for k, i in enumerate(chosen)}
    assert len(planted & found) >= 98
    assert len(found - planted) < 40  # of two million; copies of what occurs twice among them
