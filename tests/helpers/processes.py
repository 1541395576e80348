"""What tests with real processes share: tiny data, quick settings, waiting by polling, killing by process id."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import RunConfig
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events
from unet_core.runs.events import Event, StepFinished

ROOT = Path(__file__).parents[2]
QUICK = {
    "epochs": 2,
    "base_channels": 2,
    "depth": 1,
    "image_size": 16,
    "batch_size": 4,
    "crops_per_image": 1,
    "threads": 1,
    "device": "cpu",
    "precision": "fp32",
}
ENDLESS = {"epochs": 1000, "crops_per_image": 1000}  # a run that is still in its first epochs when it is ended
T = TypeVar("T")


def wait_for(found: Callable[[], T], what: str, seconds: float = 60.0) -> T:
    """What `found` returns as soon as it is true; an AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.01)
    return result


def png(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def picture(number: int, height: int = 24, width: int = 24) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Noise with a brighter square, and its mask of 0 and 255."""
    rng = np.random.default_rng(number)
    image, mask = rng.integers(0, 120, (height, width)).astype(np.uint8), np.zeros((height, width), np.uint8)
    top, left = rng.integers(0, (max(1, height - 9), max(1, width - 9)))
    mask[top : top + 9, left : left + 9] = 255
    image[mask > 0] += 100
    return image, mask


def make_data(root: Path, names: int | Iterable[str] = 6, size: tuple[int, int] = (24, 24)) -> Path:
    """A dataset of images/ and masks/ with pictures that all differ."""
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number, name in enumerate([f"p{n}" for n in range(names)] if isinstance(names, int) else names):
        for kind, pixels in zip(("images", "masks"), picture(number, *size), strict=True):
            (root / kind / f"{name}.png").write_bytes(png(pixels))
    return root


def quick(data: Path, **changes: object) -> RunConfig:
    return RunConfig().replace(root=str(data), **(QUICK | changes))


def flags(**changes: object) -> list[str]:
    """The quick settings as options of the command line."""
    return [f"--{key.replace('_', '-')}={value}" for key, value in (QUICK | changes).items()]


def start_cli(*arguments: object) -> subprocess.Popen[str]:
    """`python -m unet_core ...` in a session of its own, as from a terminal of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "unet_core", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's "&" has it ignored
    )


def trainers(folder: Path) -> list[int]:
    """The process ids of all living trainers of a run, or of the runs below a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = [os.fsdecode(word) for word in (entry / "cmdline").read_bytes().split(b"\0")]
        except OSError:
            continue
        if "unet_core.training.worker" in words and any(Path(word).is_relative_to(folder.resolve()) for word in words):
            found.append(int(entry.name))
    return found


def end(pids: Sequence[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def sweep(folder: Path) -> None:
    """Kill the trainers that are left below a folder."""
    end(trainers(folder))
    wait_for(lambda: not trainers(folder), "all trainers are gone")


def events(run: runs.Run) -> list[Event]:
    return [event for event, _ in read_events(run.events)[0]]


def steps(run: runs.Run) -> list[StepFinished]:
    return [event for event in events(run) if isinstance(event, StepFinished)]


def wait_until_over(run: runs.Run) -> runs.Run:
    wait_for(lambda: not run.alive() and not trainers(run.folder), f"run {run.id} is over")
    return run
