"""Folders of real photos with something wrong, planted on purpose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

SIDE = 96


@pytest.fixture(scope="session")
def photos() -> list[np.ndarray]:
    """Some 80 tiles of six photos, 96x96 RGB, all different and none flat."""
    sources = [
        load_sample_image("flower.jpg"),
        load_sample_image("china.jpg"),
        skimage.data.coffee(),
        skimage.data.astronaut(),
        skimage.data.chelsea(),
        skimage.data.rocket(),
    ]
    tiles = []
    for photo in sources:
        corners = [
            (row, col)
            for row in range(0, photo.shape[0] - SIDE + 1, SIDE)
            for col in range(0, photo.shape[1] - SIDE + 1, SIDE)
        ]
        cut = [photo[r : r + SIDE, c : c + SIDE] for r, c in corners]
        tiles += [tile for tile in cut if tile.mean(axis=2).std() > 12][:15]
    return tiles


def resized(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (60, 60), interpolation=cv2.INTER_AREA)


def encoded(image: np.ndarray) -> np.ndarray:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image.astype(int) + 40, 0, 255).astype(np.uint8)


def darker(image: np.ndarray) -> np.ndarray:
    return (0.7 * image).astype(np.uint8)


def cropped(image: np.ndarray) -> np.ndarray:
    return image[2:-2, 2:-2]


CHANGES = (resized, encoded, brighter, darker, cropped)


@pytest.fixture
def folder(photos: list[np.ndarray], tmp_path: Path) -> Path:
    """Classes 花, 杯 and 城 of 15 JPEGs, and what is wrong with some more.

    城 holds a cut-off file, a black picture and a copy of the bytes of another; 杯 a copy of a
    picture of 花, encoded anew.
    """
    root = tmp_path / "照片"
    for name, first in (("花", 0), ("城", 15), ("杯", 30)):
        (root / name).mkdir(parents=True)
        for i in range(15):
            save(photos[first + i], root / name / f"图 {i:02d}.jpg")
    data = (root / "城" / "图 03.jpg").read_bytes()
    (root / "城" / "坏.jpg").write_bytes(data[:500])
    (root / "城" / "又一次.jpg").write_bytes(data)
    save(np.zeros((SIDE, SIDE, 3), np.uint8), root / "城" / "黑.jpg")
    save(photos[4], root / "杯" / "混入.jpg", quality=50)
    return root


def save(image: np.ndarray, path: Path, quality: int = 92) -> None:
    Image.fromarray(image).save(path, quality=quality)
