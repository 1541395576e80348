"""What tests with real processes share: a tiny dataset, quick settings, waiting by polling, killing by process id."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.processes import make_data, sweep


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for a module's runs; no trainer in it outlives the module."""
    folder = tmp_path_factory.mktemp("processes")
    yield folder
    sweep(folder)


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    """Six pictures of 24 x 24 pixels."""
    return make_data(place / "data")
