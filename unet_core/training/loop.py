"""The training loop: a generator of events that knows no file and no screen.

training = TrainerState(config, train_dataset, val_dataset)
for event in train(training):
    ...                    # save training.best_model(), print, draw; `training` is up to date at each event
"""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unet_core import losses, metrics
from unet_core.data.sampling import Batch, batches
from unet_core.device import autocast, memory_mb, out_of_memory
from unet_core.errors import TrainingError, listing
from unet_core.inference.prediction import to_mask, to_probabilities
from unet_core.runs.control import Control, Requests
from unet_core.runs.events import (
    EpochFinished,
    EpochsChanged,
    Event,
    LrChanged,
    Paused,
    RunFinished,
    StepFinished,
    Unpaused,
    Warned,
)
from unet_core.training.divergence import Evidence, diagnose, unknown_classes
from unet_core.training.state import TrainerState
from unet_core.training.system import LoadSampler

__all__ = ["Validation", "make_step", "train", "validate"]


def train(training: TrainerState, control: Control | None = None) -> Iterator[Event]:
    """Train to the end and yield every event; `training` is up to date at each of them.

    Training ends after the last epoch, when the settings' `patience` is used up (reason "early"), or when `control`
    requests a stop: then after the current step, with a last validation. The consumer saves `training.best_model()`
    where an EpochFinished is the best.

    Args:
        training: what is trained, fresh or restored.
        control: asked after each step and before each epoch; it can pause, stop, and change the learning rate and the
            number of epochs. None: never.

    Raises:
        TrainingError: training cannot continue: a loss or a weight that is not finite, no memory left.
    """
    control = control or Control()
    stopped = False
    images_trained = 0
    seconds_before = training.seconds
    load = LoadSampler(training.device)
    if not len(training.val_dataset):
        yield Warned("There are no validation images: the best epoch is chosen by the training loss.")
    if training.config.class_weights != "none" and not losses.LOSSES[training.loss_name].weighted:
        weighted = [name for name, loss in losses.LOSSES.items() if loss.weighted]
        yield Warned(
            f"class_weights {training.config.class_weights!r} has no effect with the loss {training.loss_name!r}. "
            f"Losses with class weights are {', '.join(weighted)}."
        )
    while not training.out_of_patience:
        stop = yield from _obey(training, control)
        if training.epoch >= training.epochs:
            break
        if stop and training.step:  # a run makes one step at least, so that there is something to keep
            stopped = True
            break
        training.epoch += 1
        started, paused_before = time.perf_counter(), training.paused_seconds
        total_loss, steps, images = 0.0, 0, 0
        training.model.train()
        for batch in batches(training.train_dataset, training.config, training.epoch):
            training.step += 1
            lr = training.lr
            with _explain_memory(training):
                value = make_step(training, batch, lr)
            total_loss, steps, images = total_loss + value, steps + 1, images + len(batch.ids)
            yield StepFinished(training.epoch, training.step, value, lr, memory_mb(training.device), load.sample())
            stopped = yield from _obey(training, control)
            if stopped:
                training.skipped_steps += training.steps_per_epoch - steps
                break
        paused = training.paused_seconds - paused_before
        training_seconds = time.perf_counter() - started - paused
        train_loss = total_loss / steps
        if not all(parameter.isfinite().all() for parameter in training.model.parameters()):
            raise _divergence(training, batch, lr, "The weights are no longer finite after the gradient")
        with _explain_memory(training):
            val = validate(training)
        training.val_dices = val.dices
        best = training.record_epoch(-train_loss if math.isnan(val.rank) else val.rank, val.dice, val.iou)
        training.seconds += time.perf_counter() - started - paused
        images_trained += images
        yield EpochFinished(
            epoch=training.epoch,
            step=training.step,
            train_loss=train_loss,
            val_loss=val.loss,
            val_dice=val.dice,
            val_iou=val.iou,
            lr=lr,
            images_per_second=images / training_seconds,
            seconds=training.seconds,
            best=best,
        )
        if stopped:
            break
    yield RunFinished(
        reason="stopped" if stopped else "early" if training.out_of_patience else "completed",
        best_epoch=training.best_epoch,
        val_dice=training.best_dice,
        val_iou=training.best_iou,
        images_per_second=images_trained / max(training.seconds - seconds_before, 1e-9),
        seconds=training.seconds,
    )


