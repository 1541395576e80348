"""Settings as forms treat them: their values by name, and which of them apply to what is chosen."""

from collections.abc import Mapping
from typing import Any

from unet_core.config.choices import ENCODERS
from unet_core.config.schema import RunConfig, all_fields
from unet_core.losses import LOSSES
from unet_core.training.optim import SCHEDULES

FOCAL = ("focal", "focal_dice")
TVERSKY = ("tversky", "focal_tversky")
WEIGHTED = ("auto", *(name for name, loss in LOSSES.items() if loss.weighted))
HALVING = tuple(name for name, schedule in SCHEDULES.items() if schedule.halves_on_plateau)
FROM_SCRATCH = {"init": ("",)}  # a fine-tuned model keeps its architecture
# One comes with the weights that are fine-tuned; the form shows it where the settings of such a run were copied.
WITH_WEIGHTS = tuple(name for name in ENCODERS if name != "plain")

# A setting without a rule always applies. One with a rule applies where each setting in it has one of its values.
APPLIES: dict[str, Mapping[str, tuple[Any, ...]]] = {
    "val_fraction": {"folds": (0,)},
    "fold": {"folds": tuple(range(2, 21))},
    "focal_gamma": {"loss": FOCAL},
    "focal_alpha": {"loss": FOCAL, "num_classes": (0, 1)},
    "tversky_alpha": {"loss": TVERSKY},
    "tversky_beta": {"loss": TVERSKY},
    "class_weights": {"loss": WEIGHTED},
    "plateau_patience": {"schedule": HALVING},
    "base_channels": FROM_SCRATCH,
    "depth": FROM_SCRATCH,
    "convs_per_block": FROM_SCRATCH,
    "bottleneck_convs": FROM_SCRATCH,
    "norm": FROM_SCRATCH,
    "order": FROM_SCRATCH,
    "activation": FROM_SCRATCH,
    "down": FROM_SCRATCH,
    "up": FROM_SCRATCH,
    "padding": FROM_SCRATCH,
    "head_kernel": FROM_SCRATCH,
    "deep_supervision": FROM_SCRATCH,
    "encoder": FROM_SCRATCH | {"encoder": WITH_WEIGHTS},
    "normalization": FROM_SCRATCH,
}


def applies(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether a setting has an effect, given the values of those that its rule names.

    >>> applies("tversky_alpha", {"loss": "dice"})
    False
    """
    return all(settings[other] in values for other, values in APPLIES.get(name, {}).items())


def values_of(config: RunConfig) -> dict[str, Any]:
    """Every setting by its name, without sections."""
    return {option.name: getattr(getattr(config, option.section), option.name) for option in all_fields()}
