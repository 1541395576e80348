"""The training loop: a generator of events that knows no file and no screen.

training = Training(config, train_pictures, val_pictures)
for event in train(training):
    ...                        # save training.model, print, draw; `training` is up to date at each event
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unet_core import losses, metrics
from unet_core.checkpoint import State
from unet_core.config import RunConfig
from unet_core.data import Batch, Pictures, batches, steps_per_epoch
from unet_core.device import autocast, choose_device, choose_precision
from unet_core.errors import TrainingError, listing
from unet_core.events import EpochFinished, Event, RunFinished, StepFinished, Warned
from unet_core.inference import Predictor
from unet_core.logits import probabilities, to_mask
from unet_core.unet import UNet

WARM_UP = 0.3  # share of all steps in which the learning rate rises
FIRST_LR, LAST_LR = 1 / 25, 1e-4  # shares of the peak


class Training:
    """One run's model, optimiser and progress: all that changes while it trains."""

    def __init__(self, config: RunConfig, train_pictures: Pictures, val_pictures: Pictures) -> None:
        self.config = config.train
        self.train_pictures, self.val_pictures = train_pictures, val_pictures
        model_config = train_pictures.model
        self.device = choose_device(self.config.device)
        self.precision = choose_precision(self.config.precision, self.device)
        self.loss = losses.choose(self.config.loss, model_config.num_classes)
        torch.manual_seed(self.config.seed)
        self.model = UNet(model_config).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=self.config.lr,
            weight_decay=self.config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.predictor = Predictor(self.model, self.device, self.precision)
        self.steps_per_epoch = steps_per_epoch(len(train_pictures), self.config)
        self.epoch = self.step = self.best_epoch = 0
        self.best_rank = -math.inf
        self.best_dice = self.best_iou = math.nan
        self.seconds = 0.0

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.config.epochs

    def state(self) -> State:
        """What `restore` needs, beside the weights, to go on after the last finished epoch."""
        names = {parameter: name for name, parameter in self.model.named_parameters()}
        tensors = {
            f"{names[parameter]}:{key}": value
            for parameter, values in self.optimiser.state.items()
            for key, value in values.items()
        }
        values = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "best_epoch": self.best_epoch,
            "best_rank": self.best_rank,
            "best_dice": None if math.isnan(self.best_dice) else self.best_dice,
            "best_iou": None if math.isnan(self.best_iou) else self.best_iou,
            "scaler": self.scaler.state_dict(),
        }
        return State(values, tensors)

    def restore(self, weights: dict[str, Tensor], state: State) -> None:
        """Take up a run after an epoch; from there it goes on as if it had never ended."""
        self.model.load_state_dict(weights)
        parameters = dict(self.model.named_parameters())
        for key, tensor in state.tensors.items():
            name, _, what = key.rpartition(":")
            place = tensor if what == "step" else tensor.to(parameters[name], memory_format=torch.preserve_format)
            if what != "step" and tensor.dim() == 4:
                place = place.contiguous(memory_format=torch.channels_last)
            self.optimiser.state[parameters[name]][what] = place
        values: dict[str, Any] = dict(state.values)
        self.scaler.load_state_dict(values.pop("scaler"))
        for name, value in values.items():
            setattr(self, name, math.nan if value is None else value)


def learning_rate(step: int, total: int, peak: float) -> float:
    """The one-cycle rate (Smith 2018, arXiv:1803.09820; cosine) of step 1 .. total: up over WARM_UP, then down."""
    top = max(1.0, WARM_UP * total)
    if step <= top:
        low, high, part = FIRST_LR, 1.0, step / top
    else:
        low, high, part = LAST_LR, 1.0, (total - step) / max(1.0, total - top)
    return peak * (low + (high - low) * (1 - math.cos(math.pi * part)) / 2)


