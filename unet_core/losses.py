"""Losses: functions of logits (N, K, H, W) and target (N, H, W) int64 class indices to a scalar, lower is better.

Pixels whose target is `masks.IGNORE` change neither value nor gradient; with nothing left to count the loss is 0.
All are computed in float32, whatever autocast gave. The overlap losses (Dice, IoU, Tversky, Lovász) pool the whole
batch: that of the foreground (K = 1), or the mean over the classes that the target holds. Further arguments have the
names of their settings; `class_weights` has one for each class, for K = 1 (background, foreground), or () for none.
"""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature

import torch
from torch import Tensor
from torch.nn import functional as F

from unet_core.config.schema import TrainConfig
from unet_core.data.label_map import IGNORE
from unet_core.errors import ConfigError

Loss = Callable[[Tensor, Tensor], Tensor]

DICE_SMOOTH = 1.0  # pixels added above and below: a batch with no foreground and none predicted has loss 0, not 0/0
FOCAL_TVERSKY_POWER = 3 / 4  # 1 / gamma of Abraham and Khan
FLAT = 1e-9  # below it the focal Tversky loss is 0: its slope has a pole there


def bce(logits: Tensor, target: Tensor, class_weights: Sequence[float] = ()) -> Tensor:
    """Binary cross-entropy, the mean over counted pixels; weighted by torch's `pos_weight`. K must be 1."""
    x = logits.float()[:, 0]
    valid = target != IGNORE
    ratio = x.new_tensor(class_weights[1] / class_weights[0]) if class_weights else None
    each = F.binary_cross_entropy_with_logits(x, (target == 1).float(), reduction="none", pos_weight=ratio)
    return (each * valid).sum() / valid.sum().clamp(min=1)


def cross_entropy(logits: Tensor, target: Tensor, class_weights: Sequence[float] = ()) -> Tensor:
    """Cross-entropy over K > 1 classes, the (weighted) mean over counted pixels."""
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

    For K = 1 times alpha in the foreground and 1 - alpha in the background; to several classes alpha means nothing.
    With gamma 0 it is cross-entropy, weighted alike. 1 - p is taken in logarithms: no pole at p = 1 for any gamma.
    """
    x = logits.float()
    valid = target != IGNORE
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
        log_rest = log_all.scatter(1, true, -torch.inf).logsumexp(1)
        factor = torch.ones_like(log_p) if weights is None else weights[true[:, 0]]
        amount = _amount(target, weights)
    each = -factor * (focal_gamma * log_rest).exp() * log_p
    return (each * valid).sum() / amount


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), after Milletari et al. 2016 (arXiv:1606.04797) without squares."""
    overlap, found, wanted = _sums(logits, target)
    return _mean(1 - (2 * overlap + DICE_SMOOTH) / (found + wanted + DICE_SMOOTH), wanted)


def iou(logits: Tensor, target: Tensor) -> Tensor:
    """1 - (sum(p t) + 1) / (sum(p) + sum(t) - sum(p t) + 1), the soft Jaccard of Rahman and Wang 2016 (ISVC)."""
    overlap, found, wanted = _sums(logits, target)
    return _mean(1 - (overlap + DICE_SMOOTH) / (found + wanted - overlap + DICE_SMOOTH), wanted)


def tversky(logits: Tensor, target: Tensor, tversky_alpha: float = 0.3, tversky_beta: float = 0.7) -> Tensor:
    """1 - (tp + 1) / (tp + alpha fp + beta fn + 1), after Salehi et al. 2017 (arXiv:1706.05721)."""
    each, wanted = _tversky(logits, target, tversky_alpha, tversky_beta)
    return _mean(each, wanted)


def focal_tversky(logits: Tensor, target: Tensor, tversky_alpha: float = 0.3, tversky_beta: float = 0.7) -> Tensor:
    """The Tversky loss of each class to the power of 3/4 (Abraham and Khan 2019, arXiv:1810.07842; gamma = 4/3)."""
    each, wanted = _tversky(logits, target, tversky_alpha, tversky_beta)
    return _mean(torch.where(each > FLAT, each.clamp(min=FLAT) ** FOCAL_TVERSKY_POWER, 0), wanted)


def lovasz(logits: Tensor, target: Tensor) -> Tensor:
    """The Lovász extension of 1 - IoU (Berman et al. 2018, arXiv:1705.08790): of hinge errors (K = 1) or of |t - p|."""
    valid = (target != IGNORE).flatten()  # (P,), P = N H W
    truth = _one_hot(target, logits.shape[1]).flatten(1)  # (K, P)
    x = logits.float().movedim(1, 0).flatten(1)
    each = (1 - x.where(truth, -x)).relu() if len(x) == 1 else (truth.float() - x.softmax(0)).abs()
    errors, order = (each * valid).sort(dim=1, descending=True, stable=True)
    hit = truth.gather(1, order).long()
    wanted = hit.sum(1, keepdim=True)
    overlap, union = wanted - hit.cumsum(1), wanted + (1 - hit).cumsum(1)  # once the first 1, 2, ... pixels are wrong
    # What 1 - IoU rises by with each wrong pixel; as differences of quotients it would lose half of its digits.
    rise = torch.where(hit == 1, 1 / union, overlap / (union * (union - 1).clamp(min=1)))
    rise[:, 0] += wanted[:, 0] == 0
    return _mean((errors * rise).sum(1), wanted[:, 0])


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


