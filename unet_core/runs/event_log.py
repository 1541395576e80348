"""events.jsonl: one event a line, appended by the trainer, read by everyone else while it grows."""

import time
from collections.abc import Callable
from pathlib import Path

from unet_core.runs.events import Event, decode, encode

TAIL_BYTES = 65536  # enough for the last event, whatever it says


def read_events(path: Path, offset: int = 0) -> tuple[list[tuple[Event, float]], int]:
    """The (event, time) pairs after a byte offset, and the offset to go on from.

    Damaged lines are passed over; a last line without its newline waits for the next call.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for line in whole.splitlines():
        read = decode(line.decode("utf-8", errors="replace"))
        if read is not None and read[0] is not None:
            found.append((read[0], read[2]))
    return found, offset + len(whole)


def last_event(path: Path) -> Event | None:
    """The last good event, from the end of the file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        read = decode(line.decode("utf-8", errors="replace"))
        if read is not None and read[0] is not None:
            return read[0]
    return None


class EventLog:
    """The writing end of events.jsonl; one write an event."""

    def __init__(self, path: Path) -> None:
        self.lost = 0  # events that a full disk swallowed
        self.also: Callable[[Event, float], None] | None = None  # is given every event and its time
        torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        self._seq = len(path.read_bytes().splitlines()) if path.exists() else 0
        self._file = path.open("ab", buffering=0)
        if torn:
            self._file.write(b"\n")

    def append(self, event: Event) -> None:
        """Write an event; on a full disk it is counted in `lost` and what was written of it is taken back."""
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
            self.lost += 1
        if self.also is not None:
            self.also(event, now)

    def close(self) -> None:
        self._file.close()