def train(training: Training, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Train to the end, or until `should_stop` says so after a step; then the epoch is judged early and the run ends.

    Raises TrainingError where it cannot go on; the weights of the best epoch are the consumer's to keep.
    """
    stopped = False
    images_seen = 0
    began_at = training.seconds
    if not len(training.val_pictures):
        yield Warned("No image is held back for validation: the best epoch is chosen by the training loss.")
    while training.epoch < training.config.epochs and not stopped:
        training.epoch += 1
        started = time.perf_counter()
        total_loss, steps, images = 0.0, 0, 0
        training.model.train()
        for batch in batches(training.train_pictures, training.config, training.epoch):
            training.step += 1
            lr = learning_rate(training.step, training.total_steps, training.config.lr)
            value = _guarded_step(training, batch, lr)
            total_loss, steps, images = total_loss + value, steps + 1, images + len(batch.ids)
            yield StepFinished(training.epoch, training.step, value, lr)
            if should_stop():
                stopped = True
                break
        trained = time.perf_counter()
        train_loss = total_loss / steps
        val = validate(training)
        rank = -train_loss if math.isnan(val.rank) else val.rank
        best = rank > training.best_rank or training.best_epoch == 0
        if best:
            training.best_rank, training.best_epoch = rank, training.epoch
            training.best_dice, training.best_iou = val.dice, val.iou
        training.seconds += time.perf_counter() - started
        images_seen += images
        yield EpochFinished(
            epoch=training.epoch,
            step=training.step,
            train_loss=train_loss,
            val_loss=val.loss,
            val_dice=val.dice,
            val_iou=val.iou,
            lr=lr,
            images_per_second=images / (trained - started),
            seconds=training.seconds,
            best=best,
        )
    yield RunFinished(
        reason="stopped" if stopped else "completed",
        best_epoch=training.best_epoch,
        val_dice=training.best_dice,
        val_iou=training.best_iou,
        images_per_second=images_seen / max(training.seconds - began_at, 1e-9),
        seconds=training.seconds,
    )


@dataclass(frozen=True)
class Validation:
    """Means over the whole validation images; NaN where there are none or none is defined.

    `rank` orders epochs: the Dice, or where no validation image holds anything to find the negative loss.
    """

    loss: float
    dice: float
    iou: float
    rank: float


def validate(training: Training) -> Validation:
    """Predict and score the validation images with the model as it is now."""
    config, pictures = training.model.config, training.val_pictures
    each = np.full((len(pictures), 3), np.nan)
    anything = False
    for index in range(len(pictures)):
        picture = pictures[index]
        target = pictures.target(picture.raw_mask)
        logits = torch.from_numpy(training.predictor.logits(picture.image))[None]
        loss = float(training.loss(logits, torch.from_numpy(target).long()[None]))
        pred = to_mask(probabilities(logits)[0].numpy(), config.threshold)
        counts = metrics.count(pred, target, config.num_classes)
        scores = metrics.scores(counts)
        each[index] = loss, scores["dice"], scores["iou"]
        anything |= bool((counts.tp + counts.fn).any())
    loss, dice, iou = (metrics.mean(column) for column in each.T)
    return Validation(loss, dice, iou, dice if anything else -loss)


def _guarded_step(training: Training, batch: Batch, lr: float) -> float:
    try:
        return _step(training, batch, lr)
    except (torch.OutOfMemoryError, MemoryError) as error:
        smaller = max(1, training.config.batch_size // 2)
        raise TrainingError(
            f"The memory of {training.device} does not hold a step with batch_size {training.config.batch_size} and "
            f"image_size {training.model.config.image_size}; try batch_size {smaller}. ({error})"
        ) from error


def _step(training: Training, batch: Batch, lr: float) -> float:
    """One optimiser step; its loss. A loss that is not finite is found before it can spoil the weights."""
    for group in training.optimiser.param_groups:
        group["lr"] = lr
    images = batch.images.to(training.device, memory_format=torch.channels_last)
    with autocast(training.device, training.precision):
        logits = training.model(images)
    loss = training.loss(logits, batch.target.to(training.device))
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss is {value} at step {training.step} (epoch {training.epoch}, lr {lr:g}); training was ended and "
            f"the best epoch is kept. The batch: {listing(sorted(set(batch.ids)), 20)}. Try a lower learning rate "
            f"(lr {training.config.lr / 10:g}) or precision fp32, and look at these images."
        )
    training.optimiser.zero_grad(set_to_none=True)
    training.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    training.scaler.step(training.optimiser)
    training.scaler.update()
    return value
