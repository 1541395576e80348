"""`train` and `launch`: a run in this process, or in one of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unet_core.api.settings import run_settings
from unet_core.runs import run as runs
from unet_core.runs.events import EpochFinished, Event, RunFinished, RunStarted, Warned
from unet_core.runs.run import Run


def train(
    data: str | Path,
    *,
    runs_dir: str | Path = "runs",
    preset: str = "default",
    progress: Callable[[str], None] | None = None,
    **settings: Any,
) -> Run:
    """Train a U-Net on a folder of images and masks, in this process, and return the finished run.

    The run lies in `runs_dir` as every other: the app shows it, and `resume` continues it if this process is killed. If
    another run of that folder trains, this one waits in the queue first. Ctrl-C stops it and keeps the best epoch.

    Args:
        data: Folder with images and masks, in one of the layouts of docs/datasets.md.
        runs_dir: Folder of all runs; made if it is missing.
        preset: Settings to start from, a name of `unet_core.config.presets.PRESETS`.
        progress: Called with a line of text for each epoch and warning, for example `print`.
        settings: Any setting of `RunConfig` by its name, for example `epochs=15, loss="dice"`.

    Returns:
        The run. `run.best` is the folder of its best checkpoint; `load(run)` predicts with it.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used; the message says why.
        TrainingError: The training failed, for example by a loss that is not finite.
        RunError: `runs_dir` cannot be written.

    Example:
        >>> from unet_core import train
        >>> run = train("cells", epochs=1, base_channels=2, depth=2, image_size=32, crops_per_image=1)
        >>> run.state().value
        'finished'
    """
    from unet_core.training import worker

    run = _create(data, runs_dir, preset, settings)
    worker.run_in_this_process(run, None if progress is None else Reporter(progress))
    return run


def launch(data: str | Path, *, runs_dir: str | Path = "runs", preset: str = "default", **settings: Any) -> Run:
    """Start a training in a process of its own, which outlives this one, and return at once.

    Args:
        data: Folder with images and masks, in one of the layouts of docs/datasets.md.
        runs_dir: Folder of all runs; made if it is missing.
        preset: Settings to start from, a name of `unet_core.config.presets.PRESETS`.
        settings: Any setting of `RunConfig` by its name.

    Returns:
        The run, which trains or waits in the queue. `run.state()` says which, `run.request_stop()` stops it.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used; the message says why.
        RunError: The run cannot be written or its process does not start.

    Example:
        >>> from unet_core import launch
        >>> run = launch("cells", epochs=1, base_channels=2, depth=2, image_size=32, crops_per_image=1)
        >>> run.state().active
        True
        >>> run.request_stop()
    """
    from unet_core.training import launch as launching

    return launching.launch(run_settings(data, preset, settings), Path(runs_dir))


def _create(data: str | Path, runs_dir: str | Path, preset: str, settings: Mapping[str, Any]) -> Run:
    """Everything that can be wrong is found before anything is written."""
    from unet_core.data import discovery
    from unet_core.training import finetune

    config = finetune.resolve_init(run_settings(data, preset, settings), Path(runs_dir))
    discovery.search_data(config.data)
    return runs.create(Path(runs_dir), config)


class Reporter:
    """Turns the events of a run into lines of text."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.progress = progress
        self.epochs = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.epochs = event.epochs
                images = f"{event.train_images} images train, {event.val_images} validate"
                self.progress(f"{event.device}, {event.precision}, {event.parameters:,} parameters; {images}")
            case EpochFinished():
                best = " *" if event.best else ""
                losses = f"train loss {event.train_loss:.4f}  val loss {event.val_loss:.4f}"
                scores = f"Dice {event.val_dice:.4f}  IoU {event.val_iou:.4f}"
                self.progress(f"epoch {event.epoch}/{self.epochs}  {losses}  {scores}{best}")
            case Warned():
                self.progress(f"warning: {event.message}")
            case RunFinished():
                self.progress(f"{event.reason}: best epoch {event.best_epoch}, Dice {event.val_dice:.4f}")