def _obey(training: TrainerState, control: Control) -> Generator[Event, None, bool]:
    """Do what is requested, pause as long as it is requested, yield the events; returns whether to stop."""
    requests = control.poll(training.step)
    yield from _change(training, requests)
    if requests.pause and not requests.stop:
        since = time.perf_counter()
        yield Paused(training.epoch, training.step)
        while requests.pause and not requests.stop:
            control.wait()
            requests = control.poll(training.step)
            yield from _change(training, requests)
        seconds = time.perf_counter() - since
        training.paused_seconds += seconds
        yield Unpaused(training.epoch, training.step, seconds)
    return requests.stop


def _change(training: TrainerState, requests: Requests) -> Iterator[Event]:
    for message in requests.refused:
        yield Warned(message)
    if requests.lr is not None:
        yield LrChanged(training.epoch, training.step, training.set_lr(requests.lr), requests.lr)
    if requests.epochs is not None:
        yield EpochsChanged(training.epoch, training.step, training.set_epochs(requests.epochs), training.epochs)


@dataclass(frozen=True)
class Validation:
    """Means over the validation images, each scored as a whole; NaN where there are none or none is defined.

    `rank` orders epochs: the Dice, or the negative loss where no validation image has any foreground.
    """

    loss: float
    dice: float
    iou: float
    rank: float
    dices: tuple[float, ...] = ()  # of each image


def validate(training: TrainerState) -> Validation:
    """Predict and score the validation images with the model to keep, as it is now."""
    config, dataset = training.model.config, training.val_dataset
    table = np.full((len(dataset), 3), np.nan)  # loss, Dice and IoU of each image
    has_foreground = False
    for index in range(len(dataset)):
        example = dataset[index]
        target = example.mask
        logits = torch.from_numpy(training.predictor.logits(example.image))[None]
        loss = float(training.loss(logits, torch.from_numpy(target).long()[None]))
        pred = to_mask(to_probabilities(logits)[0].numpy(), config.threshold)
        counts = metrics.count(pred, target, config.num_classes)
        scores = metrics.scores(counts)
        table[index] = loss, scores["dice"], scores["iou"]
        has_foreground |= bool((counts.tp + counts.fn).any())
    loss, dice, iou = (metrics.mean(column) for column in table.T)
    return Validation(loss, dice, iou, dice if has_foreground else -loss, tuple(table[:, 1].tolist()))


@contextmanager
def _explain_memory(training: TrainerState) -> Iterator[None]:
    """Turn every way in which memory runs out into a TrainingError that names the remedy."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        smaller = max(1, training.config.batch_size // 2)
        raise TrainingError(
            f"Out of memory on {training.device} with batch_size {training.config.batch_size} and image_size "
            f"{training.model.config.image_size}. Try batch_size {smaller}. ({error})"
        ) from error


def make_step(training: TrainerState, batch: Batch, lr: float) -> float:
    """One optimizer step; returns its loss. A loss that is not finite raises before it can spoil the weights."""
    if unknown_classes(batch.target, training.model.config.num_classes):
        raise _divergence(training, batch, lr, "The loss is undefined")  # on CUDA it would take the whole process down
    for group in training.optimizer.param_groups:
        group["lr"] = lr
    torch.manual_seed((training.config.seed << 32) + training.step)  # dropout
    images = batch.images.to(training.device, memory_format=torch.channels_last)
    with autocast(training.device, training.precision):
        outputs: Tensor | list[Tensor] = training.model(images)
    loss = losses.deep(training.loss, outputs, batch.target.to(training.device))
    value = float(loss.detach())
    logits = [outputs] if isinstance(outputs, Tensor) else outputs
    if not math.isfinite(value):
        raise _divergence(training, batch, lr, f"The loss is {value}", logits)
    training.optimizer.zero_grad(set_to_none=True)
    training.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    if training.config.clip_norm:
        training.scaler.unscale_(training.optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(training.model.parameters(), training.config.clip_norm))
        if not math.isfinite(norm) and training.scaler.get_scale() <= 1:  # above 1 the scaler skips the step by itself
            raise _divergence(training, batch, lr, f"The norm of the gradient is {norm} (the loss {value:g})", logits)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.record_step(value)
    return value


def _divergence(
    training: TrainerState, batch: Batch, lr: float, what: str, logits: Sequence[Tensor] = ()
) -> TrainingError:
    """The error of a step that must not be made: where it was, what can be seen of the cause, the batch."""
    cause = diagnose(
        Evidence(
            batch=batch,
            num_classes=training.model.config.num_classes,
            logits=logits,
            model=training.model,
            precision=training.precision,
            peak_lr=training.peak_lr,
            losses=tuple(training.recent),
        )
    )
    return TrainingError(
        f"{what} at step {training.step} (epoch {training.epoch}, lr {lr:g}); training has ended, the best epoch is "
        f"kept. {cause} Images of the batch: {listing(sorted(set(batch.ids)), 20)}."
    )
