"""What is written beside our own log, TensorBoard itself reads back."""

import logging
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from unet_core.config.schema import RunConfig
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import EpochFinished, RunStarted, StepFinished
from unet_core.training import runner, tensorboard

STARTED = RunStarted("cpu", "fp32", 1, 10, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3, first_step=1)
EPOCH = EpochFinished(1, 3, 0.9, 0.8, 0.71, None, 0.01, 12.5, 4.0, best=True)


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder / tensorboard.FOLDER), size_guidance={"scalars": 0})
    found.Reload()
    return found


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(item.step, item.value) for item in read(folder).Scalars(tag)]


def write(folder: Path, *events) -> None:
    with closing(tensorboard.Writer(folder)) as writer:
        for number, event in enumerate(events):
            writer.add(event, 1000.0 + number)


def test_steps_and_epochs_are_read_back_with_their_times(tmp_path):
    write(tmp_path, STARTED, StepFinished(1, 1, 0.7, 0.01), StepFinished(1, 2, 0.5, 0.02), EPOCH)
    assert points(tmp_path, "loss/batch") == [(1, pytest.approx(0.7)), (2, pytest.approx(0.5))]
    assert points(tmp_path, "learning_rate") == [(1, pytest.approx(0.01)), (2, pytest.approx(0.02))]
    assert points(tmp_path, "loss/train") == [(3, pytest.approx(0.9))]
    assert points(tmp_path, "score/dice") == [(3, pytest.approx(0.71))]
    assert [item.wall_time for item in read(tmp_path).Scalars("loss/batch")] == [1001.0, 1002.0]


def test_what_is_undefined_is_left_out(tmp_path):
    write(tmp_path, STARTED, EPOCH, StepFinished(1, 1, None, 0.01))
    assert "score/iou" not in read(tmp_path).Tags()["scalars"]
    assert "loss/batch" not in read(tmp_path).Tags()["scalars"]


def test_steps_that_are_repeated_are_dropped(tmp_path):
    write(tmp_path, STARTED, *(StepFinished(1 + step // 4, step, 0.5, 0.01) for step in range(1, 6)))
    again = replace(STARTED, first_epoch=2, first_step=4)
    write(tmp_path, again, StepFinished(2, 4, 0.1, 0.01))
    assert points(tmp_path, "loss/batch") == [(1, 0.5), (2, 0.5), (3, 0.5), (4, pytest.approx(0.1))]


def test_a_disk_that_fails_is_told_once_and_stops_no_training(tmp_path, monkeypatch, caplog):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensorboard, "SummaryWriter", full)
    with caplog.at_level(logging.WARNING):
        write(tmp_path, STARTED, StepFinished(1, 1, 0.7, 0.01), EPOCH)
    assert len(caplog.records) == 1
    assert "No space left" in caplog.text


@pytest.mark.parametrize("wished", [True, False])
def test_a_run_writes_them_where_wished(wished, sample_folder, tmp_path):
    config = RunConfig().replace(
        root=str(sample_folder),
        epochs=1,
        base_channels=2,
        depth=1,
        image_size=32,
        batch_size=8,
        threads=1,
        tensorboard=wished,
    )
    run = runs.create(tmp_path, config)
    with closing(EventLog(run.events)) as log:
        runner.run_to_end(run, log)
    assert (run.folder / tensorboard.FOLDER).exists() == wished
    if wished:
        steps = [event for event, _ in read_events(run.events)[0] if isinstance(event, StepFinished)]
        assert points(run.folder, "loss/batch") == [(step.step, pytest.approx(step.loss)) for step in steps]
