"""events.jsonl while it grows: nothing good is lost to a torn line, a damaged one, a full disk or an early reader."""

import os
import random
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from unet_core.runs.event_log import EventLog, last_event, read_events
from unet_core.runs.events import Event, RunFinished, StepFinished, Warned, decode, encode

ROOT = Path(__file__).parents[3]
EVENTS: list[Event] = [
    Warned("Skipped: é細\n.png"),
    *(StepFinished(1, step, 1 / step, 0.001) for step in range(1, 6)),
    RunFinished("completed", 1, None, None, 2.0, 3.0),
]
LINES = [encode(event, number, 100.0 + number).encode() for number, event in enumerate(EVENTS, 1)]
PAIRS = [(event, 100.0 + number) for number, event in enumerate(EVENTS, 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def append_all(path: Path, events: list[Event]) -> EventLog:
    log = EventLog(path)
    for event in events:
        log.append(event)
    log.close()
    return log


def read_all(path: Path) -> list[Event]:
    return [event for event, _ in read_events(path)[0]]


def numbers(path: Path) -> list[int]:
    found = [decode(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [read[1] for read in found if read is not None]


def test_the_exact_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(101, 110))
    monkeypatch.setattr("unet_core.runs.event_log.time.time", lambda: float(next(clock)))
    append_all(path, EVENTS)
    monkeypatch.undo()
    assert path.read_bytes() == b"".join(LINES)
    assert read_events(path) == (PAIRS, len(path.read_bytes()))


def test_each_event_is_in_the_file_when_append_returns(path: Path) -> None:
    log = EventLog(path)
    assert read_events(path) == ([], 0)
    for count, event in enumerate(EVENTS, 1):
        log.append(event)
        assert read_all(path) == EVENTS[:count]
    log.close()


def test_a_resumed_log_goes_on_counting(path: Path) -> None:
    append_all(path, EVENTS[:3])
    append_all(path, EVENTS[3:])
    assert read_all(path) == EVENTS
    assert numbers(path) == [1, 2, 3, 4, 5, 6, 7]


def test_a_torn_last_line_loses_no_good_line_wherever_it_was_cut(path: Path) -> None:
    news = StepFinished(2, 6, 0.1, 0.001)
    for length in range(1, len(LINES[5])):
        path.write_bytes(b"".join(LINES[:5]) + LINES[5][:length])
        assert read_events(path) == (PAIRS[:5], len(b"".join(LINES[:5]))), "the torn line waits"
        append_all(path, [news])
        whole = length == len(LINES[5]) - 1  # only its newline was missing
        assert read_all(path) == [*EVENTS[: 6 if whole else 5], news], length
        assert numbers(path)[-1] > numbers(path)[-2]


def test_a_damaged_line_costs_itself_only(path: Path) -> None:
    for damaged in range(len(LINES)):
        lines = list(LINES)
        lines[damaged] = lines[damaged].replace(b'"time"', b'"tim\xff"')
        path.write_bytes(b"".join(lines))
        assert read_events(path)[0] == PAIRS[:damaged] + PAIRS[damaged + 1 :]


def test_a_flipped_bit_costs_at_most_the_line_and_its_neighbor(path: Path) -> None:
    data = b"".join(LINES[1:4])
    end = len(LINES[1]) + len(LINES[2])
    for position in range(len(LINES[1]), end):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        found, _ = read_events(path)
        if position == end - 1:  # the newline: two lines are one now
            assert found == PAIRS[1:2]
        else:
            assert found == [PAIRS[1], PAIRS[3]]


def test_reading_by_offset_gives_the_same_however_the_file_grows(path: Path) -> None:
    data = b"".join([*LINES[:2], b"damaged\n", b"\xff\xfe\n", b"\n", *LINES[2:], LINES[0][:20]])
    path.write_bytes(data)
    at_once = read_events(path)
    assert at_once == (PAIRS, len(data) - 20)
    for seed in range(60):
        rng = random.Random(seed)
        found, offset, written = [], 0, 0
        while written < len(data):
            written = min(len(data), written + rng.choice((1, 3, 20, 150, 400)))
            path.write_bytes(data[:written])
            news, offset = read_events(path, offset)
            found += news
        assert (found, offset) == at_once


def test_an_event_of_a_later_release_is_passed_over(path: Path) -> None:
    future = encode(Warned("x"), 2, 3.0).replace('"warning"', '"premonition"')
    body = future[: future.index(', "crc32"')] + "}"
    line = f'{body[:-1]}, "crc32": "{zlib.crc32(body.encode()):08x}"}}\n'.encode()
    path.write_bytes(LINES[0] + line + LINES[1] + line)
    assert read_events(path)[0] == PAIRS[:2]
    assert last_event(path) == EVENTS[1]


def test_where_there_is_no_file(path: Path) -> None:
    assert read_events(path) == ([], 0)
    assert read_events(path, 7) == ([], 7)
    assert last_event(path) is None
    path.touch()
    assert read_events(path) == ([], 0)
    assert last_event(path) is None


@pytest.mark.parametrize("tail", [b"", b"\n\n", b"damaged\n", LINES[0][:30], LINES[0][:-9] + b"\n"])
def test_the_last_event_is_the_last_good_one(path: Path, tail: bytes) -> None:
    path.write_bytes(b"".join(LINES) + tail)
    assert last_event(path) == EVENTS[-1]


def test_the_last_event_of_a_long_file(path: Path) -> None:
    path.write_bytes(b"".join(LINES[:-1]) * 300 + LINES[-1])
    assert path.stat().st_size > 2 * 65536
    assert last_event(path) == EVENTS[-1]


FULL_DISK = """
import resource, sys
from pathlib import Path
from unet_core.runs import event_log
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import Warned
event_log.time.time = lambda: 1763700000.125
log = EventLog(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
for number in range(20):
    log.append(Warned(f"{number} " + 80 * "x"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(Warned("there is room again"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize(("limit", "kept"), [(0, 0), (171, 0), (172, 1), (1000, 5), (1031, 5), (1032, 6)])
def test_a_full_disk_tears_no_line_and_leaves_a_gap_in_the_numbers(path: Path, limit: int, kept: int) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(path), str(limit)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(encode(Warned("0 " + 80 * "x"), 1, 1763700000.125)) == 172
    assert path.read_bytes().endswith(b"\n")
    assert read_all(path) == [*(Warned(f"{n} " + 80 * "x") for n in range(kept)), Warned("there is room again")]
    assert numbers(path) == [*range(1, kept + 1), 21]


class Full:
    """A file on a disk that takes `room` bytes of each write and then refuses."""

    def __init__(self, path: Path, room: int) -> None:
        self.file = path.open("ab", buffering=0)
        self.room = room
        self.seek, self.truncate, self.close = self.file.seek, self.file.truncate, self.file.close

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(28, os.strerror(28))
        return self.file.write(data[: self.room]) or 0


@pytest.mark.parametrize("room", [0, 1, 60])
def test_what_a_full_disk_took_of_a_line_is_taken_back(path: Path, room: int) -> None:
    append_all(path, EVENTS[:2])
    before = path.read_bytes()
    log = EventLog(path)
    real = log._file
    log._file = Full(path, room)  # type: ignore[assignment]
    log.append(EVENTS[2])
    log.append(EVENTS[3])
    log._file.close()
    assert path.read_bytes() == before
    log._file = real
    log.append(EVENTS[4])
    log.close()
    assert read_all(path) == [*EVENTS[:2], EVENTS[4]]
    assert numbers(path) == [1, 2, 5], "the gap in the numbers shows that two were lost"
