"""The training loop: a generator of events that knows no file and no screen.

training = TrainerState(config, train_pictures, val_pictures)
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

__all__ = ["Validation", "make_step", "train", "validate"]


def train(training: TrainerState, control: Control = Control()) -> Iterator[Event]:  # noqa: B008 - it holds nothing
    """Train to the end, or until `control` asks to stop after a step; then the epoch is judged early and the run ends.

    `control` is asked after each step and before each epoch; it may hold the training, and change its learning rate
    and its number of epochs. Training ends after an epoch, too, when the settings' `patience` is used up (reason
    "early").

    Raises TrainingError where it cannot go on; the weights of the best epoch are the consumer's to keep.
    """
    stopped = False
    images_seen = 0
    began_at = training.seconds
    if not len(training.val_pictures):
        yield Warned("No image is held back for validation: the best epoch is chosen by the training loss.")
    if training.config.class_weights != "none" and not losses.LOSSES[training.loss_name].weighted:
        weighted = [name for name, loss in losses.LOSSES.items() if loss.weighted]
        yield Warned(
            f"class_weights {training.config.class_weights!r} changes nothing: the loss {training.loss_name!r} has "
            f"no use for it. Losses with class weights are {', '.join(weighted)}."
        )
    while not training.out_of_patience:
        stop = yield from _obey(training, control)
        if training.epoch >= training.epochs:
            break
        if stop and training.step:  # a run makes one step at least, so that there is something to keep
            stopped = True
            break
        training.epoch += 1
        started, held = time.perf_counter(), training.held
        total_loss, steps, images = 0.0, 0, 0
        training.model.train()
        for batch in batches(training.train_pictures, training.config, training.epoch):
            training.step += 1
            lr = training.lr
            with _explain_memory(training):
                value = make_step(training, batch, lr)
            total_loss, steps, images = total_loss + value, steps + 1, images + len(batch.ids)
            yield StepFinished(training.epoch, training.step, value, lr, memory_mb(training.device))
            stopped = yield from _obey(training, control)
            if stopped:
                training.missed += training.steps_per_epoch - steps
                break
        held = training.held - held
        trained = time.perf_counter() - started - held
        train_loss = total_loss / steps
        if not all(parameter.isfinite().all() for parameter in training.model.parameters()):
            raise _ended(training, batch, lr, "The weights are no longer finite after the gradient")
        with _explain_memory(training):
            val = validate(training)
        training.val_dices = val.dices
        best = training.judged(-train_loss if math.isnan(val.rank) else val.rank, val.dice, val.iou)
        training.seconds += time.perf_counter() - started - held
        images_seen += images
        yield EpochFinished(
            epoch=training.epoch,
            step=training.step,
            train_loss=train_loss,
            val_loss=val.loss,
            val_dice=val.dice,
            val_iou=val.iou,
            lr=lr,
            images_per_second=images / trained,
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
        images_per_second=images_seen / max(training.seconds - began_at, 1e-9),
        seconds=training.seconds,
    )


def _obey(training: TrainerState, control: Control) -> Generator[Event, None, bool]:
    """Do what is asked, hold as long as it is asked, and tell so; whether to stop."""
    orders = control.orders(training.step)
    yield from _change(training, orders)
    if orders.pause and not orders.stop:
        since = time.perf_counter()
        yield Paused(training.epoch, training.step)
        while orders.pause and not orders.stop:
            control.wait()
            orders = control.orders(training.step)
            yield from _change(training, orders)
        seconds = time.perf_counter() - since
        training.held += seconds
        yield Unpaused(training.epoch, training.step, seconds)
    return orders.stop


def _change(training: TrainerState, orders: Requests) -> Iterator[Event]:
    for message in orders.refused:
        yield Warned(message)
    if orders.lr is not None:
        yield LrChanged(training.epoch, training.step, training.set_lr(orders.lr), orders.lr)
    if orders.epochs is not None:
        yield EpochsChanged(training.epoch, training.step, training.set_epochs(orders.epochs), training.epochs)


@dataclass(frozen=True)
class Validation:
    """Means over the whole validation images; NaN where there are none or none is defined.

    `rank` orders epochs: the Dice, or where no validation image holds anything to find the negative loss.
    """

    loss: float
    dice: float
    iou: float
    rank: float
    dices: tuple[float, ...] = ()  # of each image


def validate(training: TrainerState) -> Validation:
    """Predict and score the validation images with the model to keep, as it is now."""
    config, pictures = training.model.config, training.val_pictures
    each = np.full((len(pictures), 3), np.nan)
    anything = False
    for index in range(len(pictures)):
        picture = pictures[index]
        target = pictures.target(picture.raw_mask)
        logits = torch.from_numpy(training.predictor.logits(picture.image))[None]
        loss = float(training.loss(logits, torch.from_numpy(target).long()[None]))
        pred = to_mask(to_probabilities(logits)[0].numpy(), config.threshold)
        counts = metrics.count(pred, target, config.num_classes)
        scores = metrics.scores(counts)
        each[index] = loss, scores["dice"], scores["iou"]
        anything |= bool((counts.tp + counts.fn).any())
    loss, dice, iou = (metrics.mean(column) for column in each.T)
    return Validation(loss, dice, iou, dice if anything else -loss, tuple(each[:, 1].tolist()))


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
            f"The memory of {training.device} does not hold a step with batch_size {training.config.batch_size} and "
            f"image_size {training.model.config.image_size}; try batch_size {smaller}. ({error})"
        ) from error


def make_step(training: TrainerState, batch: Batch, lr: float) -> float:
    """One optimizer step; its loss. A loss that is not finite is found before it can spoil the weights."""
    if unknown_classes(batch.target, training.model.config.num_classes):
        raise _ended(training, batch, lr, "The loss has no meaning")  # on CUDA it would take the whole process down
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
        raise _ended(training, batch, lr, f"The loss is {value}", logits)
    training.optimizer.zero_grad(set_to_none=True)
    training.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    if training.config.clip_norm:
        training.scaler.unscale_(training.optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(training.model.parameters(), training.config.clip_norm))
        if not math.isfinite(norm) and training.scaler.get_scale() <= 1:  # above 1 the scaler skips the step by itself
            raise _ended(training, batch, lr, f"The norm of the gradient is {norm} (the loss {value:g})", logits)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.stepped(value)
    return value


def _ended(training: TrainerState, batch: Batch, lr: float, what: str, logits: Sequence[Tensor] = ()) -> TrainingError:
    """The error of a step that must not be made: where it was, what can be seen of the cause, the batch."""
    cause = diagnose(
        Evidence(
            batch=batch,
            num_classes=training.model.config.num_classes,
            logits=logits,
            model=training.model,
            precision=training.precision,
            peak_lr=training.peak,
            losses=tuple(training.recent),
        )
    )
    return TrainingError(
        f"{what} at step {training.step} (epoch {training.epoch}, lr {lr:g}); training was ended and the best epoch is "
        f"kept. {cause} The batch: {listing(sorted(set(batch.ids)), 20)}."
    )