def deep(loss: Loss, outputs: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
    """The loss of logits (N, K, H, W), or of several sizes of them: full, half, quarter, ... (deep supervision).

    The mean with weights 1, 1/2, 1/4, ... (Isensee et al. 2021, nnU-Net). Level i is compared with each 2^i-th pixel of
    the target, the nearest one; what a level has beyond the picture (the net's padding) is cut away.
    """
    if isinstance(outputs, Tensor):
        return loss(outputs, target)
    parts, shares = [], [0.5**level for level in range(len(outputs))]
    for level, logits in enumerate(outputs):
        smaller = target[:, :: 2**level, :: 2**level]
        height, width = map(min, zip(smaller.shape[-2:], logits.shape[-2:], strict=True))
        parts.append(shares[level] * loss(logits[..., :height, :width], smaller[..., :height, :width]))
    return torch.stack(parts).sum() / sum(shares)


def _amount(target: Tensor, weights: Tensor | None = None) -> Tensor:
    """How many pixels count, or their summed weights; never 0."""
    valid = target != IGNORE
    if weights is None:
        return valid.sum().clamp(min=1)
    return (weights[target.where(valid, 0)] * valid).sum().clamp(min=1e-6)


def _one_hot(target: Tensor, classes: int) -> Tensor:
    """(N, H, W) to (K, N, H, W) bool: the pixels of each class, for K = 1 those of the foreground."""
    first = 0 if classes > 1 else 1
    return target == torch.arange(first, first + classes, device=target.device).view(-1, 1, 1, 1)


def _sums(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Over the counted pixels of the batch, (K,) each: sum(p t), sum(p), sum(t)."""
    valid = (target != IGNORE).unsqueeze(1)
    p = logits.float().sigmoid() if logits.shape[1] == 1 else logits.float().softmax(1)
    t = _one_hot(target, logits.shape[1]).movedim(0, 1).float()
    p = p * valid
    over = (0, 2, 3)
    return (p * t).sum(over), p.sum(over), t.sum(over)


def _tversky(logits: Tensor, target: Tensor, alpha: float, beta: float) -> tuple[Tensor, Tensor]:
    """1 - the Tversky index of each class, and its pixels, (K,) each."""
    overlap, found, wanted = _sums(logits, target)
    total = overlap + alpha * (found - overlap) + beta * (wanted - overlap)
    return 1 - (overlap + DICE_SMOOTH) / (total + DICE_SMOOTH), wanted


def _mean(each: Tensor, wanted: Tensor) -> Tensor:
    """Over the classes (K,) that the target holds; for K = 1 the foreground's, whether it is there or not."""
    if len(each) == 1:
        return each[0]
    present = (wanted > 0).float()
    return (each * present).sum() / present.sum().clamp(min=1)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "bce": bce,
    "dice": dice,
    "bce_dice": bce_dice,
    "cross_entropy": cross_entropy,
    "cross_entropy_dice": cross_entropy_dice,
    "iou": iou,
    "focal": focal,
    "focal_dice": focal_dice,
    "tversky": tversky,
    "focal_tversky": focal_tversky,
    "lovasz": lovasz,
}
OF_ANY = ("dice", "iou", "focal", "focal_dice", "tversky", "focal_tversky", "lovasz")
BINARY = ("bce", "bce_dice", *OF_ANY)
MULTICLASS = ("cross_entropy", "cross_entropy_dice", *OF_ANY)
WEIGHTED = tuple(name for name, loss in LOSSES.items() if "class_weights" in signature(loss).parameters)


def named(name: str, num_classes: int) -> str:
    """The name itself, of "auto" that of the usual loss. Raises ConfigError where it does not fit the classes."""
    fitting = BINARY if num_classes == 1 else MULTICLASS
    if name == "auto":
        return "bce_dice" if num_classes == 1 else "cross_entropy_dice"
    if name not in fitting:
        raise ConfigError(
            f"The loss {name!r} does not fit {num_classes} output class{'es' * (num_classes > 1)}; "
            f"take one of {', '.join(fitting)}."
        )
    return name


def choose(
    name: str, num_classes: int, settings: TrainConfig | None = None, class_weights: Sequence[float] = ()
) -> Loss:
    """The function of a name with those settings that it takes, by default the papers' own. Raises ConfigError."""
    loss = LOSSES[named(name, num_classes)]
    if settings is None:
        return loss
    given = settings.to_dict() | {"class_weights": tuple(class_weights)}
    return partial(loss, **{key: given[key] for key in signature(loss).parameters if key in given})
