"""Real images for all tests: those that ship inside the dependencies, and shared data if there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

# Compiled kernels of a test run stay out of the user's cache and outlive one run.
os.environ.setdefault(
    "CLASSICVIS_CACHE_DIR", str(Path(tempfile.gettempdir(), "classicvis-test-cache"))
)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of large real data sets beside the project; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets are not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def flower() -> np.ndarray:
    """A colour photo: uint8 RGB of shape (427, 640, 3)."""
    return load_sample_image("flower.jpg")


@pytest.fixture(scope="session")
def camera() -> np.ndarray:
    """A grey photo: uint8 of shape (512, 512)."""
    return skimage.data.camera()


@pytest.fixture(scope="session")
def texture_tiles() -> tuple[np.ndarray, np.ndarray]:
    """96 tiles of 64x64 pixels of three textures (uint8) and their names."""
    tiles, labels = [], []
    for name in ("brick", "grass", "gravel"):
        texture = getattr(skimage.data, name)()
        for row in range(0, 512, 64):
            for col in range(0, 256, 64):
                tiles.append(texture[row : row + 64, col : col + 64])
                labels.append(name)
    return np.stack(tiles), np.array(labels)


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of real JPEGs: colour tiles of three photos, one folder per class."""
    root = tmp_path_factory.mktemp("photos")
    photos = {
        "花": load_sample_image("flower.jpg"),
        "china": load_sample_image("china.jpg"),
        "coffee": skimage.data.coffee(),
    }
    for name, photo in photos.items():
        folder = root / name
        folder.mkdir()
        for i in range(20):
            row, col = 70 * (i // 5), 100 * (i % 5)
            tile = Image.fromarray(photo[row : row + 70 + i, col : col + 90])
            tile.save(folder / f"图 {i:02d}.jpg", quality=90)
    return root
