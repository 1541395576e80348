"""The run directory: all that is known of a run lies in it; only its state is derived, see `run_state`.

runs/20261120-142530-camvid-bce_dice/
  config.json     written once, before the trainer starts
  studio.json     the repairs with which it reads the dataset, where there are any
  mask_coding.json  what the values in the masks mean, as the trainer found it; in older runs color_map.txt
  split.json      ids of train, val and test images with what tells each by its content, see `data.groups.identity`
  groups.json     groups of images that the split kept together, where there are any
  events.jsonl    append-only, see `events`
  owner           on a server of strangers: whose it is, see `io.owners`
  lock, heartbeat locked and touched by the trainer while it lives or waits
  queue           its place in the queue for the device, while it has one
  reading.json, val_scores.json  how far the images are read, while they are; scores kept by `experiments.validation`
  control/        small files written by a page, obeyed by the trainer after its current step, see `control`
  worker.log      the trainer's output
  film/           predictions of a few validation images after each epoch, see `snapshots`
  checkpoints/    best and last
"""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import FILE
from unet_core.errors import ConfigError, DataError, RunError
from unet_core.io import owners
from unet_core.io.files import write_atomically
from unet_core.runs import control, run_data
from unet_core.runs.run_state import SILENT_SECONDS, RunState, is_alive, silent_for, state_of

if TYPE_CHECKING:  # images and numpy: a process that only waits does without
    from unet_core.data.masks.coding import MaskCoding
    from unet_core.data.splits import Split

__all__ = ["SILENT_SECONDS", "Run", "RunState", "create", "find", "find_active", "get"]


