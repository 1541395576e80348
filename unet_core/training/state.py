"""One run's model, optimizer and progress: all that changes while it trains, and how it is taken up again."""

import math
from collections import deque
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from unet_core import losses
from unet_core.config.schema import RunConfig
from unet_core.data.dataset import Dataset
from unet_core.data.sampling import steps_per_epoch
from unet_core.device import choose_device, choose_precision
from unet_core.inference.predictor import Predictor
from unet_core.models.checkpoint import SavedState
from unet_core.models.unet import UNet
from unet_core.training.class_weights import median_frequency, pixel_counts
from unet_core.training.optim import FLAT, OPTIMIZERS, SCHEDULES, average, descent, optimizer_tensors, restore_optimizer

RECENT = 10  # losses that are remembered, to tell how a step that fails came about
RAW = "raw"


class TrainerState:
    """What `train` moves on. It knows the pictures and no file."""

    def __init__(self, config: RunConfig, train_pictures: Dataset, val_pictures: Dataset) -> None:
        self.config = config.train
        self.train_pictures, self.val_pictures = train_pictures, val_pictures
        model_config = train_pictures.model
        self.device = choose_device(self.config.device)
        self.precision = choose_precision(self.config.precision, self.device)
        self.loss_name = losses.named(self.config.loss, model_config.num_classes)
        self.class_weights: tuple[float, ...] = ()
        if self.config.class_weights == "auto" and losses.LOSSES[self.loss_name].weighted:
            self.class_weights = median_frequency(pixel_counts(train_pictures))
        self.loss = losses.choose(self.config.loss, model_config.num_classes, self.config, self.class_weights)
        torch.manual_seed(self.config.seed)
        self.model = UNet(model_config).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average: UNet | None = deepcopy(self.model).requires_grad_(False) if self.config.ema_decay else None
        self.optimizer = OPTIMIZERS[self.config.optimizer](
            self.model.parameters(),
            self.config.lr,
            self.config.weight_decay,
            self.device.type in ("cpu", "cuda"),
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.predictor = Predictor(self.best_model(), self.device, self.precision)
        self.steps_per_epoch = steps_per_epoch(train_pictures, self.config)
        self.epoch = self.step = self.best_epoch = 0
        self.epochs = self.config.epochs  # to be made in all; may be changed
        self.missed = 0  # steps that a stop took from its epoch
        self.leg, self.leg_epoch, self.leg_step = 1, 0, 0  # the schedule began anew after these (`proceed`)
        self.peak = self.config.lr
        self.hand_step = 0  # the first step of a rate that was set by hand, 0 = the schedule's
        self.best_rank = -math.inf
        self.best_dice = self.best_iou = math.nan
        self.lr_factor = 1.0  # halved by the schedule "plateau" ...
        self.waited = 0  # ... after so many epochs that were no better
        self.seconds = 0.0
        self.held = 0.0  # seconds in which this process was paused
        self.val_dices: tuple[float, ...] = ()  # of each validation picture after the latest epoch
        self.token = ""  # of the last wish to go on that was obeyed
        self.recent: deque[float] = deque(maxlen=RECENT)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.epochs - self.missed

    @property
    def lr(self) -> float:
        """The learning rate of the current step."""
        return self.lr_at(self.step)

    def lr_at(self, step: int) -> float:
        """The learning rate of a step, as things stand.

        One that was set by hand falls from there as the schedule would, down to almost nothing, or stays where the
        schedule is flat. A later leg has its schedule anew over its own steps; a flat one needs no second warm-up.
        """
        peak, flat = self.peak * self.lr_factor, self.config.schedule in FLAT
        if flat and (self.hand_step or self.leg > 1):
            return peak
        if self.hand_step:
            return descent(step, self.hand_step, self.total_steps, peak)
        return SCHEDULES[self.config.schedule](step - self.leg_step, self.total_steps - self.leg_step, peak)

    def set_lr(self, lr: float) -> float:
        """Let the rate be `lr` from the next step on; the rate until now."""
        before = self.lr_at(max(1, self.step))
        self.peak, self.hand_step, self.lr_factor, self.waited = lr, self.step + 1, 1.0, 0
        return before

    def set_epochs(self, epochs: int) -> int:
        """Make so many epochs in all, and no fewer than were begun; the number until now. The schedule is fitted."""
        before, self.epochs = self.epochs, max(epochs, self.epoch, 1)
        return before

    def proceed(self, epochs: int, lr: float | None = None) -> None:
        """Go on with a run that is over for so many epochs more: the schedule begins anew, up to `lr` (the settings').

        So does the patience; the best epoch so far stays the one to beat.
        """
        self.leg, self.leg_epoch, self.leg_step = self.leg + 1, self.epoch, self.step
        self.epochs = self.epoch + epochs
        self.peak = self.config.lr if lr is None else lr
        self.hand_step, self.lr_factor, self.waited = 0, 1.0, 0

    @property
    def out_of_patience(self) -> bool:
        """Whether so many epochs were no better that training ends early."""
        return 0 < self.config.patience <= self.epoch - max(self.best_epoch, self.leg_epoch)

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Take weights to start from (fine-tuning)."""
        self.model.load_state_dict(weights)
        self.best_model().load_state_dict(weights)

    def best_model(self) -> UNet:
        """The model to keep and to predict with: the averaged weights where they are kept, else the model itself."""
        return self.model if self.average is None else self.average

    def stepped(self, loss: float) -> None:
        """Take note of an optimizer step that was made."""
        self.recent.append(loss)
        if self.average is not None:
            average(self.average, self.model, self.step, self.config.ema_decay)

    def judged(self, rank: float, dice: float, iou: float) -> bool:
        """Take note of an epoch's scores; whether it is the best so far."""
        best = rank > self.best_rank or self.best_epoch == 0
        self.waited = 0 if best else self.waited + 1
        if best:
            self.best_rank, self.best_epoch, self.best_dice, self.best_iou = rank, self.epoch, dice, iou
        elif self.config.schedule == "plateau" and self.waited >= self.config.plateau_patience:
            self.lr_factor, self.waited = self.lr_factor / 2, 0
        return best

    def state(self) -> SavedState:
        """What `restore` needs, beside the weights of `best_model`, to go on after the last finished epoch."""
        tensors = optimizer_tensors(self.optimizer, dict(self.model.named_parameters()))
        if self.average is not None:
            tensors |= {f"{name}:{RAW}": tensor for name, tensor in self.model.state_dict().items()}
        values = {
            "epoch": self.epoch,
            "step": self.step,
            "epochs": self.epochs,
            "missed": self.missed,
            "leg": self.leg,
            "leg_epoch": self.leg_epoch,
            "leg_step": self.leg_step,
            "peak": self.peak,
            "hand_step": self.hand_step,
            "token": self.token,
            "seconds": self.seconds,
            "best_epoch": self.best_epoch,
            "best_rank": self.best_rank,
            "best_dice": None if math.isnan(self.best_dice) else self.best_dice,
            "best_iou": None if math.isnan(self.best_iou) else self.best_iou,
            "lr_factor": self.lr_factor,
            "waited": self.waited,
            "recent": list(self.recent),
            "scaler": self.scaler.state_dict(),
        }
        return SavedState(values, tensors)

    def restore(self, weights: dict[str, Tensor], state: SavedState) -> None:
        """Take up a run after an epoch; from there it goes on as if it had never ended."""
        raw = {key.removesuffix(f":{RAW}"): value for key, value in state.tensors.items() if key.endswith(f":{RAW}")}
        self.best_model().load_state_dict(weights)
        self.model.load_state_dict(raw or weights)
        kept = {key: value for key, value in state.tensors.items() if not key.endswith(f":{RAW}")}
        restore_optimizer(self.optimizer, dict(self.model.named_parameters()), kept)
        values: dict[str, Any] = dict(state.values)
        if scaling := values.pop("scaler"):  # empty where the run was not in fp16
            self.scaler.load_state_dict(scaling)
        self.recent.extend(values.pop("recent", ()))
        for name, value in values.items():
            setattr(self, name, math.nan if value is None else value)
