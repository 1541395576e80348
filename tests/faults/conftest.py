"""What tests with real processes share: a tiny dataset, quick settings, waiting by polling, killing by process id."""

from pathlib import Path

import pytest

from tests.helpers.processes import make_data


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    """Six pictures of 24 x 24 pixels."""
    return make_data(place / "data")
