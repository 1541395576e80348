"""Which images a model has seen, itself and as the models it was fine-tuned from.

The checkpoint says it (`images.json`). Of one of an older release its run does, and for the models before it theirs.
"""

from pathlib import Path

from unet_core.data.groups import training_images
from unet_core.data.groups.training_images import UNKNOWN, TrainingImages
from unet_core.errors import HubError, RunError
from unet_core.hub import repo_id, resolve
from unet_core.runs import run as runs


def find_training_images(folder: Path | None, run: runs.Run | None, runs_dir: Path) -> TrainingImages:
    """The images of a checkpoint folder, and of its run where it is of one; asks no Hub.

    `runs_dir` is the folder of all runs, where models that it was fine-tuned from are looked up. `UNKNOWN` where
    nothing is known. Raises RunError where the run's split is damaged.
    """
    stored = training_images.load(folder) if folder is not None else None
    if stored is not None and not stored.unknown:
        return stored
    if run is None or not run.has_split:
        return stored or UNKNOWN
    seen, init = TrainingImages.of_split(run.split()), run.config.train.init
    if init:
        seen = seen.after(_find_parent(init, run, runs_dir))
    return training_images.join(stored, seen) if stored is not None else seen


def _find_parent(init: str, child: runs.Run, runs_dir: Path) -> TrainingImages:
    """The images of the model that a run began with, where it is still there."""
    try:
        folder, run = resolve.local_checkpoint(init, runs_dir)
    except RunError:
        try:
            folder, run = runs_dir / resolve.MODELS / repo_id.parse(init).folder_name, None
        except HubError:
            return UNKNOWN
    if run is not None and run.folder.resolve() == child.folder.resolve():  # it names itself: no end
        return UNKNOWN
    try:
        return find_training_images(folder, run, runs_dir)
    except (RunError, KeyError, RecursionError):
        return UNKNOWN
