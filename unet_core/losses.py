"""Losses: functions of logits (N, K, H, W) and target (N, H, W) int64 class indices to a scalar, lower is better.

Pixels whose target is `label_map.IGNORE` change neither value nor gradient; with nothing left to count the loss is 0.
All are computed in float32, whatever autocast gave. The overlap losses (Dice, IoU, Tversky, Lovász) pool the whole
batch: that of the foreground (K = 1), or the mean over the classes that the target has. Further arguments have the
names of their settings; `class_weights` has one for each class, for K = 1 (background, foreground), or () for none.

A new loss is a function here and its entry in LOSSES: menus, the command line and the checks of the settings follow.
Torch is imported inside of functions, since menus read the entries without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING

from unet_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from unet_core.config.schema import TrainConfig

    LossFunction = Callable[[Tensor, Tensor], Tensor]

DICE_SMOOTH = 1.0  # pixels added above and below: a batch with no foreground and none predicted has loss 0, not 0/0
FOCAL_TVERSKY_POWER = 3 / 4  # 1 / gamma of Abraham and Khan
FLAT = 1e-9  # below it the focal Tversky loss is 0: its slope has a pole there


def bce(logits: Tensor, target: Tensor, class_weights: Sequence[float] = ()) -> Tensor:
    """Binary cross-entropy, the mean over counted pixels; weighted by torch's `pos_weight`. K must be 1."""
    from torch.nn import functional as F

    x = logits.float()[:, 0]
    valid = _valid(target)
    ratio = x.new_tensor(class_weights[1] / class_weights[0]) if class_weights else None
    per_pixel = F.binary_cross_entropy_with_logits(x, (target == 1).float(), reduction="none", pos_weight=ratio)
    return (per_pixel * valid).sum() / valid.sum().clamp(min=1)


def cross_entropy(logits: Tensor, target: Tensor, class_weights: Sequence[float] = ()) -> Tensor:
    """Cross-entropy over K > 1 classes, the (weighted) mean over counted pixels."""
    from torch.nn import functional as F

    from unet_core.data.masks.coding import IGNORE

    x = logits.float()
    weights = x.new_tensor(class_weights) if class_weights else None
    total = F.cross_entropy(x, target, weights, ignore_index=IGNORE, reduction="sum")
    return total / _amount(target, weights)


