"""What several test files share: a small data set, one thread, and a cache folder that is not the user's."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch

import pytest

from unet_core import synthetic


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of merged masks, for this session only; no test writes into the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of the built-in data set with their masks; for reading only."""
    return synthetic.write(tmp_path_factory.mktemp("data") / "cells", images=8)
