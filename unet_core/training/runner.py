"""A run from its folder to its end: reads the data, resumes from what was saved, saves before it logs an event.

It runs in the process of `worker`, which holds the locks and the heartbeat.
"""

import contextlib
import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from unet_core.config.schema import DataConfig, ModelConfig, RunConfig
from unet_core.data import appearance, dataset, discovery, fingerprint, splits
from unet_core.data.dataset import Dataset
from unet_core.data.groups.training_images import TrainingImages
from unet_core.errors import CheckpointError
from unet_core.hardware import cores
from unet_core.hub import lineage
from unet_core.io import warm_up
from unet_core.io.files import write_atomically
from unet_core.models import checkpoint, unet
from unet_core.runs import control, run_data, snapshots, stages
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import EpochFinished, RunStarted, StepFinished, Warned
from unet_core.training import finetune, splitting
from unet_core.training.loop import train
from unet_core.training.state import TrainerState

READING_SECONDS = 0.3  # between two words on how far the reading of the images is
BACK_AND_FORTH = 3.0  # what a training step takes, in forward passes


def run_to_end(run: runs.Run, log: EventLog, recorder: stages.Recorder | None = None) -> None:
    """Train a run to its end; the stages of its start go to `recorder`. Raises UnetError where it cannot."""
    with contextlib.ExitStack() as stack:
        if run.config.train.tensorboard:
            from unet_core.training import tensorboard

            writer = stack.enter_context(contextlib.closing(tensorboard.Writer(run.folder)))
            log.listeners.append(writer.add)
        _to_end(run, log, recorder or stages.Recorder(run.folder))


def _to_end(run: runs.Run, log: EventLog, recorder: stages.Recorder) -> None:
    config = replace(run.config, data=run.data)
    threads = config.train.threads or max(1, cores() - 1)
    torch.set_num_threads(threads)
    start = _origin(run, config)
    model = finetune.adopt(config.model, start) if start else config.model
    with warm_up.import_meanwhile():
        images = _load_dataset(run, config, model, log, recorder)
    recorder.begin(stages.PREPARE)
    parent = splitting.Parent(config.train.init, _seen_before(run, start))
    split = _split(run, config.data, images, parent, log)
    seen = TrainingImages.of_split(run.split()).after(parent.images)
    config = replace(config, model=images.model)
    training = TrainerState(config, images.subset(split.train), images.subset(split.val))
    if run.has_last:
        stored, warning = checkpoint.load_model(run.last)
        if warning:
            log.append(Warned(warning))
        training.restore(stored.state_dict(), checkpoint.load_state(run.last))
    elif start:
        stored, warning = checkpoint.load_model(start)
        weights, told = finetune.merged(stored.state_dict(), training.model.state_dict(), start)
        for message in filter(None, (warning, *told)):
            log.append(Warned(message))
        training.load_weights(weights)
    _begin_requested_stage(run, training, log, seen)
    former = [event for event, _ in read_events(run.events)[0]]
    log.append(
        RunStarted(
            device=str(training.device),
            precision=training.precision,
            threads=threads,
            parameters=unet.parameter_count(training.model),
            in_channels=config.model.in_channels,
            num_classes=config.model.num_classes,
            train_images=len(split.train),
            val_images=len(split.val),
            test_images=len(split.test),
            epochs=training.epochs,
            steps_per_epoch=training.steps_per_epoch,
            first_epoch=training.epoch + 1,
            class_weights=training.class_weights,
            stage=training.stage,
            first_step=training.step + 1,
            validation_steps=round(_validation_steps(training), 2),
        )
    )
    recorder.begin(stages.FIRST_STEP)
    facts: dict[str, Any] = {}  # of the images, for whoever predicts with the best checkpoint
    is_first = True
    changes = control.to_repeat(former, training.epoch, training.stage)
    for event in train(training, control.FileControl(run.control, changes)):
        # Best, event, last: a kill in between repeats the epoch, and neither its point nor its weights get lost.
        if isinstance(event, EpochFinished):
            if event.best:
                facts = facts or _describe_run(training, images)  # a second, that no first step waits for
                _save(run.best, training, log, seen, facts=facts | best_scores(training))
            with contextlib.suppress(OSError):  # a full disk: the checkpoint's warning tells of it
                snapshots.save_snapshots(
                    run.snapshots, event.epoch, training.predictor.mask, training.val_dataset, training.val_dices
                )
        log.append(event)
        if is_first and isinstance(event, StepFinished):
            is_first = False
            recorder.end()
        if isinstance(event, EpochFinished):
            _save(run.last, training, log, seen, training.state())


def _describe_run(training: TrainerState, images: Dataset) -> dict[str, Any]:
    """What the best checkpoint says of the images that it was trained on."""
    return describe_images(training.train_dataset) | {"mask_coding": json.loads(images.coding.to_json())}