def focal(
    logits: Tensor,
    target: Tensor,
    focal_gamma: float = 2.0,
    focal_alpha: float = 0.25,
    class_weights: Sequence[float] = (),
) -> Tensor:
    """-(1 - p)^gamma log p of the true class, the mean over counted pixels (Lin et al. 2017, arXiv:1708.02002).

    For K = 1 times alpha in the foreground and 1 - alpha in the background; for several classes alpha has no effect.
    With gamma 0 it is cross-entropy, weighted alike. 1 - p is taken in logarithms: no pole at p = 1 for any gamma.
    """
    from torch.nn import functional as F

    x = logits.float()
    valid = _valid(target)
    weights = x.new_tensor(class_weights) if class_weights else None
    if logits.shape[1] == 1:
        foreground = target == 1
        margin = x[:, 0].where(foreground, -x[:, 0])
        log_p, log_rest = F.logsigmoid(margin), F.logsigmoid(-margin)
        ratio = 1.0 if weights is None else weights[1] / weights[0]
        factor = focal_alpha * ratio * foreground + (1 - focal_alpha) * ~foreground
        amount = _amount(target)
    else:
        true = target.where(valid, 0)[:, None]  # (N, 1, H, W)
        log_all = x.log_softmax(1)
        log_p = log_all.gather(1, true)[:, 0]
        log_rest = log_all.scatter(1, true, -math.inf).logsumexp(1)
        factor = log_p.new_ones(log_p.shape) if weights is None else weights[true[:, 0]]
        amount = _amount(target, weights)
    per_pixel = -factor * (focal_gamma * log_rest).exp() * log_p
    return (per_pixel * valid).sum() / amount


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), after Milletari et al. 2016 (arXiv:1606.04797) without squares."""
    overlap, predicted, true = _sums(logits, target)
    return _mean(1 - (2 * overlap + DICE_SMOOTH) / (predicted + true + DICE_SMOOTH), true)


def iou(logits: Tensor, target: Tensor) -> Tensor:
    """1 - (sum(p t) + 1) / (sum(p) + sum(t) - sum(p t) + 1), the soft Jaccard of Rahman and Wang 2016 (ISVC)."""
    overlap, predicted, true = _sums(logits, target)
    return _mean(1 - (overlap + DICE_SMOOTH) / (predicted + true - overlap + DICE_SMOOTH), true)


def tversky(logits: Tensor, target: Tensor, tversky_alpha: float = 0.3, tversky_beta: float = 0.7) -> Tensor:
    """1 - (tp + 1) / (tp + alpha fp + beta fn + 1), after Salehi et al. 2017 (arXiv:1706.05721)."""
    per_class, true = _tversky(logits, target, tversky_alpha, tversky_beta)
    return _mean(per_class, true)


def focal_tversky(logits: Tensor, target: Tensor, tversky_alpha: float = 0.3, tversky_beta: float = 0.7) -> Tensor:
    """The Tversky loss of each class to the power of 3/4 (Abraham and Khan 2019, arXiv:1810.07842; gamma = 4/3)."""
    per_class, true = _tversky(logits, target, tversky_alpha, tversky_beta)
    return _mean((per_class.clamp(min=FLAT) ** FOCAL_TVERSKY_POWER).where(per_class > FLAT, 0), true)


def lovasz(logits: Tensor, target: Tensor) -> Tensor:
    """The Lovász extension of 1 - IoU (Berman et al. 2018, arXiv:1705.08790): of hinge errors (K = 1) or of |t - p|."""
    valid = _valid(target).flatten()  # (P,), P = N H W
    truth = _one_hot(target, logits.shape[1]).flatten(1)  # (K, P)
    x = logits.float().movedim(1, 0).flatten(1)
    per_pixel = (1 - x.where(truth, -x)).relu() if len(x) == 1 else (truth.float() - x.softmax(0)).abs()
    errors, order = (per_pixel * valid).sort(dim=1, descending=True, stable=True)
    hit = truth.gather(1, order).long()
    true = hit.sum(1, keepdim=True)
    overlap, union = true - hit.cumsum(1), true + (1 - hit).cumsum(1)  # once the first 1, 2, ... pixels are wrong
    # What 1 - IoU rises by with each wrong pixel; as differences of quotients it would lose half of its digits.
    rise = (1 / union).where(hit == 1, overlap / (union * (union - 1).clamp(min=1)))
    rise[:, 0] += true[:, 0] == 0
    return _mean((errors * rise).sum(1), true[:, 0])


def bce_dice(logits: Tensor, target: Tensor, class_weights: Sequence[float] = ()) -> Tensor:
    """Binary cross-entropy + Dice loss."""
    return bce(logits, target, class_weights) + dice(logits, target)


def cross_entropy_dice(logits: Tensor, target: Tensor, class_weights: Sequence[float] = ()) -> Tensor:
    """Cross-entropy + Dice loss."""
    return cross_entropy(logits, target, class_weights) + dice(logits, target)


def focal_dice(
    logits: Tensor,
    target: Tensor,
    focal_gamma: float = 2.0,
    focal_alpha: float = 0.25,
    class_weights: Sequence[float] = (),
) -> Tensor:
    """Focal loss + Dice loss."""
    return focal(logits, target, focal_gamma, focal_alpha, class_weights) + dice(logits, target)


def deep(loss: LossFunction, outputs: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
    """The loss of logits (N, K, H, W), or of several sizes of them: full, half, quarter, ... (deep supervision).

    The mean with weights 1, 1/2, 1/4, ... (Isensee et al. 2021, nnU-Net). Level i is compared with each 2^i-th pixel of
    the target, the nearest one; what a level has beyond the image (the model's padding) is cut away.
    """
    import torch

    if isinstance(outputs, torch.Tensor):
        return loss(outputs, target)
    parts, shares = [], [0.5**level for level in range(len(outputs))]
    for level, logits in enumerate(outputs):
        smaller = target[:, :: 2**level, :: 2**level]
        height, width = map(min, zip(smaller.shape[-2:], logits.shape[-2:], strict=True))
        parts.append(shares[level] * loss(logits[..., :height, :width], smaller[..., :height, :width]))
    return torch.stack(parts).sum() / sum(shares)


def _valid(target: Tensor) -> Tensor:
    """The pixels that count, bool in the shape of the target."""
    from unet_core.data.masks.coding import IGNORE

    return target != IGNORE


def _amount(target: Tensor, weights: Tensor | None = None) -> Tensor:
    """How many pixels count, or their summed weights; never 0."""
    valid = _valid(target)
    if weights is None:
        return valid.sum().clamp(min=1)
    return (weights[target.where(valid, 0)] * valid).sum().clamp(min=1e-6)


def _one_hot(target: Tensor, classes: int) -> Tensor:
    """(N, H, W) to (K, N, H, W) bool: the pixels of each class, for K = 1 those of the foreground."""
    import torch

    first = 0 if classes > 1 else 1
    return target == torch.arange(first, first + classes, device=target.device).view(-1, 1, 1, 1)


def _sums(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Over the counted pixels of the batch, (K,) each: sum(p t), sum(p), sum(t)."""
    valid = _valid(target).unsqueeze(1)
    p = logits.float().sigmoid() if logits.shape[1] == 1 else logits.float().softmax(1)
    t = _one_hot(target, logits.shape[1]).movedim(0, 1).float()
    p = p * valid
    over = (0, 2, 3)
    return (p * t).sum(over), p.sum(over), t.sum(over)


def _tversky(logits: Tensor, target: Tensor, alpha: float, beta: float) -> tuple[Tensor, Tensor]:
    """1 - the Tversky index of each class, and its pixels, (K,) each."""
    overlap, predicted, true = _sums(logits, target)
    total = overlap + alpha * (predicted - overlap) + beta * (true - overlap)
    return 1 - (overlap + DICE_SMOOTH) / (total + DICE_SMOOTH), true


def _mean(per_class: Tensor, true: Tensor) -> Tensor:
    """Over the classes (K,) that have true pixels; for K = 1 the foreground's, whether it has some or not."""
    if len(per_class) == 1:
        return per_class[0]
    present = (true > 0).float()
    return (per_class * present).sum() / present.sum().clamp(min=1)


@dataclass(frozen=True)
class Loss:
    """One entry of LOSSES: its function, what menus say of it, and which models it fits."""

    function: Callable[..., Tensor]  # of logits, target and any settings by their names
    description: str
    binary: bool = False  # fits a model of one output class
    multiclass: bool = False  # fits a model of several
    label: str = ""  # as menus show it; "" = its name as words

    @property
    def weighted(self) -> bool:
        """Whether it takes class weights."""
        return "class_weights" in signature(self.function).parameters


_BOTH = {"binary": True, "multiclass": True}
LOSSES: dict[str, Loss] = {
    "bce": Loss(bce, "binary cross-entropy", binary=True, label="Binary cross-entropy"),
    "dice": Loss(dice, "1 - soft Dice, insensitive to the size of the background", **_BOTH, label="Dice"),
    "bce_dice": Loss(
        bce_dice,
        "binary cross-entropy + Dice, the usual choice for binary segmentation",
        binary=True,
        label="Binary cross-entropy + Dice",
    ),
    "cross_entropy": Loss(cross_entropy, "multiclass cross-entropy", multiclass=True, label="Cross-entropy"),
    "cross_entropy_dice": Loss(
        cross_entropy_dice,
        "cross-entropy + Dice, the usual choice for multiclass segmentation",
        multiclass=True,
        label="Cross-entropy + Dice",
    ),
    "iou": Loss(
        iou, "1 - soft IoU (Jaccard), penalizes partial overlap more than Dice", **_BOTH, label="IoU (Jaccard)"
    ),
    "focal": Loss(focal, "cross-entropy with less weight on well-classified pixels (Lin 2017)", **_BOTH, label="Focal"),
    "focal_dice": Loss(focal_dice, "focal + Dice", **_BOTH, label="Focal + Dice"),
    "tversky": Loss(
        tversky,
        "Dice with separate weights for false positives and false negatives (Salehi 2017)",
        **_BOTH,
        label="Tversky",
    ),
    "focal_tversky": Loss(
        focal_tversky,
        "Tversky loss to the power of 3/4, for small objects (Abraham and Khan 2019)",
        **_BOTH,
        label="Focal Tversky",
    ),
    "lovasz": Loss(lovasz, "convex surrogate of the IoU (Berman 2018), for the last epochs", **_BOTH, label="Lovász"),
}


def fitting(num_classes: int) -> list[str]:
    """The names of the losses that fit a number of output classes."""
    return [name for name, loss in LOSSES.items() if (loss.binary if num_classes == 1 else loss.multiclass)]


def named(name: str, num_classes: int) -> str:
    """The name itself, of "auto" that of the usual loss. Raises ConfigError where it does not fit the classes."""
    if name == "auto":
        return "bce_dice" if num_classes == 1 else "cross_entropy_dice"
    if name not in fitting(num_classes):
        raise ConfigError(
            f"The loss {name!r} does not fit {num_classes} output class{'es' * (num_classes > 1)}. "
            f"Use one of {', '.join(fitting(num_classes))}."
        )
    return name


def choose(
    name: str, num_classes: int, settings: TrainConfig | None = None, class_weights: Sequence[float] = ()
) -> LossFunction:
    """The function of a name with those settings that it takes, by default the papers' own. Raises ConfigError."""
    function = LOSSES[named(name, num_classes)].function
    if settings is None:
        return function
    values = settings.to_dict() | {"class_weights": tuple(class_weights)}
    return partial(function, **{key: values[key] for key in signature(function).parameters if key in values})