@dataclass(frozen=True)
class Run:
    """One run directory: its settings, state, checkpoints, and requests to its trainer.

    Nothing is cached: every property reads the disk, and any number of processes may look at the same run.

    Example:
        >>> from pathlib import Path
        >>> from unet_core import Run
        >>> run = Run(Path("runs") / run_id)
        >>> run.state().value
        'finished'
        >>> run.config.train.epochs, run.has_best
        (1, True)
    """

    folder: Path

    @property
    def id(self) -> str:
        """The name of the folder: the time of its start, the dataset, and the loss where it was chosen."""
        return self.folder.name

    @property
    def config(self) -> RunConfig:
        """The settings the run was created with. Raises RunError where config.json is missing or damaged."""
        try:
            return RunConfig.from_json((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, ConfigError) as error:
            raise RunError(f"Run {self.id}: config.json cannot be read ({error}).") from error

    @property
    def data(self) -> DataConfig:
        """The data settings as the trainer reads them: with the run's own copy of the recipe, or with none."""
        return run_data.read(self.folder, self.config.data)

    @property
    def repeatable(self) -> RunConfig:
        """The settings that train the same again, also where the dataset has got other repairs. Raises UnetError."""
        return run_data.make_repeatable(self.config, self.data)

    @property
    def checkpoints(self) -> Path:
        """The folder of both checkpoints."""
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        """The checkpoint folder of the epoch with the best validation Dice, to predict with."""
        return self.checkpoints / "best"

    @property
    def last(self) -> Path:
        """The checkpoint folder of the last epoch with the state of its optimizer, to resume from."""
        return self.checkpoints / "last"

    @property
    def has_best(self) -> bool:
        """Whether an epoch was saved that one can predict with."""
        return self.best.is_dir() or self.best.with_name("best.old").is_dir()

    @property
    def has_last(self) -> bool:
        """Whether an epoch was saved that training can resume from."""
        return self.last.is_dir() or self.last.with_name("last.old").is_dir()

    @property
    def events(self) -> Path:
        """The event log, for `event_log.read_events`."""
        return self.folder / "events.jsonl"

    @property
    def snapshots(self) -> Path:
        """The folder of the predictions over epochs, see `unet_core.runs.snapshots`."""
        return self.folder / "film"  # its name in release 0.1

    @property
    def log(self) -> Path:
        """The output of the trainer's process."""
        return self.folder / "worker.log"

    @property
    def reading(self) -> Path:
        """A file that says how far the reading of the images is, while it takes longer than a second."""
        return self.folder / "reading.json"

    def images_read(self) -> tuple[int, int] | None:
        """(images read, images) while the trainer reads the dataset; None otherwise."""
        try:
            done, total = json.loads(self.reading.read_text(encoding="utf-8"))
            return int(done), int(total)
        except (OSError, ValueError, TypeError):
            return None

    @property
    def control(self) -> Path:
        """The folder of the requests to the trainer, see `unet_core.runs.control`."""
        return self.folder / "control"

    @property
    def has_split(self) -> bool:
        """Whether the trainer has divided the images."""
        return (self.folder / "split.json").is_file()

    def split(self) -> dict[str, dict[str, str]]:
        """Which images train, validate and test: {"train": {image id: record of its content}, "val": ...}.

        Raises RunError where split.json is damaged, or the trainer has not written it yet.
        """
        try:
            parts: dict[str, dict[str, str]] = json.loads((self.folder / "split.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"Run {self.id} has no readable split.json ({error}).") from error
        return parts

    def groups(self) -> dict[str, list[str]]:
        """The groups of images that the split kept together: {name: image ids}; {} where there are none.

        Raises RunError where groups.json is damaged.
        """
        try:
            groups: dict[str, list[str]] = json.loads((self.folder / "groups.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise RunError(f"Run {self.id} has no readable groups.json ({error}).") from error
        return groups

    def write_split(
        self, split: "Split", records: Mapping[str, str], groups: Mapping[str, list[str]] | None = None
    ) -> None:
        """For the trainer: store the split, with the records of its images, and its groups. Raises OSError."""
        parts = {name: {key: records[key] for key in ids} for name, ids in split.parts()}
        if groups:
            write_atomically(self.folder / "groups.json", json.dumps(groups, indent=1) + "\n")
        write_atomically(self.folder / "split.json", json.dumps(parts, indent=1) + "\n")

    @property
    def coding(self) -> "MaskCoding | None":
        """What the mask values of the run's dataset mean; None before the trainer has found it, and of older runs.

        Raises RunError where mask_coding.json is damaged.
        """
        from unet_core.data.masks.coding import MaskCoding

        try:
            return MaskCoding.from_json((self.folder / "mask_coding.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, DataError) as error:
            raise RunError(f"Run {self.id}: mask_coding.json cannot be read ({error}).") from error

    def write_coding(self, coding: "MaskCoding") -> None:
        """For the trainer: store what the mask values mean. Raises OSError."""
        write_atomically(self.folder / "mask_coding.json", coding.to_json() + "\n")

    def state(self) -> RunState:
        """Where the run stands now: from its place in the queue, the lock, the heartbeat and the last event.

        A run with a place in the queue is queued, also where its process is gone (see `queue.is_orphaned`).
        """
        return state_of(self.folder, self.alive)

    @property
    def queued(self) -> bool:
        """Whether it has a place in the queue for the device, see `queue`."""
        return (self.folder / "queue").exists()

    def alive(self) -> bool:
        """Whether a process trains the run or waits for its turn: it has the lock."""
        return is_alive(self.folder)

    def silent_for(self) -> float:
        """Seconds since the trainer's last heartbeat; infinite where there was none."""
        return silent_for(self.folder)

    def beat(self) -> None:
        """For the trainer: touch the heartbeat. Raises OSError."""
        (self.folder / "heartbeat").touch()

    def request_stop(self) -> None:
        """Ask the trainer to end after its current step and keep the best checkpoint. Raises RunError, as all do."""
        control.ask(self.control, "stop")

    def request_pause(self) -> None:
        """Ask the trainer to pause after its current step, until `request_unpause`. Raises RunError."""
        control.ask(self.control, "pause")

    def request_unpause(self) -> None:
        """Ask a paused trainer to resume. Raises OSError."""
        control.clear(self.control, "pause")

    def request_lr(self, value: float) -> None:
        """Ask for a learning rate from the next step on. Raises ConfigError where it is out of range, RunError."""
        control.ask(self.control, "lr", repr(control.number("lr", value)))

    def request_epochs(self, total: int) -> None:
        """Ask for a number of epochs in all. Raises ConfigError where it is out of range, RunError."""
        control.ask(self.control, "epochs", str(int(control.number("epochs", total))))

    def stop_requested(self) -> bool:
        """Whether a stop was requested that has not been obeyed yet."""
        return (self.control / "stop").exists()

    def clear_requests(self) -> None:
        """Withdraw requests that nobody obeyed; one to continue (`launch.continue_run`) stays. Raises OSError."""
        control.clear(self.control, *control.REQUESTS)


def create(runs_dir: Path, config: RunConfig) -> Run:
    """Make the directory of a new run, which nothing trains yet, with its recipe. Raises RunError, DataError."""
    recipe = recipes.of(config.data)
    config = recipes.configure(config, recipe)
    name = re.sub(r"[^A-Za-z0-9]+", "_", Path(config.data.root).resolve().name).strip("_")[:40] or "data"
    loss = "" if config.train.loss == "auto" else f"-{config.train.loss}"
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}{loss}"
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = runs_dir / (stem + suffix)
        try:
            folder.mkdir(parents=True)
            owners.record(folder)
            (folder / "control").mkdir()
            if not recipe.is_empty:
                write_atomically(folder / FILE, recipe.to_json())
            write_atomically(folder / "config.json", config.to_json())
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(
                f"{folder}: a run cannot be written there ({error.strerror or error}). Free some space or choose "
                "another folder (--runs-dir, UNET_RUNS)."
            ) from error
        return Run(folder)
    raise RunError(f"{runs_dir}: too many runs were started within one second. Try again in a moment.")


def find(runs_dir: Path, of_all: bool = False) -> list[Run]:
    """The runs below a folder, the newest first: those that who acts may see (`io.owners`), or all."""
    folders = [path for path in runs_dir.glob("*") if (path / "config.json").is_file()]
    seen = [path for path in folders if of_all or owners.is_visible(path)]
    return [Run(path) for path in sorted(seen, key=lambda path: path.name, reverse=True)]


def get(runs_dir: Path, run_id: str) -> Run:
    """The run of an id, which is never a path. Raises RunError where there is none that who acts may see."""
    folder = runs_dir / run_id
    with contextlib.suppress(OSError):  # a name that is too long
        is_name = folder.name == run_id and run_id not in ("", ".", "..")
        if is_name and (folder / "config.json").is_file() and owners.is_visible(folder):
            return Run(folder)
    raise RunError(f"There is no run {run_id!r} in {runs_dir}.")


def find_active(runs_dir: Path) -> Run | None:
    """The run that occupies the device, whosever it is: one trains at a time, the others are queued."""
    return next((run for run in find(runs_dir, of_all=True) if run.state().on_device), None)