def _validation_steps(training: TrainerState) -> float:
    """What a validation may cost, in training steps: its pixels go forward once, those of a step back as well."""
    pixels = sum(training.val_dataset.area(index) for index in range(len(training.val_dataset)))
    in_a_step = training.config.batch_size * int(training.model.config.image_size) ** 2
    return float(pixels / (BACK_AND_FORTH * in_a_step))


def _origin(run: runs.Run, config: RunConfig) -> Path | None:
    """The checkpoint with the architecture: the run's own, or the one it is fine-tuned from."""
    if not config.train.init:
        return None
    return run.last if run.has_last else finetune.origin(config.train.init, run.folder.parent)


def _seen_before(run: runs.Run, start: Path | None) -> TrainingImages:
    """The images that the weights had seen before this run; of a run that is resumed also its own."""
    if start is None:
        return TrainingImages()
    if run.has_last:
        return lineage.find_training_images(run.last, run, run.folder.parent)
    return finetune.trained_images(start, run.folder.parent)


class _Reading:
    """Says how far the reading of the images is, in a small file for whoever follows the run; at most once a second."""

    def __init__(self, path: Path) -> None:
        self._path, self._last = path, time.monotonic()

    def report(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= READING_SECONDS:
            self._last = time.monotonic()
            with contextlib.suppress(OSError):  # a full disk is told where something is lost by it
                write_atomically(self._path, json.dumps([done, total]))


def _load_dataset(
    run: runs.Run, config: RunConfig, model: ModelConfig, log: EventLog, recorder: stages.Recorder
) -> dataset.Dataset:
    recorder.begin(stages.READ)
    search = discovery.search_data(config.data)
    recorder.count(len(search.samples))
    try:
        images = dataset.load_dataset(
            list(search.samples), config.data, model, run.coding, search, _Reading(run.reading).report
        )
    finally:
        run.reading.unlink(missing_ok=True)
    changes = run_data.find_changes(config.data, run_data.TRAIN_ANEW) if run.has_last else []
    for message in (*(f"Skipped: {message}" for message in images.skipped), *changes, *images.warnings):
        log.append(Warned(message))
    run.write_coding(images.coding)
    return images


def _split(
    run: runs.Run, data: DataConfig, images: dataset.Dataset, parent: splitting.Parent, log: EventLog
) -> splits.Split:
    """The split of the run, drawn when it first starts."""
    records = splitting.make_records(images)
    if run.has_split:
        return splits.restore_split(run.split(), records)
    drawn = splitting.draw_split(images, data, records, parent)
    for message in drawn.messages:
        log.append(Warned(message))
    run.write_split(drawn.split, records, drawn.grouping.members())
    return drawn.split


def _begin_requested_stage(run: runs.Run, training: TrainerState, log: EventLog, seen: TrainingImages) -> None:
    """Begin a new stage where that was requested; it is saved before the request is deleted: no kill loses it."""
    request = control.read_continue_request(run.control)
    if request is None:
        return
    saved = True
    if request.request_id != training.request_id:
        training.begin_stage(request.epochs, request.lr)
        training.request_id = request.request_id
        saved = _save(run.last, training, log, seen, training.state())
    if saved:
        control.clear(run.control, "continue")


def _save(
    folder: Path,
    training: TrainerState,
    log: EventLog,
    seen: TrainingImages,
    state: checkpoint.SavedState | None = None,
    facts: dict[str, Any] | None = None,
) -> bool:
    """Save a checkpoint; whether it could be. If not, the log has a warning."""
    try:
        checkpoint.save_checkpoint(folder, training.best_model(), state, facts, seen.to_values())
    except (OSError, CheckpointError) as error:
        log.append(
            Warned(
                f"The checkpoint {folder.name!r} of epoch {training.epoch} could not be saved ({error}); "
                f"the previous one is kept and training continues. Free some space on the disk of {folder}."
            )
        )
        return False
    return True


def describe_images(images: Dataset) -> dict[str, Any]:
    """`fingerprint` and `looks` of training images, from at most 64 spread over them; {} of none."""
    if not len(images):
        return {}
    count = min(appearance.MOST, len(images))
    indices = [number * len(images) // count for number in range(count)]
    typical = appearance.summarize(images[index].image for index in indices)
    measured = fingerprint.measure((images[index].image, images[index].mask) for index in indices)
    return {"fingerprint": measured.to_dict(), "looks": typical.to_dict() if typical else None}


def best_scores(training: TrainerState) -> dict[str, Any]:
    """The scores of the best epoch so far; null where they are undefined."""
    return {
        "epoch": training.best_epoch,
        "batches": training.step,
        "val_dice": None if math.isnan(training.best_dice) else training.best_dice,
        "val_iou": None if math.isnan(training.best_iou) else training.best_iou,
    }
