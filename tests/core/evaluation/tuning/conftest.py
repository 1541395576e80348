"""A run with validation and test images that was really trained, for a moment."""

import shutil
from pathlib import Path

import pytest

from unet_core.cli.parser import main
from unet_core.data import synthetic
from unet_core.runs import run as runs


@pytest.fixture(scope="session")
def tuned_source(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    """Twelve images, of which three validate and two are test images."""
    data = synthetic.write(tmp_path_factory.mktemp("tuning") / "cells", images=12)
    runs_dir = tmp_path_factory.mktemp("tuning-runs")
    options = {
        "epochs": 2,
        "base-channels": 4,
        "depth": 1,
        "image-size": 64,
        "crops-per-image": 2,
        "val-fraction": 0.25,
        "test-fraction": 0.2,
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    assert main(["train", str(data), "--runs-dir", str(runs_dir), *arguments]) == 0
    return runs.find(runs_dir)[0]


@pytest.fixture
def tuned_run(tuned_source: runs.Run, tmp_path: Path) -> runs.Run:
    """A copy of that run, which the test may change."""
    return runs.Run(Path(shutil.copytree(tuned_source.folder, tmp_path / "runs" / tuned_source.id)))
