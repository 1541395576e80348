"""Estimates before a start: in proportion to what is computed, from a run, a check or the machine's measurement."""

import dataclasses
import json
import subprocess
import sys

import pytest

from tests.core.planning.test_report import REPORT
from tests.helpers.pages import EPOCH, STARTED
from unet_core.config.schema import RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.hardware import cores
from unet_core.planning import pace, process
from unet_core.planning.pace import DatasetShape, Pace
from unet_core.planning.process import CheckState
from unet_core.planning.report import Report, decode, encode
from unet_core.runs.history import History

SHAPE = DatasetShape(20, 5, 256.0 * 256)
ONE = Pace(1e-9, "a test", val_share=0.5, save_seconds=0.25, read_seconds=0.0)


def seconds(**changes) -> float:
    return pace.estimate_seconds(RunConfig().replace(**changes), SHAPE, ONE, channels=1) - pace.START_SECONDS


def test_an_epoch_is_its_crops_its_validation_and_its_saving():
    crop = 1e-9 * pace.multiply_adds(RunConfig().model, 1)
    assert seconds(epochs=1) == pytest.approx(20 * 4 * crop + 0.5 * 5 * 4 * crop + 0.25)
    assert seconds(epochs=10) == pytest.approx(10 * seconds(epochs=1))


def test_more_crops_take_longer_and_a_batch_does_not_matter():
    train = seconds(epochs=1, crops_per_image=8) - seconds(epochs=1, crops_per_image=4)
    assert train == pytest.approx(20 * 4 * 1e-9 * pace.multiply_adds(RunConfig().model, 1))
    assert seconds(batch_size=4) == seconds(batch_size=16)


def test_crops_are_counted_as_training_counts_them():
    import numpy as np

    from unet_core.data import sampling

    for side in (64, 128, 256):
        for pixels in (50.0**2, 128.0**2, 200.0**2, 2000.0**2):
            config = RunConfig().replace(image_size=side)
            counted = sampling.crops_of(np.array([pixels]), config.model, config.train)[0]
            assert pace.count_crops(config, pixels) == counted


def test_the_shape_is_by_the_fractions_or_by_the_folders():
    data = Fingerprint(images=40, height=100, width=50)
    config = RunConfig().replace(val_fraction=0.25, test_fraction=0.1)
    assert DatasetShape.of(data, config) == DatasetShape(26, 10, 5000.0)
    subsets = ("train",) * 30 + ("val",) * 6 + ("test",) * 4
    assert DatasetShape.of(data, config, subsets) == DatasetShape(30, 6, 5000.0)


def test_a_run_gives_the_pace_of_its_crops():
    history = History()
    assert pace.of_history(RunConfig(), history, "") is None
    history.add(STARTED, 0.0)
    history.add(dataclasses.replace(EPOCH, images_per_second=50.0), 1.0)
    found = pace.of_history(RunConfig(), history, "an earlier run")
    assert found is not None and found.basis == "an earlier run"
    assert found.seconds * pace.multiply_adds(RunConfig().model, 1) == pytest.approx(1 / 50)


def test_a_report_estimates_its_own_run():
    data = dataclasses.replace(REPORT.fingerprint, height=200, width=200, channels=1)
    report = dataclasses.replace(REPORT, fingerprint=data, crops=4 * REPORT.train_images)
    report = dataclasses.replace(report, train_seconds=report.crops * report.step_seconds / report.batch_size)
    config = RunConfig().replace(crops_per_image=4)
    shape = DatasetShape(report.train_images, report.val_images, 200.0 * 200)
    found = pace.of_report(config, report, "")
    total = pace.estimate_seconds(config, shape, found, 1) - pace.START_SECONDS - report.start_seconds
    assert total == pytest.approx(config.train.epochs * report.epoch_seconds, rel=0.01)


def test_a_machine_is_told_from_another_and_kept_when_checks_are_deleted(tmp_path, monkeypatch):
    first = pace.find_measurement(tmp_path, tmp_path / "sample")
    assert first == pace.find_measurement(tmp_path, tmp_path / "sample")
    monkeypatch.setattr(pace.platform, "node", lambda: "another machine")
    assert pace.find_measurement(tmp_path, tmp_path / "sample") != first
    first.folder.mkdir(parents=True)
    for number in range(process.MAX_CHECKS + 3):
        (first.folder.parent / f"check-{number:02}").mkdir()
    process._delete_old(first.folder.parent)
    assert first.folder.is_dir() and len(list(first.folder.parent.iterdir())) == process.MAX_CHECKS + 1


def test_the_machine_is_measured_in_a_process_that_holds_no_device(tmp_path, sample_folder):
    from unet_core.runs import queue

    runs_dir = tmp_path / "runs"
    config = RunConfig().replace(root=str(sample_folder), image_size=32, depth=2, base_channels=2, batch_size=2)
    words = process.arguments(config, runs_dir, pace.KIND)
    with queue.hold_device(runs_dir):
        done = subprocess.run(
            [sys.executable, "-m", "unet_core", *words, "--json-lines"], capture_output=True, text=True, check=True
        )
    messages = [decode(line) for line in done.stdout.splitlines()]
    report = next(message for message in messages if isinstance(message, Report))
    assert report.device == "cpu" and report.step_seconds > 0
    assert report.threads == max(1, cores() - 1)


def test_a_measurement_is_read_from_its_folder(tmp_path):
    check = pace.find_measurement(tmp_path, tmp_path / "sample")
    check.folder.mkdir(parents=True)
    (check.folder / "wanted").touch()
    check.output.write_text(encode(REPORT) + "\n" + json.dumps({}) + "\n")
    assert check.state() is CheckState.DONE and check.result() == REPORT
