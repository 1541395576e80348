"""The stages of a start, from the click to the first step, in a small file that is replaced whole: `start.json`.

    {"stages": [["process", 1763700000.1, null], ["import", 1763700000.6, null], ["read", 1763700003.2, 180]],
     "ended": null}

Each stage has its name, when it began (seconds since 1970) and, where images are read, how many; it ends where the next
begins, the last one at `ended`. A start that was killed leaves its last stage open, and the next start writes anew. Who
knows no such file, like older releases, loses nothing: it holds nothing that training needs.
"""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unet_core.io.files import write_atomically

FILE = "start.json"
PROCESS, QUEUE, IMPORT, READ, PREPARE, FIRST_STEP = "process", "queue", "import", "read", "prepare", "first_step"
LABELS = {
    PROCESS: "Starting the process",
    QUEUE: "Waiting in the queue",
    IMPORT: "Loading PyTorch",
    READ: "Reading images",
    PREPARE: "Preparing the model",
    FIRST_STEP: "First step",
}
START_SECONDS = 60.0  # a process that was started longer ago is another one
WAIT_SECONDS = 2.0  # a shorter wait for the device is part of starting the process


@dataclass(frozen=True)
class Stage:
    """One stage of a start. `seconds` is how long it took, None while it lasts; `images` how many it reads, 0 = none.

    >>> Stage("read", 10.0, 2.5, 180).label
    'Reading images (180)'
    """

    name: str
    began: float  # seconds since 1970
    seconds: float | None = None
    images: int = 0

    @property
    def label(self) -> str:
        """In words; a name of a later release as it is."""
        words = LABELS.get(self.name, self.name)
        return f"{words} ({self.images})" if self.images else words


def read(folder: Path) -> list[Stage]:
    """The stages of the latest start of the run in a folder, in their order; [] where none can be read."""
    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
        rows = [(str(name), float(began), int(images or 0)) for name, began, images in record["stages"]]
        ends = [began for _, began, _ in rows[1:]] + [None if record["ended"] is None else float(record["ended"])]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return [
        Stage(name, began, None if end is None else max(0.0, end - began), images)
        for (name, began, images), end in zip(rows, ends, strict=False)  # no stages have one end too many
    ]


class Recorder:
    """The writing end, for whoever starts a run and then for its trainer. What cannot be written is left out.

    >>> import tempfile
    >>> recorder = Recorder(Path(tempfile.mkdtemp()), clock=iter([1.0, 3.0, 4.5]).__next__)
    >>> recorder.begin("import"); recorder.begin("read", images=12); recorder.end()
    >>> [(stage.label, stage.seconds) for stage in read(recorder.folder)]
    [('Loading PyTorch', 2.0), ('Reading images (12)', 1.5)]
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._stages: list[list[Any]] = []

    def begin(self, name: str, images: int = 0, at: float | None = None) -> None:
        """The stage before ends here, or `at` (seconds since 1970), and this one begins."""
        self._stages.append([name, self._clock() if at is None else at, images or None])
        self._write(None)

    def count(self, images: int) -> None:
        """So many images are read in this stage."""
        self._stages[-1][2] = images
        self._write(None)

    def end(self) -> None:
        """The last stage is over: the run trains."""
        self._write(self._clock())

    def follow(self, alive_at: float) -> None:
        """For a trainer whose turn it is: keep the stage in which its process was started, if that is recorded.

        `alive_at` (seconds since 1970) is when it began to wait for the device; a longer wait is a stage.
        """
        former = (stage for stage in read(self.folder)[:1] if stage.name == PROCESS)
        self._stages = [[PROCESS, stage.began, None] for stage in former if 0 <= alive_at - stage.began < START_SECONDS]
        if self._clock() - alive_at > WAIT_SECONDS:
            self._stages.append([QUEUE, alive_at, None])

    def _write(self, ended: float | None) -> None:
        record = {"stages": [[name, round(began, 3), images] for name, began, images in self._stages], "ended": ended}
        with contextlib.suppress(OSError):  # a full disk is told where something is lost by it
            write_atomically(self.folder / FILE, json.dumps(record))
