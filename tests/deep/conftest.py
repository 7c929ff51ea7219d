"""Networks are tested where Keras is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from classicvis.backbones.keras import keras_is_installed, load_keras

_OF_KERAS = "ignore:__array__ implementation:DeprecationWarning"  # its variables, with NumPy 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip every test of this folder with a reason where there is no Keras."""
    mark = pytest.mark.filterwarnings(_OF_KERAS)
    if not keras_is_installed():
        mark = pytest.mark.skip(reason="needs Keras and one of its engines: pip install '.[deep]'")
    for item in items:
        if "deep" in item.path.parts:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def keras() -> Any:
    """The module, with the engine that KERAS_BACKEND names."""
    return load_keras()


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits, uint8 of shape (n, 8, 8), and their names: "d0" to "d9"."""
    X, y = load_digits(return_X_y=True)
    return (X.reshape(-1, 8, 8) * 15.9).astype(np.uint8), np.char.add("d", y.astype(str))
