"""Networks are tested where Keras is installed."""

from __future__ import annotations

import pytest

from classicvis.backbones.keras import keras_is_installed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip every test of this folder with a reason where there is no Keras."""
    if not keras_is_installed():
        skip = pytest.mark.skip(reason="needs Keras and one of its engines: pip install '.[deep]'")
        for item in items:
            if "deep" in item.path.parts:
                item.add_marker(skip)
