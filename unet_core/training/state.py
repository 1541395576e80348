"""One run's model, optimizer and progress: all that changes while it trains, and how it is saved and resumed."""

from copy import deepcopy

import torch
from torch import Tensor

from unet_core import losses
from unet_core.config.schema import RunConfig
from unet_core.data.dataset import Dataset
from unet_core.data.sampling import steps_per_epoch
from unet_core.device import choose_device, choose_precision
from unet_core.inference.predictor import Predictor
from unet_core.models.checkpoint import SavedState
from unet_core.models.encoders import build_model
from unet_core.models.unet import UNet
from unet_core.training.class_weights import median_frequency, pixel_counts
from unet_core.training.optim import OPTIMIZERS, SCHEDULES, average, descent, optimizer_tensors, restore_optimizer
from unet_core.training.progress import Progress

RAW = "raw"  # marks the tensors of the model itself where the averaged ones are the weights of the checkpoint


class TrainerState(Progress):
    """Everything that `train` changes: model, optimizer, scaler and the numbers of `Progress`. It knows no file.

    Args:
        config: the settings of the run; those of the model are taken from `train_dataset.model`, which the data fit.
        train_dataset: the images to train on.
        val_dataset: the images that score each epoch; may be empty.

    Raises:
        ConfigError: a loss, device or precision that does not go with the data or the machine.
    """

    def __init__(self, config: RunConfig, train_dataset: Dataset, val_dataset: Dataset) -> None:
        super().__init__(epochs=config.train.epochs, peak_lr=config.train.lr)
        self.config = config.train
        self.train_dataset, self.val_dataset = train_dataset, val_dataset
        model_config = train_dataset.model
        self.device = choose_device(self.config.device)
        self.precision = choose_precision(self.config.precision, self.device)
        self.loss_name = losses.named(self.config.loss, model_config.num_classes)
        self.class_weights: tuple[float, ...] = ()
        if self.config.class_weights == "auto" and losses.LOSSES[self.loss_name].weighted:
            self.class_weights = median_frequency(pixel_counts(train_dataset))
        self.loss = losses.choose(self.config.loss, model_config.num_classes, self.config, self.class_weights)
        torch.manual_seed(self.config.seed)
        self.model = build_model(model_config).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average: UNet | None = deepcopy(self.model).requires_grad_(False) if self.config.ema_decay else None
        self.optimizer = OPTIMIZERS[self.config.optimizer].build(
            self.model.parameters(),
            self.config.lr,
            self.config.weight_decay,
            self.device.type in ("cpu", "cuda"),
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.predictor = Predictor(self.best_model(), self.device, self.precision)
        self.steps_per_epoch = steps_per_epoch(train_dataset, self.config)
        self.paused_seconds = 0.0  # in which this process was paused
        self.val_dices: tuple[float, ...] = ()  # of each validation image after the latest epoch

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.epochs - self.skipped_steps

    @property
    def lr(self) -> float:
        """The learning rate of the current step."""
        return self.lr_at(self.step)

    def lr_at(self, step: int) -> float:
        """The learning rate of a step, as things stand.

        One that was set by hand falls from there as the schedule would, down to almost nothing, or stays where the
        schedule is flat. A later stage has its schedule anew over its own steps; a flat one needs no second warm-up.
        """
        peak, schedule = self.peak_lr * self.lr_factor, SCHEDULES[self.config.schedule]
        if not schedule.decays and (self.manual_lr_step or self.stage > 1):
            return peak
        if self.manual_lr_step:
            return descent(step, self.manual_lr_step, self.total_steps, peak)
        return schedule.rate(step - self.stage_step, self.total_steps - self.stage_step, peak)

    def set_lr(self, lr: float) -> float:
        """Use the learning rate `lr` from the next step on; returns the rate until now."""
        before = self.lr_at(max(1, self.step))
        self.peak_lr, self.manual_lr_step, self.lr_factor, self.epochs_without_gain = lr, self.step + 1, 1.0, 0
        return before

    def set_epochs(self, epochs: int) -> int:
        """Train so many epochs in all, no fewer than were begun; returns the number until now. The schedule adapts."""
        before, self.epochs = self.epochs, max(epochs, self.epoch, 1)
        return before

    def begin_stage(self, epochs: int, lr: float | None = None) -> None:
        """Continue a run that is over for `epochs` more: the schedule starts again, up to `lr` (None: the settings').

        So does the patience of early stopping; the best epoch so far stays the one to beat.
        """
        self.stage, self.stage_epoch, self.stage_step = self.stage + 1, self.epoch, self.step
        self.epochs = self.epoch + epochs
        self.peak_lr = self.config.lr if lr is None else lr
        self.manual_lr_step, self.lr_factor, self.epochs_without_gain = 0, 1.0, 0

    @property
    def out_of_patience(self) -> bool:
        """Whether early stopping is due: `patience` epochs without a better one, counted from the latest stage."""
        return 0 < self.config.patience <= self.epoch - max(self.best_epoch, self.stage_epoch)

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Start from these weights (fine-tuning)."""
        self.model.load_state_dict(weights)
        self.best_model().load_state_dict(weights)

    def best_model(self) -> UNet:
        """The model to save and to predict with: that of the averaged weights (`ema_decay`), else the model itself."""
        return self.model if self.average is None else self.average

    def record_step(self, loss: float) -> None:
        """Update the averaged weights and the recent losses after an optimizer step."""
        self.recent.append(loss)
        if self.average is not None:
            average(self.average, self.model, self.step, self.config.ema_decay)

    def record_epoch(self, rank: float, dice: float, iou: float) -> bool:
        """Update the best scores, and the schedule "plateau", after an epoch; returns whether it is the best so far."""
        best = rank > self.best_rank or self.best_epoch == 0
        self.epochs_without_gain = 0 if best else self.epochs_without_gain + 1
        if best:
            self.best_rank, self.best_epoch, self.best_dice, self.best_iou = rank, self.epoch, dice, iou
        elif (
            SCHEDULES[self.config.schedule].halves_on_plateau
            and self.epochs_without_gain >= self.config.plateau_patience
        ):
            self.lr_factor, self.epochs_without_gain = self.lr_factor / 2, 0
        return best

    def state(self) -> SavedState:
        """What `restore` needs, beside the weights of `best_model`, to resume after the last finished epoch."""
        tensors = optimizer_tensors(self.optimizer, dict(self.model.named_parameters()))
        if self.average is not None:
            tensors |= {f"{name}:{RAW}": tensor for name, tensor in self.model.state_dict().items()}
        values = {**self.saved(), "scaler": self.scaler.state_dict()}
        return SavedState(values, tensors)

    def restore(self, weights: dict[str, Tensor], state: SavedState) -> None:
        """Continue a run after an epoch, bit for bit as if it had never ended.

        Args:
            weights: those of `best_model`.
            state: what `state` gave.

        Raises:
            CheckpointError: the state holds a value that cannot be, or is of another model.
        """
        values = dict(state.values)
        scaling = values.pop("scaler", None)  # empty where the run was not in fp16
        self.take_over(values)
        suffix = f":{RAW}"
        raw = {key.removesuffix(suffix): tensor for key, tensor in state.tensors.items() if key.endswith(suffix)}
        self.best_model().load_state_dict(weights)
        self.model.load_state_dict(raw or weights)
        moments = {key: tensor for key, tensor in state.tensors.items() if not key.endswith(suffix)}
        restore_optimizer(self.optimizer, dict(self.model.named_parameters()), moments)
        if scaling:
            self.scaler.load_state_dict(scaling)
