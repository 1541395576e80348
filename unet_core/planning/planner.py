"""Settings proposed from a dataset's fingerprint and the machine, each with its reason in plain words; no torch.

    for advice in plan.propose(fingerprint.of_samples(samples), Machine.here(), config):
        advice.setting, advice.value, advice.reason

The defaults were measured (CONTRIBUTING.md), so that each rule leaves them alone unless a number speaks against them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import ConfigError
from unet_core.hardware import Machine
from unet_core.models import architecture
from unet_core.models.layers import NORMS

SIDES = (64, 96, 128, 160, 192, 256, 320, 384, 512)  # of crops; multiples of 2 to the power of 4 and more
LARGEST = {"cpu": 256, "cuda": 512, "mps": 384}  # crops beyond these leave no room for a batch, or for patience
ROOM = 1.5  # a crop is to be so many times as wide as the large objects, and the net to see as much
STEPS = 400  # fewer optimizer steps than this leave a net half-trained, whatever the data
STEPS_OF_CLASSES = 700  # the same for several classes
USUAL_CROPS = 4  # of an image in an epoch: `data.MOST_CROPS`, which is behind torch
MOST_EPOCHS = 100
MOST_CROPS = 16  # of an image in an epoch
RARE = 0.25  # a class with less than this share of the median class's pixels is rare
UPRIGHT = 0.15  # from here on pictures have an up and a down
FEW = 8  # classes from which on a processor's small net is short of channels
SHARE_OF_MEMORY = 0.5


@dataclass(frozen=True)
class Advice:
    """A setting, the value proposed for it, and why; `changes` tells whether it differs from what is set now."""

    setting: str
    value: Any
    reason: str
    now: Any = None

    @property
    def changes(self) -> bool:
        return bool(self.value != self.now)


def propose(data: Fingerprint, machine: Machine | None = None, now: RunConfig | None = None) -> list[Advice]:
    """What to set, in the order in which the settings build on one another; all together are a valid config.

    `now` are the settings as they stand: what no rule speaks of (padding, norm, kind of net) is kept.
    """
    now = now or RunConfig()
    if not data.images:
        return []
    rules = _Rules(data, machine or Machine(), now)
    found = [Advice(name, value, reason, getattr(_section(now, name), name)) for name, value, reason in rules.all()]
    config = now.replace(**{advice.setting: advice.value for advice in found})  # raises where a rule is wrong
    architecture.check_size(config.model, config.model.image_size, config.model.image_size)
    return found


def _section(config: RunConfig, name: str) -> Any:
    return config.model if hasattr(config.model, name) else config.train


class _Rules:
    """One method a setting; each may read what those before it have chosen."""

    def __init__(self, data: Fingerprint, machine: Machine, now: RunConfig) -> None:
        self.data, self.machine, self.now = data, machine, now
        self.kind = machine.device if now.train.device == "auto" else now.train.device
        self.default = RunConfig()
        self.side = self.depth = self.batch = self.crops = 0

    def all(self) -> Iterator[tuple[str, Any, str]]:
        yield from (
            self.image_size(),
            self.depth_(),
            self.base_channels(),
            self.crops_per_image(),
            self.batch_size(),
            self.epochs(),
            self.normalization(),
            self.loss(),
            self.class_weights(),
            self.augment(),
        )

    @property
    def large(self) -> float:
        """Diameter of the large objects, 0 where there are none."""
        return self.data.object_diameter_high or 0.0

    def image_size(self) -> tuple[str, int, str]:
        shorter = min(self.data.height, self.data.width)
        usual = self.default.model.image_size
        most = LARGEST.get(self.kind, 256)
        wanted = next((side for side in SIDES if side >= max(usual, ROOM * self.large)), SIDES[-1])
        side = min(wanted, most)
        objects = self._objects()
        if shorter < side:
            side = next((size for size in SIDES if size >= shorter), SIDES[0])
            reason = f"the images are {self.data.height} x {self.data.width} px: a crop of {side} holds the short side"
        elif wanted > most:
            reason = f"{objects}; {ROOM:g} times that would be {wanted} px, but {self.kind} is slow beyond {most}"
        elif side > usual:
            reason = f"{objects}: crops of {side} hold whole ones and what lies around them"
        elif self.large:
            reason = f"{objects}: crops of {side} hold several"
        else:
            reason = f"no objects were found to go by: {side} is the usual size"
        self.side = self._fitting(side)
        if self.side != side:
            reason += f"; {self.side} is the nearest side that this unpadded net takes"
        return "image_size", self.side, reason

    def _objects(self) -> str:
        if self.data.object_diameter is None:
            return "no objects were found"
        half = self.data.object_diameter
        return f"half of the objects are under {half:.0f} px wide, nine of ten under {self.large:.0f}"

    def _fitting(self, side: int) -> int:
        """The side itself, or the next one that an unpadded net takes at every depth it may be given."""
        if self.now.model.padding == "same":
            return side
        model = self.now.replace(image_size=max(side, 2 ** (self.now.model.depth + 1))).model
        return min(4096, architecture.fitting_size(model, model.image_size))

    def depth_(self) -> tuple[str, int, str]:
        usual = self.default.model.depth
        if self.now.model.padding == "valid":
            self.depth = self.now.model.depth
            return "depth", self.depth, "an unpadded net is made for its depth: it stays"
        deepest = max(1, self.side.bit_length() - 3)  # at least 4 pixels are left at the lowest level
        sees = {depth: self._sees(depth) for depth in range(min(usual, deepest), min(usual + 1, deepest) + 1)}
        self.depth = min(sees)
        if sees[self.depth] < ROOM * self.large:
            self.depth = max(sees)
        seen = f"with {self.depth} levels a pixel of the mask sees {sees[self.depth]} px"
        if self.depth < usual:
            return "depth", self.depth, f"a crop of {self.side} px would be under 4 px wide below that; {seen}"
        if self.large:
            return "depth", self.depth, f"{seen}, the large objects are {self.large:.0f} px wide"
        return "depth", self.depth, seen

    def _sees(self, depth: int) -> int:
        changes = {"depth": depth, "image_size": max(self.side, 2 ** (depth + 1))}
        model = self.now.replace(**changes, in_channels=3, num_classes=1, deep_supervision=False).model
        return architecture.receptive_field(model)

    def base_channels(self) -> tuple[str, int, str]:
        usual, classes = self.default.model.base_channels, len(self.data.class_shares)
        if self.kind == "cuda" and (self.machine.memory_mb >= 6000 or not self.machine.memory_mb):
            return "base_channels", 2 * usual, "a GPU has time and room for a wider net, four times the weights"
        if classes >= FEW:
            reason = f"{classes} classes would like more, but twice the channels take about three times the time here"
            return "base_channels", usual, reason
        return "base_channels", usual, "enough for few classes, and quick on this device"

    def crops_per_image(self) -> tuple[str, int, str]:
        cover = max(1, round(self.data.height * self.data.width / self.side**2))
        self.crops = min(USUAL_CROPS, cover)
        train = self.default.train
        wanted = -(-self.wanted * train.batch_size // (self._trained() * train.epochs))
        if self.crops < wanted and cover > USUAL_CROPS:
            self.crops = min(cover, wanted, MOST_CROPS)
            reason = f"only {self._trained()} images train, and it takes {cover} crops of {self.side} px to cover one"
            return "crops_per_image", self.crops, reason
        return (
            "crops_per_image",
            0,
            f"{self.crops} of each image in an epoch, as many as cover it ({USUAL_CROPS} at most)",
        )

    @property
    def wanted(self) -> int:
        """Optimizer steps that a run should have."""
        return STEPS if len(self.data.class_shares) <= 2 else STEPS_OF_CLASSES

    def _trained(self) -> int:
        held_back = self.now.data.val_fraction + self.now.data.test_fraction
        return max(1, round(self.data.images * (1 - held_back)))

    def _steps(self, batch: int, crops: int) -> int:
        """Optimizer steps of an epoch."""
        return -(-self._trained() * crops // batch)

    def batch_size(self) -> tuple[str, int, str]:
        usual = self.default.train.batch_size
        self.batch, room = usual, SHARE_OF_MEMORY * self.machine.memory_mb
        model = self.now.replace(image_size=max(self.side, 2 ** (self.depth + 1)), depth=self.depth).model
        each = step_mb(model, len(self.data.class_shares), self.data.channels)
        reason = f"about {self.batch * each:.0f} MB a step"
        while room and self.batch > 1 and self.batch * each > room:
            self.batch //= 2
            reason = f"memory: a crop takes about {each:.0f} MB in a step, {self.machine.memory_mb} MB are free"
        while self.batch > 4 and self._steps(self.batch, self.crops) < 4:
            self.batch //= 2
            reason = f"only {self._trained()} images train: smaller batches make more steps of an epoch"
        if self.batch < NORMS[self.now.model.norm].min_batch:
            reason += "; batch norm wants 4 or more, take norm 'group' below that"
        return "batch_size", self.batch, reason

    def epochs(self) -> tuple[str, int, str]:
        usual = self.default.train.epochs
        steps = self._steps(self.batch, self.crops)
        if steps * usual >= 0.95 * self.wanted:
            return "epochs", usual, f"{steps} steps an epoch, {steps * usual} in all"
        epochs = min(MOST_EPOCHS, -(-self.wanted // steps))
        few = f"{usual} epochs of {steps} steps make only {usual * steps}"
        return "epochs", epochs, f"{few}, {epochs} make {epochs * steps}; several hundred are needed"

    def normalization(self) -> tuple[str, str, str]:
        low, high = min(self.data.low, default=0.0), max(self.data.high, default=1.0)
        used = f"98 % of the values lie between {low:.2g} and {high:.2g} of the {self.data.dtype} range"
        if self.data.dtype == "float32":
            used = f"98 % of the values lie between {low:.3g} and {high:.3g}"
        return "normalization", "zscore", f"{used}; each image is brought to the same mean and spread, colors kept"

    def loss(self) -> tuple[str, str, str]:
        shares = self.data.class_shares
        if len(shares) <= 2:
            rare = f"the foreground is {100 * (shares[1] if len(shares) > 1 else 0):.2g} % of the pixels"
            reason = f"{rare}; auto is bce_dice: Dice does not mind much background, BCE steadies it"
        else:
            reason = f"{len(shares)} classes; auto is cross_entropy_dice: Dice counts each the same, however rare"
        return "loss", "auto", reason

    def class_weights(self) -> tuple[str, str, str]:
        there = sorted(share for share in self.data.class_shares if share > 0)
        median = there[len(there) // 2] if there else 0.0
        if len(self.data.class_shares) > 2 and there[0] < RARE * median:
            reason = f"the rarest class has {100 * there[0]:.2g} % of the pixels, the median one {100 * median:.2g} %"
            return "class_weights", "auto", f"{reason}: it would hardly count in the cross-entropy"
        return "class_weights", "none", "no class is so rare that the Dice part of the loss would not see to it"

    def augment(self) -> tuple[str, str, str]:
        if self.data.upright >= UPRIGHT:
            reason = "the top of the images holds other classes than the bottom: upside down they would mislead"
            return "augment", "street", reason
        return "augment", "flips", "top and bottom of the images hold the same: turning them gives more of their kind"


def step_mb(model: ModelConfig, classes: int, channels: int) -> float:
    """About how many MiB a crop takes in a training step: the feature maps, twice over in 32 bits for the gradient.

    Measured on a processor in bf16 it was within a factor of two; the preflight measures it on the spot.
    """
    model = replace(
        model, in_channels=model.in_channels or min(3, max(1, channels)), num_classes=model.num_classes or classes
    )
    values = 0
    for part, side in architecture.rows(model, model.image_size):
        values += side**2 * sum(layer.out_channels for layer in part.convolutions)
    return values * 2 * 4 / 2**20


def apply_advice(advice: Sequence[Advice], now: RunConfig) -> RunConfig:
    """The settings with all advice taken. Raises ConfigError where it does not fit what was changed meanwhile."""
    try:
        return now.replace(**{item.setting: item.value for item in advice})
    except ConfigError as error:
        raise ConfigError(f"The plan does not fit the settings any more: {error} Propose it anew.") from error
