"""Events as lines: each type there and back, and no damaged line ever taken for a good one."""

import json
import math
import os
import zlib
from dataclasses import fields, replace
from typing import Any

import pytest

from unet_core.runs.events import (
    EVENTS,
    EpochFinished,
    EpochsChanged,
    Event,
    Load,
    LrChanged,
    Paused,
    RunFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    Unpaused,
    Warned,
    decode,
    encode,
)

STARTED = RunStarted(
    device="cuda",
    precision="bf16",
    threads=3,
    parameters=1_234_567,
    in_channels=3,
    num_classes=5,
    train_images=40,
    val_images=8,
    test_images=0,
    epochs=25,
    steps_per_epoch=10,
    first_epoch=4,
)
EPOCH = EpochFinished(
    epoch=1,
    step=10,
    train_loss=0.75,
    val_loss=0.5,
    val_dice=0.875,
    val_iou=7 / 9,
    lr=0.001,
    images_per_second=33.25,
    seconds=4.5,
    best=True,
)
STEP = StepFinished(epoch=1, step=5, loss=0.5, lr=0.001, memory_mb=812)
FINISHED = RunFinished("completed", 7, 0.9, 0.8, 31.5, 100.25)
EACH: list[Event] = [
    STARTED,
    STEP,
    EPOCH,
    Warned('Skipped: C:\\Bilder\\"a".png\nis damaged — 細胞, "crc32": "00000000"}'),
    Paused(epoch=1, step=5),
    Unpaused(epoch=1, step=5, seconds=12.25),
    LrChanged(epoch=1, step=5, before=0.001, lr=0.01),
    EpochsChanged(epoch=1, step=5, before=25, epochs=40),
    FINISHED,
    RunFailed("No memory left."),
]
STEP_BODY = '{"seq": 7, "time": 1763700000.123, "type": "step", "epoch": 1, "step": 5, "loss": 0.5, "lr": 0.001, '
STEP_BODY += '"memory_mb": 812}'


def signed(body: str) -> str:
    """A line as the format says, made without the module under test."""
    return f'{body[:-1]}, "crc32": "{zlib.crc32(body.encode()):08x}"}}\n'


def test_every_type_is_here() -> None:
    assert [event.type for event in EACH] == list(EVENTS)
    assert [type(event) for event in EACH] == list(EVENTS.values())


def test_the_exact_line() -> None:
    assert encode(STEP, 7, 1763700000.12345) == signed(STEP_BODY)
    assert signed(STEP_BODY).endswith(', "memory_mb": 812, "crc32": "d51d7a2d"}\n')


@pytest.mark.parametrize("event", EACH, ids=lambda event: event.type)
def test_there_and_back(event: Event) -> None:
    line = encode(event, 3, 17.25)
    assert decode(line) == (event, 3, 17.25)
    assert line.endswith("\n")
    assert line.isascii()
    assert len(line.splitlines()) == 1
    record = json.loads(line)
    names = [item.name for item in fields(event) if getattr(event, item.name) is not None or item.name != "load"]
    assert list(record) == ["seq", "time", "type", *names, "crc32"]


def test_the_load_of_the_machine_is_there_where_it_was_measured() -> None:
    measured = replace(STEP, load=Load(163.5, 812, None, 4096))
    line = encode(measured, 7, 1763700000.12345)
    assert line == signed(f'{STEP_BODY[:-1]}, "load": [163.5, 812, null, 4096]}}')
    event, _, _ = decode(line)
    assert isinstance(event, StepFinished)
    assert event.load == Load(163.5, 812, None, 4096)
    assert event == STEP, "two equal runs differ in it"
    later, _, _ = decode(signed(f'{STEP_BODY[:-1]}, "load": [1.0, 2, null, null, 5]}}'))
    assert isinstance(later, StepFinished)
    assert later.load == Load(1.0, 2, None, None), "what a later release says besides is passed over"
    odd, _, _ = decode(signed(f'{STEP_BODY[:-1]}, "load": 5}}'))
    assert isinstance(odd, StepFinished)
    assert odd.load is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_becomes_none(number: float) -> None:
    line = encode(StepFinished(1, 5, number, 0.001, 812), 7, 1763700000.123)
    assert line == signed(STEP_BODY.replace('"loss": 0.5', '"loss": null'))
    assert decode(line) == (StepFinished(1, 5, None, 0.001), 7, 1763700000.123)


@pytest.mark.parametrize("name", [b"\xff.png", "é細.png".encode(), b"a\nb\r.png", b"\xed\xa0\x80"])
def test_a_file_name_of_any_bytes_can_be_told(name: bytes) -> None:
    warning = Warned(f"Skipped: {os.fsdecode(name)}: damaged")
    line = encode(warning, 1, 0.0).encode("utf-8")
    assert decode(line.decode("utf-8")) == (warning, 1, 0.0)
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("event", EACH, ids=lambda event: event.type)
def test_no_flipped_bit_is_taken_for_good(event: Event) -> None:
    data = encode(event, 12, 1763700000.5).encode()
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            assert decode(flipped.decode("utf-8", errors="replace")) is None, (position, bit)


@pytest.mark.parametrize("event", EACH, ids=lambda event: event.type)
def test_no_torn_line_is_taken_for_good(event: Event) -> None:
    line = encode(event, 12, 1763700000.5)
    for length in range(len(line) - 1):
        assert decode(line[:length]) is None, length
    for start in range(1, len(line)):
        assert decode(line[start:]) is None, start
    assert decode(line.removesuffix("\n")) == (event, 12, 1763700000.5), "only the newline is missing"


@pytest.mark.parametrize("line", ["", "\n", "{}", "null\n", '"crc32"', STEP_BODY, '{"seq": 1, "crc32": "0"}\n'])
def test_what_is_no_line_of_ours(line: str) -> None:
    assert decode(line) is None


def test_two_lines_glued_together_are_none() -> None:
    assert decode(signed(STEP_BODY).rstrip("\n") + signed(STEP_BODY)) is None


def test_an_event_of_a_later_release_is_passed_over() -> None:
    line = signed('{"seq": 9, "time": 2.5, "type": "film", "frame": [1, 2], "note": "é"}')
    assert decode(line) == (None, 9, 2.5)


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (STEP_BODY[:-1] + ', "gradient": 3.5}', STEP),  # a later release tells more
        (STEP_BODY, STEP),
    ],
)
def test_a_field_of_a_later_release_is_passed_over(body: str, event: Event) -> None:
    assert decode(signed(body)) == (event, 7, 1763700000.123)


def test_a_field_that_an_older_release_did_not_know_takes_its_default() -> None:
    record: dict[str, Any] = json.loads(encode(STARTED, 1, 1.0))
    del record["crc32"], record["first_epoch"]
    read = decode(signed(json.dumps(record)))
    assert read is not None
    assert isinstance(read[0], RunStarted)
    assert read[0].first_epoch == 1


def test_the_memory_of_a_step_is_kept_and_makes_no_difference_between_two_runs() -> None:
    read = decode(encode(STEP, 1, 1.0))
    assert read is not None
    assert isinstance(read[0], StepFinished)
    assert read[0].memory_mb == 812
    assert StepFinished(1, 5, 0.5, 0.001) == STEP != StepFinished(1, 5, 0.5, 0.002)


def test_a_step_of_the_last_release_has_no_memory() -> None:
    old = signed('{"seq": 2, "time": 1.5, "type": "step", "epoch": 1, "step": 1, "loss": 1.5, "lr": 0.005}')
    assert decode(old) == (StepFinished(1, 1, 1.5, 0.005, None), 2, 1.5)
