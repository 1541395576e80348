"""The stages of a start: written one by one, read by everybody, whatever was killed in between."""

import itertools
from pathlib import Path

from unet_core.runs import stages
from unet_core.runs.stages import FILE, LABELS, Recorder, Stage, read


def test_each_stage_ends_where_the_next_begins(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, clock=iter([10.0, 12.5, 20.0, 21.0]).__next__)
    assert read(tmp_path) == []
    recorder.begin(stages.IMPORT)
    assert read(tmp_path) == [Stage("import", 10.0)]
    recorder.begin(stages.READ)
    recorder.count(180)
    assert read(tmp_path) == [Stage("import", 10.0, 2.5), Stage("read", 12.5, None, 180)]
    recorder.begin(stages.FIRST_STEP)
    recorder.end()
    assert [(stage.label, stage.seconds) for stage in read(tmp_path)] == [
        ("Loading PyTorch", 2.5), ("Reading images (180)", 7.5), ("First step", 1.0)
    ]  # fmt: skip


def test_the_trainer_keeps_the_start_of_its_process_and_nothing_of_an_earlier_one(tmp_path: Path) -> None:
    Recorder(tmp_path, clock=lambda: 100.0).begin(stages.PROCESS)
    trainer = Recorder(tmp_path, clock=iter([100.6, 100.7]).__next__)
    trainer.follow(alive_at=100.5)
    trainer.begin(stages.IMPORT)
    assert [(stage.name, stage.began) for stage in read(tmp_path)] == [("process", 100.0), ("import", 100.7)]
    again = Recorder(tmp_path, clock=itertools.repeat(5000.0).__next__)
    again.follow(alive_at=5000.0)  # in a process that nobody recorded
    again.begin(stages.IMPORT)
    assert [stage.name for stage in read(tmp_path)] == ["import"]


def test_a_wait_for_the_device_is_a_stage(tmp_path: Path) -> None:
    Recorder(tmp_path, clock=lambda: 100.0).begin(stages.PROCESS)
    trainer = Recorder(tmp_path, clock=itertools.repeat(160.0).__next__)
    trainer.follow(alive_at=101.0)
    trainer.begin(stages.IMPORT)
    assert [(stage.label, stage.seconds) for stage in read(tmp_path)] == [
        ("Starting the process", 1.0), ("Waiting in the queue", 59.0), ("Loading PyTorch", None)
    ]  # fmt: skip


def test_a_clock_that_was_set_back_gives_no_negative_time(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, clock=iter([10.0, 4.0]).__next__)
    recorder.begin(stages.IMPORT)
    recorder.begin(stages.READ)
    assert read(tmp_path)[0].seconds == 0.0


def test_what_cannot_be_read_is_none_and_a_later_release_may_say_more(tmp_path: Path) -> None:
    for text in (
        "",
        "[]",
        "{",
        '{"stages": 5, "ended": null}',
        '{"stages": [["a"]], "ended": null}',
        '{"stages": []}',
        '{"stages": [], "ended": 3.5}',
    ):
        (tmp_path / FILE).write_text(text)
        assert read(tmp_path) == [], text
    (tmp_path / FILE).write_text('{"stages": [["compile", 1.0, null]], "ended": 3.5, "more": 1}')
    assert [(stage.label, stage.seconds) for stage in read(tmp_path)] == [("compile", 2.5)]


def test_a_disk_that_takes_nothing_stops_no_start(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "gone")
    recorder.begin(stages.IMPORT)
    recorder.end()
    assert read(tmp_path / "gone") == []


def test_every_stage_has_its_words() -> None:
    names = (stages.PROCESS, stages.QUEUE, stages.IMPORT, stages.READ, stages.PREPARE, stages.FIRST_STEP)
    assert list(LABELS) == list(names)
