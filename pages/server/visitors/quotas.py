"""What a visitor of a public server may take of it: training on own uploads and the sample, within limits.

The limits are whole numbers in the environment, read when they are needed:

    UNET_STUDIO_TRAINING        1: visitors may train; 0: they predict alone
    UNET_STUDIO_MAX_EPOCHS      epochs of one run
    UNET_STUDIO_MAX_MINUTES     minutes that one run may have the device, pauses included; then it is stopped
    UNET_STUDIO_MAX_CROP        pixels, the side of a crop
    UNET_STUDIO_MAX_QUEUED      runs of one visitor that wait or train
    UNET_STUDIO_MAX_RUNS        runs of one visitor on the disk
    UNET_STUDIO_MAX_STORAGE_MB  megabytes of datasets and models of one visitor

The operator, and everybody on a server of one's own, has none. `pages.server.visitors.setup` puts them in force.
"""

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pages.server import paths, run_feed
from pages.server.visitors.libraries import VisitorLibrary
from unet_core.config.schema import RunConfig
from unet_core.errors import CheckpointError, DataError, RunError, UnetError
from unet_core.io import owners, trash
from unet_core.runs import run as runs
from unet_core.runs.run import RunState

DEFAULTS = {
    "UNET_STUDIO_TRAINING": 1,
    "UNET_STUDIO_MAX_EPOCHS": 100,
    "UNET_STUDIO_MAX_MINUTES": 20,
    "UNET_STUDIO_MAX_CROP": 512,
    "UNET_STUDIO_MAX_QUEUED": 10,
    "UNET_STUDIO_MAX_RUNS": 30,
    "UNET_STUDIO_MAX_STORAGE_MB": 1000,
}
MOST_PIXELS = 32 * 256**2  # of a batch of crops
MEGA = 10**6
COLORS = re.compile(r"[\d\s,;]*")  # of a color map that is no file
PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl")


def limit(name: str) -> int:
    """A limit; its default where the environment has none or no whole number.

    >>> limit("UNET_STUDIO_MAX_QUEUED")
    10
    """
    text = os.environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else DEFAULTS[name]


def training_problem() -> str:
    """Why who acts cannot train here, for a message; "" where that is possible."""
    owner = owners.current()
    if owner is None:
        return ""
    if not limit("UNET_STUDIO_TRAINING"):
        return "Training is switched off on this server. Predict with its models, or train on a machine of your own."
    if owner == owners.STRANGER:
        return "The server does not know this visitor. Reload the page, then try again."
    return ""


def check_settings(config: RunConfig, runs_dir: Path) -> None:
    """Raises RunError where a visitor may not train, or measure a training, with these settings."""
    if problem := training_problem():
        raise RunError(problem)
    if owners.current() is None:
        return
    root = Path(config.data.root).resolve()
    if root not in _trainable():
        raise RunError("Visitors of this server train on their own uploads and on the built-in sample. Choose one.")
    if config.data.recipe not in ("auto", "none") or not COLORS.fullmatch(config.data.color_map):
        raise RunError("Files of this server cannot be named as recipe or color map here. Repair the dataset on Data.")
    if config.train.init:
        try:
            runs.get(runs_dir, config.train.init)
        except RunError as error:
            raise RunError(f"Fine-tuning starts from a run of the list here, not {config.train.init!r}.") from error
    crop, most_crop = config.model.image_size, limit("UNET_STUDIO_MAX_CROP")
    if crop > most_crop:
        raise RunError(f"The crop size is {crop} px; this server trains with at most {most_crop} px. Lower it.")
    if crop**2 * config.train.batch_size > MOST_PIXELS:
        most = max(1, MOST_PIXELS // crop**2)
        raise RunError(
            f"The batch size is {config.train.batch_size} crops; this server trains with at most {most} of {crop} px."
        )
    check_epochs(config.train.epochs)


def check_epochs(epochs: int) -> None:
    """Raises RunError where a visitor's run may not have so many."""
    most = limit("UNET_STUDIO_MAX_EPOCHS")
    if owners.current() is not None and epochs > most:
        raise RunError(f"The run has {epochs} epochs; this server trains at most {most}. Lower the number of epochs.")


def admit(configs: Sequence[RunConfig], runs_dir: Path, are_new: bool) -> None:
    """Raises RunError where a visitor may not start runs with these settings; `are_new`: they are not there yet."""
    for config in configs:
        check_settings(config, runs_dir)
    if owners.current() is None:
        return
    own = [run for run in runs.find(runs_dir) if owners.is_own(run.folder)]
    active = sum(run.state().active for run in own)
    for name, number, words, remedy in (
        ("UNET_STUDIO_MAX_QUEUED", active + len(configs), "that wait or train", "Wait until one has ended."),
        ("UNET_STUDIO_MAX_RUNS", len(own) + len(configs) * are_new, "on its disk", "Delete one that you do not need."),
    ):
        if number > limit(name):
            raise RunError(f"A visitor of this server may have {limit(name)} runs {words}. {remedy}")


def check_room(size: int = 0) -> None:
    """Raises DataError where `size` bytes more are too many for who acts."""
    owner = owners.current()
    if owner is None:
        return
    if owner == owners.STRANGER:
        raise DataError("The server does not know this visitor. Reload the page, then try again.")
    used, most = used_bytes(), limit("UNET_STUDIO_MAX_STORAGE_MB") * MEGA
    if used + size > most:
        raise DataError(
            f"A visitor of this server may store {most / MEGA:,.0f} MB; you have {used / MEGA:,.0f} MB and add "
            f"{size / MEGA:,.0f} MB. Delete a dataset permanently, or upload a smaller one."
        )


def used_bytes() -> int:
    """Bytes of the datasets and models of who acts, those in the trash too."""
    return sum(trash.size(folder) for folder in (paths.library().folder, paths.models_dir()))


def check_model_files(names: Sequence[str]) -> None:
    """Raises CheckpointError where a visitor's weights are of a kind that can hold programs."""
    refused = [name for name in names if name.lower().endswith(PICKLES)]
    if refused and owners.current() is not None:
        raise CheckpointError(f"{refused[0]}: this server takes weights as .safetensors alone. Convert the file first.")


def stop_overlong(runs_dir: Path, now: float | None = None) -> list[runs.Run]:
    """For the operator: ask each visitor's run that has had the device for too long to stop; gives those runs."""
    stopped, most = [], 60 * limit("UNET_STUDIO_MAX_MINUTES")
    for run in runs.find(runs_dir):
        if owners.owner_of(run.folder) is None or run.state() not in (RunState.RUNNING, RunState.PAUSED):
            continue
        started_at = run_feed.history(run).started_at
        if started_at and (time.time() if now is None else now) - started_at > most:
            with suppress(UnetError):  # a full disk: the next look tries again
                run.request_stop()
                stopped.append(run)
    return stopped


def _trainable() -> set[Path]:
    """The folders of the datasets that a visitor may train on."""
    library = paths.library()
    own = library.own_entries() if isinstance(library, VisitorLibrary) else library.entries()
    return {paths.sample_data().resolve(), *(entry.root.resolve() for entry in own)}
