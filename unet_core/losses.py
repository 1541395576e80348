"""Losses: functions of logits (N, K, H, W) and target (N, H, W) int64 class indices to a scalar, lower is better.

Pixels whose target is `masks.IGNORE` change neither value nor gradient; with nothing left to count the loss is 0.
All are computed in float32, whatever autocast gave.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from unet_core.errors import ConfigError
from unet_core.masks import IGNORE

Loss = Callable[[Tensor, Tensor], Tensor]

DICE_SMOOTH = 1.0  # pixels added above and below: a batch with no foreground and none predicted has loss 0, not 0/0


def bce(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy, the mean over counted pixels. K must be 1."""
    valid = target != IGNORE
    each = F.binary_cross_entropy_with_logits(logits.float()[:, 0], (target == 1).float(), reduction="none")
    return (each * valid).sum() / valid.sum().clamp(min=1)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy over K > 1 classes, the mean over counted pixels."""
    total = F.cross_entropy(logits.float(), target, ignore_index=IGNORE, reduction="sum")
    return total / (target != IGNORE).sum().clamp(min=1)


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - soft Dice over the whole batch: of the foreground, or the mean over the classes that the target holds.

    Dice = (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), after Milletari et al. 2016 (arXiv:1606.04797) without squares.
    """
    valid = (target != IGNORE).unsqueeze(1)
    if logits.shape[1] == 1:
        p = logits.float().sigmoid()
        t = (target == 1).unsqueeze(1).float()
    else:
        p = logits.float().softmax(1)
        t = F.one_hot(target.masked_fill(~valid[:, 0], 0), logits.shape[1]).movedim(-1, 1).float()
    p, t = p * valid, t * valid
    over = (0, 2, 3)
    overlap, total = (p * t).sum(over), p.sum(over) + t.sum(over)
    each = 1 - (2 * overlap + DICE_SMOOTH) / (total + DICE_SMOOTH)  # (K,)
    if logits.shape[1] == 1:
        return each[0]
    present = (t.sum(over) > 0).float()
    return (each * present).sum() / present.sum().clamp(min=1)


def bce_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy + Dice loss."""
    return bce(logits, target) + dice(logits, target)


def cross_entropy_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy + Dice loss."""
    return cross_entropy(logits, target) + dice(logits, target)


LOSSES: dict[str, Loss] = {
    "bce": bce,
    "dice": dice,
    "bce_dice": bce_dice,
    "cross_entropy": cross_entropy,
    "cross_entropy_dice": cross_entropy_dice,
}
BINARY = ("bce", "dice", "bce_dice")
MULTICLASS = ("dice", "cross_entropy", "cross_entropy_dice")


def choose(name: str, num_classes: int) -> Loss:
    """The function of a name; "auto" is the usual one. Raises ConfigError where it does not fit the classes."""
    fitting = BINARY if num_classes == 1 else MULTICLASS
    if name == "auto":
        name = fitting[-1]
    if name not in fitting:
        raise ConfigError(
            f"The loss {name!r} does not fit {num_classes} output class{'es' * (num_classes > 1)}; "
            f"take one of {', '.join(fitting)}."
        )
    return LOSSES[name]
