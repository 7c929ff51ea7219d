"""Odd pictures: found among ordinary ones, and not where all are alike; blur as scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.measure import blur_effect
from sklearn.datasets import load_digits

from classicvis.auditing._quality import quality_issues
from classicvis.auditing._scan import blur_of, scan
from classicvis.images import ImageSequence, as_images


def kinds(images):
    issues = quality_issues(scan(as_images(images, on_error="mark")))
    return {(issue.image, issue.kind) for issue in issues}


@pytest.mark.parametrize("shape", [(96, 96), (40, 200), (9, 12)])
def test_blur_is_that_of_scikit_image(camera, shape):
    """The figure of ``blur_effect`` to four digits, sharp and blurred."""
    image = np.ascontiguousarray(camera[200 : 200 + shape[0], 100 : 100 + shape[1]])
    for picture in (image, cv2.GaussianBlur(image, (0, 0), 2)):
        assert blur_of(picture) == pytest.approx(blur_effect(picture), abs=1e-4)


def test_what_has_no_blur():
    """Flat pictures and slivers have none."""
    assert np.isnan(blur_of(np.full((20, 20), 9, np.uint8)))
    assert np.isnan(blur_of(np.arange(40, dtype=np.uint8).reshape(2, 20)))


def test_each_issue_is_found_among_ordinary_photos(photos, flower):
    """One picture of each kind, and no other is told."""
    photo = photos[0]
    odd = {
        "tiny": photo[:20, :20],
        "large": cv2.resize(flower, (600, 500)),
        "odd_aspect": cv2.resize(photo, (300, 80)),
        "blurred": cv2.GaussianBlur(photos[20], (0, 0), 8),
        "dark": photo // 8,
        "overexposed": 255 - photo // 8,
        "flat": np.full((96, 96, 3), 120, np.uint8),
    }
    found = kinds(photos + list(odd.values()))
    planted = {(len(photos) + k, kind) for k, kind in enumerate(odd)}
    assert planted <= found
    assert len({i for i, _ in found if i < len(photos)}) <= 4  # some tiles are dark or bright


def test_a_set_of_dark_or_tiny_pictures_has_none(photos):
    """What is usual in a set is no finding: white strokes on black, thumbnails."""
    digits = np.rint(load_digits().images[:300] * 255 / 16).astype(np.uint8)
    assert kinds(digits) == set()
    assert kinds(255 - digits) == set()
    dark = kinds([photo // 8 for photo in photos])
    assert sum(kind == "dark" for _, kind in dark) < 8
    tiny = [photo[:12, :12] for photo in photos]
    assert not {kind for _, kind in kinds(tiny)} & {"tiny", "large", "odd_aspect"}


def test_unreadable_images_are_told_with_their_reason(photos, tmp_path):
    """Empty, cut off and missing files; the order of the others stays."""
    empty = tmp_path / "空.jpg"
    empty.touch()
    images = ImageSequence([photos[0], str(empty), photos[1], str(tmp_path / "无.jpg")])
    found = scan(images)
    issues = [issue for issue in quality_issues(found) if issue.kind == "unreadable"]
    assert [issue.image for issue in issues] == [1, 3]
    assert "0 bytes" in issues[0].reason
    assert "cannot be opened" in issues[1].reason
    assert found.sizes.tolist() == [[96, 96], [0, 0], [96, 96], [0, 0]]


def test_nothing_to_look_at(tmp_path):
    """No image at all, and none that can be read."""
    assert quality_issues(scan(ImageSequence([]))) == []
    bad = quality_issues(scan(ImageSequence([str(tmp_path / "a.jpg")])))
    assert [issue.kind for issue in bad] == ["unreadable"]
