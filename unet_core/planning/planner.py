"""Suggested settings for a dataset and a machine, each with its reason; free of torch.

    for advice in planner.propose(fingerprint.measure_samples(...), Machine.here(), config):
        advice.setting, advice.value, advice.reason

The defaults are the result of measurements, so each rule keeps them unless a property of the dataset or the machine
demands otherwise.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import ConfigError
from unet_core.hardware import Machine
from unet_core.models import architecture
from unet_core.models.layers import NORMS

SIDES = (64, 96, 128, 160, 192, 256, 320, 384, 512)  # of crops; all are divisible by 2 to the power of 4 or more
MAX_SIDE = {"cpu": 256, "cuda": 512, "mps": 384}  # larger crops are too slow, or leave no memory for a batch
CONTEXT = 1.5  # crop size and receptive field should be this many times the diameter of large objects
MIN_STEPS = 400  # optimizer steps of a run; with fewer a model is undertrained, whatever the dataset
MIN_STEPS_MULTICLASS = 700
DEFAULT_CROPS = 4  # per image and epoch: `sampling.MOST_CROPS`, which imports torch
MAX_EPOCHS = 100
MAX_CROPS = 16  # per image and epoch
RARE = 0.25  # a class with less than this fraction of the median class's pixels is rare
UPRIGHT = 0.15  # `Fingerprint.upright` from which on images have a fixed orientation
MANY_CLASSES = 8  # from which on the default number of channels is small
MEMORY_SHARE = 0.5  # of the free memory that a step may take


@dataclass(frozen=True)
class Advice:
    """A suggested value for a setting and its reason; `changes` is whether it differs from the current value."""

    setting: str
    value: Any
    reason: str
    current: Any = None

    @property
    def changes(self) -> bool:
        return bool(self.value != self.current)


def propose(
    data: Fingerprint,
    machine: Machine | None = None,
    config: RunConfig | None = None,
    fixed: Collection[str] = (),
) -> list[Advice]:
    """Suggestions, each based on those before it; applied together they are a valid config.

    `config` holds the current settings: those without a rule (padding, norm, layers) stay as they are. Those in `fixed`
    have been chosen: a suggestion is still made for them, but the others are based on the value that is set (the epochs
    on the batch size). Without images there is no suggestion.
    """
    current = config or RunConfig()
    if not data.images:
        return []
    rules = _Rules(data, machine or Machine(), current, fixed)
    advice = [
        Advice(name, value, reason, getattr(_section(current, name), name)) for name, value, reason in rules.all()
    ]
    if not fixed:  # a rule is wrong where this raises; values that were chosen may contradict each other
        suggested = current.replace(**{item.setting: item.value for item in advice})
        architecture.check_size(suggested.model, suggested.model.image_size, suggested.model.image_size)
    return advice


def _section(config: RunConfig, name: str) -> Any:
    return config.model if hasattr(config.model, name) else config.train


class _Rules:
    """One method per setting; each may read the values that those before it have chosen."""

    def __init__(self, data: Fingerprint, machine: Machine, current: RunConfig, fixed: Collection[str] = ()) -> None:
        self.data, self.machine, self.current, self.fixed = data, machine, current, fixed
        self.device = machine.device if current.train.device == "auto" else current.train.device
        self.default = RunConfig()
        self.side = self.depth = self.base = self.batch = self.crops = 0

    def all(self) -> Iterator[tuple[str, Any, str]]:
        model, train = self.current.model, self.current.train
        yield self.image_size()
        if "image_size" in self.fixed:
            self.side = model.image_size
        yield self.depth_()
        if "depth" in self.fixed:
            self.depth = model.depth
        yield self.base_channels()
        if "base_channels" in self.fixed:
            self.base = model.base_channels
        yield self.crops_per_image()
        if "crops_per_image" in self.fixed and train.crops_per_image:
            self.crops = train.crops_per_image
        yield self.batch_size()
        if "batch_size" in self.fixed:
            self.batch = train.batch_size
        yield from (self.epochs(), self.normalization(), self.loss(), self.class_weights(), self.augment())

    @property
    def large(self) -> float:
        """Diameter of large objects (90th percentile) in pixels, 0 where there are none."""
        return self.data.object_diameter_high or 0.0

    def image_size(self) -> tuple[str, int, str]:
        shorter = min(self.data.height, self.data.width)
        default = self.default.model.image_size
        upper = MAX_SIDE.get(self.device, 256)
        ideal = next((side for side in SIDES if side >= max(default, CONTEXT * self.large)), SIDES[-1])
        side = min(ideal, upper)
        objects = self._objects()
        if shorter < side:
            side = next((size for size in SIDES if size >= shorter), SIDES[0])
            reason = (
                f"the images are {self.data.width} x {self.data.height} px, crops of {side} px cover the short side"
            )
        elif ideal > upper:
            reason = f"{objects}; crops of {ideal} px would suit them, but are too slow on {self.device}"
        elif side > default:
            reason = f"{objects}; crops of {side} px show whole objects and their surroundings"
        elif self.large:
            reason = f"{objects}; crops of {side} px show several"
        else:
            reason = f"no objects were found; {side} px is the default"
        self.side = self._fitting(side)
        if self.side != side:
            reason += f"; {self.side} px is the nearest size that fits the unpadded convolutions"
        return "image_size", self.side, reason

    def _objects(self) -> str:
        if self.data.object_diameter is None:
            return "no objects were found"
        median = self.data.object_diameter
        return f"object diameter: median {median:.0f} px, 90th percentile {self.large:.0f} px"

    def _fitting(self, side: int) -> int:
        """The side, or the next larger one that fits unpadded convolutions."""
        if self.current.model.padding == "same":
            return side
        model = self.current.replace(image_size=max(side, 2 ** (self.current.model.depth + 1))).model
        return min(4096, architecture.fitting_size(model, model.image_size))

    def depth_(self) -> tuple[str, int, str]:
        default = self.default.model.depth
        if self.current.model.padding == "valid":
            self.depth = self.current.model.depth
            return "depth", self.depth, "unpadded convolutions are designed for their depth, so it stays"
        deepest = max(1, self.side.bit_length() - 3)  # at least 4 pixels are left at the deepest level
        candidates = range(min(default, deepest), min(default + 1, deepest) + 1)
        fields = {depth: self._receptive_field(depth) for depth in candidates}
        self.depth = min(fields)
        if fields[self.depth] < CONTEXT * self.large:
            self.depth = max(fields)
        reason = f"{self.depth} levels have a receptive field of {fields[self.depth]} px"
        if self.depth < default:
            reason += f"; with more, a crop of {self.side} px would shrink below 4 px"
        elif self.large:
            reason += f", large objects are {self.large:.0f} px wide"
        return "depth", self.depth, reason

    def _receptive_field(self, depth: int) -> int:
        changes = {"depth": depth, "image_size": max(self.side, 2 ** (depth + 1))}
        model = self.current.replace(
            **changes, in_channels=self.current.model.channels_or(3), num_classes=1, deep_supervision=False
        ).model
        return architecture.receptive_field(model)

    def base_channels(self) -> tuple[str, int, str]:
        default, classes = self.default.model.base_channels, len(self.data.class_shares)
        self.base = default
        if self.device == "cuda" and (self.machine.memory_mb >= 6000 or not self.machine.memory_mb):
            self.base = 2 * default
            return "base_channels", self.base, "a GPU has the speed and memory for a wider model (4x the parameters)"
        if classes >= MANY_CLASSES:
            reason = f"{classes} classes would benefit from more, but twice the channels take about 3x the time here"
            return "base_channels", default, reason
        return "base_channels", default, "enough for few classes, and fast on this device"

    def crops_per_image(self) -> tuple[str, int, str]:
        cover = max(1, round(self.data.height * self.data.width / self.side**2))
        self.crops = min(DEFAULT_CROPS, cover)
        train = self.default.train
        needed = -(-self.min_steps * train.batch_size // (self._train_images() * train.epochs))
        if self.crops < needed and cover > DEFAULT_CROPS:
            self.crops = min(cover, needed, MAX_CROPS)
            reason = f"only {self._train_images()} training images; {cover} crops of {self.side} px cover one"
            return "crops_per_image", self.crops, reason
        return (
            "crops_per_image",
            0,
            f"{self.crops} per image, as many as cover it (at most {DEFAULT_CROPS})",
        )

    @property
    def min_steps(self) -> int:
        """Optimizer steps that a run should have at least."""
        return MIN_STEPS if len(self.data.class_shares) <= 2 else MIN_STEPS_MULTICLASS

    def _train_images(self) -> int:
        held_back = self.current.data.val_fraction + self.current.data.test_fraction
        return max(1, round(self.data.images * (1 - held_back)))

    def _steps(self, batch: int, crops: int) -> int:
        """Optimizer steps per epoch."""
        return -(-self._train_images() * crops // batch)

    def batch_size(self) -> tuple[str, int, str]:
        self.batch, limit_mb = self.default.train.batch_size, MEMORY_SHARE * self.machine.memory_mb
        side = max(self.side, 2 ** (self.depth + 1))
        model = self.current.replace(image_size=side, depth=self.depth, base_channels=self.base).model
        crop_mb = step_mb(model, len(self.data.class_shares), self.data.channels)
        reason = f"about {self.batch * crop_mb:.0f} MB per step"
        while limit_mb and self.batch > 1 and self.batch * crop_mb > limit_mb:
            self.batch //= 2
            reason = f"a step takes about {crop_mb:.0f} MB per crop, {self.machine.memory_mb} MB are free"
        while self.batch > 4 and self._steps(self.batch, self.crops) < 4:
            self.batch //= 2
            reason = f"only {self._train_images()} training images; smaller batches give more steps per epoch"
        if self.batch < NORMS[self.current.model.norm].min_batch:
            reason += "; batch normalization needs 4 or more, use norm 'group' below that"
        return "batch_size", self.batch, reason

    def epochs(self) -> tuple[str, int, str]:
        default = self.default.train.epochs
        steps = self._steps(self.batch, self.crops)
        if steps * default >= 0.95 * self.min_steps:
            return "epochs", default, f"{steps} steps per epoch, {steps * default} in total"
        epochs = min(MAX_EPOCHS, -(-self.min_steps // steps))
        few = f"{default} epochs of {steps} steps are only {default * steps} steps"
        return "epochs", epochs, f"{few}; {epochs} epochs are {epochs * steps}, several hundred are needed"

    def normalization(self) -> tuple[str, str, str]:
        low, high = min(self.data.low, default=0.0), max(self.data.high, default=1.0)
        values = f"98% of the values are between {low:.2g} and {high:.2g} of the {self.data.dtype} range"
        if self.data.dtype == "float32":
            values = f"98% of the values are between {low:.3g} and {high:.3g}"
        number = self.current.model.channels_or(self.data.channels)
        if number not in (1, 3) or self.current.model.normalization == "zscore_per_channel":
            sentence = "each channel of an image is scaled to the same mean and standard deviation"
            return "normalization", "zscore_per_channel", f"{values}; {sentence}"
        return (
            "normalization",
            "zscore",
            f"{values}; each image is scaled to the same mean and standard deviation",
        )

    def loss(self) -> tuple[str, str, str]:
        shares = self.data.class_shares
        if len(shares) <= 2:
            foreground = f"the foreground is {100 * (shares[1] if len(shares) > 1 else 0):.2g}% of the pixels"
            reason = (
                f"{foreground}; auto is cross-entropy + Dice: Dice handles class imbalance, cross-entropy is stable"
            )
        else:
            reason = (
                f"{len(shares)} classes; auto is cross-entropy + Dice: Dice weighs rare and frequent classes equally"
            )
        return "loss", "auto", reason

    def class_weights(self) -> tuple[str, str, str]:
        shares = sorted(share for share in self.data.class_shares if share > 0)
        median = shares[len(shares) // 2] if shares else 0.0
        if len(self.data.class_shares) > 2 and shares[0] < RARE * median:
            reason = f"the rarest class has {100 * shares[0]:.2g}% of the pixels, the median class {100 * median:.2g}%"
            return "class_weights", "auto", f"{reason}; it would hardly count in the cross-entropy"
        return "class_weights", "none", "no class is so rare that the Dice part of the loss would not suffice"

    def augment(self) -> tuple[str, str, str]:
        if self.data.upright >= UPRIGHT:
            reason = "the top and bottom of the images contain different classes, so vertical flips would mislead"
            return "augment", "street", reason
        return "augment", "flips", "the images have no fixed orientation, so flips and rotations give more examples"


def step_mb(model: ModelConfig, classes: int, channels: int) -> float:
    """Estimated MiB per crop in a training step: all feature maps in 32 bits, once for the values, once for gradients.

    Within a factor of two of measurements on a CPU in bf16; the pre-flight check measures it.
    """
    model = replace(model, in_channels=model.channels_or(max(1, channels)), num_classes=model.num_classes or classes)
    values = 0
    for part, side in architecture.rows(model, model.image_size):
        values += side**2 * sum(layer.out_channels for layer in part.convolutions)
    return values * 2 * 4 / 2**20


def apply_advice(advice: Sequence[Advice], config: RunConfig) -> RunConfig:
    """The settings with all advice applied. Raises ConfigError where it does not fit settings changed since."""
    try:
        return config.replace(**{item.setting: item.value for item in advice})
    except ConfigError as error:
        raise ConfigError(f"The suggestions no longer fit the settings: {error} Update the suggestions.") from error
