"""An empty runs folder, and a run that was really trained."""

import shutil
from pathlib import Path

import pytest

from unet_core.runs import run as runs


@pytest.fixture
def place(tmp_path, monkeypatch, sample_folder):
    """An empty runs folder, an empty library and the sample data, as the app sees them; folders are read at once."""
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "datasets"))
    for name in ("UNET_DATA_ROOT", "UNET_STUDIO_PUBLIC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pages.server.paths.sample_data", lambda: sample_folder)
    monkeypatch.setattr("pages.views.train.dataset.QUICK_SECONDS", 60)
    monkeypatch.setattr("pages.views.train.settings.duration.measure", lambda again=True: False)  # takes a process
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, sample_folder):
    """A run really trained, for a moment."""
    from unet_core.cli.parser import main

    runs_dir = tmp_path_factory.mktemp("trained")
    small = ["--epochs", "1", "--base-channels", "2", "--depth", "1", "--image-size", "32", "--crops-per-image", "1"]
    assert main(["train", str(sample_folder), "--runs-dir", str(runs_dir), *small]) == 0
    return runs.find(runs_dir)[0]


@pytest.fixture
def quick_scans(monkeypatch):
    """Scans of the Data page run at once and in this process."""
    from pages.server.datasets import scans
    from tests.helpers.datasets import scan_at_once
    from unet_core.data.checks import process

    scans.forget()
    monkeypatch.setattr(process, "start", scan_at_once)


@pytest.fixture
def healthy(tmp_path, sample_folder):
    """A dataset that the test may change."""
    return Path(shutil.copytree(sample_folder, tmp_path / "cells"))


@pytest.fixture
def faulty(tmp_path, sample_folder):
    """The same with an inverted mask and one that lacks rows."""
    from tests.helpers.datasets import copy_faulty

    return copy_faulty(sample_folder, tmp_path / "faulty")
