"""Networks are tested where Keras is installed."""

from __future__ import annotations

import pytest

from classicvis.backbones.keras import keras_is_installed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip every test of this folder where there is no Keras; let Keras use what NumPy drops."""
    missing = "needs Keras and one of its engines: pip install '.[deep]'"
    mark = pytest.mark.skip(reason=missing)
    if keras_is_installed():
        mark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    for item in items:
        if "deep" in item.path.parts:
            item.add_marker(mark)
