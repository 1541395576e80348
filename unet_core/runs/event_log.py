"""events.jsonl: one event a line, appended by the trainer, read by everyone else while it grows."""

import time
from collections.abc import Callable
from pathlib import Path

from unet_core.runs.events import Event, decode, encode

TAIL_BYTES = 65536  # enough for the last event, whatever it says


def read_events(path: Path, offset: int = 0) -> tuple[list[tuple[Event, float]], int]:
    """The (event, time) pairs after a byte offset, and the offset to continue from.

    Damaged lines are passed over; a last line without its newline waits for the next call.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    complete = data[: data.rfind(b"\n") + 1]
    events = []
    for line in complete.splitlines():
        record = decode(line.decode("utf-8", errors="replace"))
        if record is not None and record[0] is not None:
            events.append((record[0], record[2]))
    return events, offset + len(complete)


def last_event(path: Path) -> Event | None:
    """The last good event, from the end of the file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        record = decode(line.decode("utf-8", errors="replace"))
        if record is not None and record[0] is not None:
            return record[0]
    return None


class EventLog:
    """The writing end of events.jsonl; one write an event."""

    def __init__(self, path: Path) -> None:
        self.listeners: list[Callable[[Event, float], None]] = []  # are given every event and its time
        torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        self._seq = len(path.read_bytes().splitlines()) if path.exists() else 0
        self._file = path.open("ab", buffering=0)
        if torn:
            self._file.write(b"\n")

    def append(self, event: Event) -> None:
        """Write an event; on a full disk what was written of it is taken back, and its number is left out."""
        self._seq += 1
        now = time.time()
        data = encode(event, self._seq, now).encode()
        end = self._file.seek(0, 2)
        try:
            written = self._file.write(data)
        except OSError:
            written = 0
        if written != len(data):
            self._file.truncate(end)
        for listener in self.listeners:
            listener(event, now)

    def close(self) -> None:
        self._file.close()
