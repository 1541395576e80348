"""Why a training met a number that is not finite: the checks in their order, each with what to do about it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unet_core.data.masks.coding import IGNORE
from unet_core.data.sampling import Batch
from unet_core.device import FORMATS
from unet_core.errors import listing

LARGE = 100.0  # no weight of a model that learns gets so large
RISE = 1.5  # how much the loss of the later half of the last steps must be above that of the earlier half


@dataclass(frozen=True)
class Evidence:
    """What is known at the step that failed; `logits` is empty where the forward pass was not reached."""

    batch: Batch
    num_classes: int
    logits: Sequence[Tensor]
    model: nn.Module
    precision: str
    peak_lr: float
    losses: Sequence[float]  # of the steps before, the latest last

    @property
    def largest_weight(self) -> float:
        """Infinite where one is not finite."""
        largest = float(torch.stack([parameter.detach().abs().max() for parameter in self.model.parameters()]).max())
        return largest if math.isfinite(largest) else math.inf


def diagnose(evidence: Evidence) -> str:
    """The first cause that can be seen, and its remedy."""
    return next(filter(None, (check(evidence) for check in CHECKS)), _unknown(evidence))


def unknown_classes(target: Tensor, num_classes: int) -> list[int]:
    """The values of a target (N, H, W) that are no class; K = 1 has the classes 0 and 1."""
    wrong = (target < 0) | (target >= max(2, num_classes)) & (target != IGNORE)
    return sorted(set(target[wrong].tolist()))


def _images(evidence: Evidence) -> str:
    finite = evidence.batch.images.isfinite().flatten(1).all(1).tolist()
    bad = {id_ for id_, good in zip(evidence.batch.ids, finite, strict=True) if not good}
    if not bad:
        return ""
    return f"Cause: pixels that are NaN or infinite in the image {listing(sorted(bad))}. Repair it or take it out."


def _masks(evidence: Evidence) -> str:
    wrong = unknown_classes(evidence.batch.target, evidence.num_classes)
    if not wrong:
        return ""
    return (
        f"Cause: masks with the class {listing([str(value) for value in wrong])}, but the model has the classes 0 to "
        f"{max(2, evidence.num_classes) - 1}. A mask of 0 and 255 holds no class indices: set num_classes to 1 for "
        f"it, else num_classes to {max(wrong) + 1} or the unlabeled value as ignore_index."
    )


def _overflow(evidence: Evidence) -> str:
    bad = sum(int((~logits.isfinite()).sum()) for logits in evidence.logits)
    if not bad or evidence.precision == "fp32" or evidence.largest_weight > LARGE:
        return ""
    values = torch.cat([logits.detach().float().flatten() for logits in evidence.logits])
    finite = values[values.isfinite()].abs()
    largest = f"the largest of the others is {float(finite.max()):.3g}" if len(finite) else "no other is left"
    return (
        f"Cause: overflow in {evidence.precision}, which ends at {torch.finfo(FORMATS[evidence.precision]).max:.3g}: "
        f"max |logit| is infinite or NaN at {bad} of {len(values)} logits, {largest}. Train in precision fp32."
    )


def _rate(evidence: Evidence) -> str:
    symptoms = []
    half = len(evidence.losses) // 2
    if half >= 2:
        before, after = (sum(part) / len(part) for part in (evidence.losses[:half], evidence.losses[half:]))
        if after > RISE * before > 0:
            symptoms.append(f"the loss rose from {before:.3g} to {after:.3g} in the last {len(evidence.losses)} steps")
    if evidence.largest_weight > LARGE:
        symptoms.append(f"the largest weight is {evidence.largest_weight:.3g}")
    if not symptoms:
        return ""
    return (
        f"Cause: the learning rate is too high, {' and '.join(symptoms)}. Take a lower learning rate "
        f"(lr {evidence.peak_lr / 10:g}), or cut long gradients (clip_norm 1)."
    )


def _unknown(evidence: Evidence) -> str:
    return (
        "No cause is to be seen in images, masks, logits and weights. Try a lower learning rate "
        f"(lr {evidence.peak_lr / 10:g}) or precision fp32, and look at these images."
    )


CHECKS = (_images, _masks, _overflow, _rate)
