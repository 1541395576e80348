"""A scan in a process of its own: polled, found again, cancelled, failed."""

import shutil
import time
from pathlib import Path

import pytest

from tests.core.data.checks.planted import make_clean
from unet_core.config.schema import DataConfig
from unet_core.data.checks import process
from unet_core.data.checks.process import ScanProcess, ScanProgress, ScanState
from unet_core.data.checks.scan import load_cached
from unet_core.errors import DataError


@pytest.fixture
def data(tmp_path: Path) -> DataConfig:
    return DataConfig(root=str(make_clean(tmp_path / "cells", images=6)))


def until_over(running: ScanProcess, seconds: float = 90) -> ScanProgress:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (progress := running.poll()).state is not ScanState.RUNNING:
            return progress
        time.sleep(0.05)  # between two looks
    raise AssertionError(f"the scan is not over: {running.poll()} {running.log.read_text()}")


def test_a_scan_from_its_start_to_its_result(data: DataConfig) -> None:
    assert process.scan_for(data) != process.scan_for(DataConfig(root=data.root, val_fraction=0.5))
    running = process.start(data)
    assert process.start(data) == running == process.scan_for(data)  # found again
    assert until_over(running) == ScanProgress(6, 6, "", ScanState.DONE)
    result = load_cached(data)
    assert result is not None and len(result.facts) == 6 and result.findings == ()


def test_cancelled_it_ends(data: DataConfig) -> None:
    running = process.start(data)
    running.cancel()
    assert until_over(running).state is ScanState.CANCELLED
    deadline = time.monotonic() + 60
    while process.files.is_locked(running.folder / "lock") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not process.files.is_locked(running.folder / "lock")


def test_why_it_failed_is_told(data: DataConfig) -> None:
    shutil.rmtree(data.root)
    failed = until_over(process.start(data))
    assert failed.state is ScanState.FAILED and "no such folder" in failed.error


def test_progress_is_told_and_one_scans_at_a_time(data: DataConfig) -> None:
    waiting = process.scan_for(data)
    waiting.folder.mkdir(parents=True)
    (waiting.folder / "wanted").touch()
    with process.report_to(waiting.folder) as (progress, cancelled):
        progress(2, 6, "cell_02")
        assert waiting.poll() == ScanProgress(2, 6, "cell_02") and not cancelled()
        with pytest.raises(DataError, match="already running"), process.report_to(waiting.folder):
            pass
        waiting.cancel()
        assert cancelled()
    assert waiting.poll().state is ScanState.CANCELLED


def test_a_process_that_died_is_told(data: DataConfig) -> None:
    dead = process.scan_for(data)
    dead.folder.mkdir(parents=True)
    (dead.folder / "wanted").touch()
    assert dead.poll().state is ScanState.RUNNING  # it may be starting
    process.write_atomically(
        dead.folder / "progress.json", '{"done": 1, "total": 6, "name": "a", "state": "running", "error": ""}'
    )
    assert dead.poll().state is ScanState.FAILED and "unexpectedly" in dead.poll().error


def test_nobody_polls(data: DataConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = process.scan_for(data)
    forgotten.folder.mkdir(parents=True)
    (forgotten.folder / "wanted").touch()
    with process.report_to(forgotten.folder) as (_, cancelled):
        assert not cancelled()
        monkeypatch.setattr(process, "UNWANTED", -1.0)
        assert cancelled()
