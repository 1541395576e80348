"""Losses: tables by hand, independent references, and what every entry of LOSSES must keep to."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from monai.losses import DiceLoss, FocalLoss, TverskyLoss
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.segmentation import dice_score

from unet_core import losses
from unet_core.config import choices
from unet_core.config.schema import TrainConfig
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import ConfigError
from unet_core.losses import LOSSES, choose, fitting

BINARY, MULTICLASS = fitting(1), fitting(2)
LN3 = math.log(3)  # its sigmoid is 3/4
EVERY = [(name, 1) for name in BINARY] + [(name, 3) for name in MULTICLASS]
every_loss = pytest.mark.parametrize(("name", "classes"), EVERY)


def labels(classes: int) -> int:
    return max(classes, 2)


def random_case(classes: int, ignored: float = 0.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """logits (2, K, 6, 7) and a target that holds every class."""
    source = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, classes, 6, 7, generator=source)
    target = torch.randint(labels(classes), (2, 6, 7), generator=source)
    target[torch.rand(2, 6, 7, generator=source) < ignored] = IGNORE
    return logits, target


def sure(target: Tensor, classes: int, size: float = 1e4) -> Tensor:
    """Logits of a net that is sure of exactly this target."""
    if classes == 1:
        return torch.where(target == 1, size, -size)[:, None]
    return size * F.one_hot(target.where(target != IGNORE, 0), classes).movedim(-1, 1).float()


def with_gradient(name: str, logits: Tensor, target: Tensor, **arguments: object) -> tuple[Tensor, Tensor]:
    leaf = logits.clone().requires_grad_()
    value = LOSSES[name].function(leaf, target, **arguments)
    value.backward()
    assert leaf.grad is not None
    return value.detach(), leaf.grad


def binary(*logits: float) -> Tensor:
    return torch.tensor(logits).reshape(1, 1, 1, -1)


def row(*classes: int) -> Tensor:
    return torch.tensor(classes).reshape(1, 1, -1)


# By hand ------------------------------------------------------------------------------------------------------------

TWO_CLASSES = torch.tensor([[0.0, LN3, 0.0], [0.0, 0.0, LN3]]).reshape(1, 2, 1, 3)  # p(class 1): 1/2, 1/4, 3/4


@pytest.mark.parametrize(
    ("name", "logits", "target", "expected"),
    [
        ("bce", binary(0.0), row(1), math.log(2)),
        ("bce", binary(LN3), row(1), -math.log(0.75)),
        ("bce", binary(LN3, LN3), row(0, 1), -(math.log(0.25) + math.log(0.75)) / 2),
        ("bce", binary(LN3, LN3), row(IGNORE, 1), -math.log(0.75)),
        ("dice", binary(0.0, 0.0), row(1, 0), 1 - (2 * 0.5 + 1) / (1 + 1 + 1)),
        ("dice", binary(LN3, -LN3), row(1, 0), 1 - (2 * 0.75 + 1) / (1 + 1 + 1)),
        ("dice", binary(LN3, -LN3, 99.0), row(1, 0, IGNORE), 1 - (2 * 0.75 + 1) / (1 + 1 + 1)),
        ("dice", binary(0.0, 0.0), row(0, 0), 1 - 1 / (1 + 1)),
        ("bce_dice", binary(0.0, 0.0), row(1, 0), math.log(2) + 1 / 3),
        ("cross_entropy", TWO_CLASSES, row(0, 0, 0), -(math.log(0.5) + math.log(0.75) + math.log(0.25)) / 3),
        ("cross_entropy", TWO_CLASSES, row(0, IGNORE, 1), -(math.log(0.5) + math.log(0.75)) / 2),
        # class 0: p 1/2, 3/4, 1/4 against 1, 1, 0; class 1: p 1/2, 1/4, 3/4 against 0, 0, 1
        ("dice", TWO_CLASSES, row(0, 0, 1), 1 - ((2.5 + 1) / (3.5 + 1) + (1.5 + 1) / (2.5 + 1)) / 2),
        ("dice", TWO_CLASSES, row(0, 0, 0), 1 - (2 * 1.5 + 1) / (1.5 + 3 + 1)),  # class 1 is not in the target
        ("cross_entropy_dice", TWO_CLASSES, row(0, 0, 0), 1.5 / 5.5 - math.log(0.5 * 0.75 * 0.25) / 3),
        ("iou", binary(LN3, -LN3), row(1, 0), 1 - (0.75 + 1) / (1 + 1 - 0.75 + 1)),
        ("iou", TWO_CLASSES, row(0, 0, 1), 1 - (2.25 / 3.25 + 1.75 / 2.75) / 2),
        ("focal", binary(LN3, LN3), row(1, 0), -(0.25 / 16 * math.log(0.75) + 0.75 * 9 / 16 * math.log(0.25)) / 2),
        ("focal", TWO_CLASSES, row(IGNORE, 0, 0), -(0.25**2 * math.log(0.75) + 0.75**2 * math.log(0.25)) / 2),
        ("focal_dice", binary(0.0, 0.0), row(1, 0), 0.25 * math.log(2) * (0.25 + 0.75) / 2 + 1 / 3),
        # tp 3/4, fp 1/4, fn 1/4
        ("tversky", binary(LN3, -LN3), row(1, 0), 1 - 1.75 / (0.75 + 0.3 * 0.25 + 0.7 * 0.25 + 1)),
        ("focal_tversky", binary(LN3, -LN3), row(1, 0), (1 - 1.75 / 2) ** 0.75),
        # the worst pixel alone makes an IoU of 0 of 1, the second adds nothing; hinge 1 + LN3 and 1 - LN3 < 0
        ("lovasz", binary(LN3, LN3), row(0, 0), 1 + LN3),
        ("lovasz", binary(-LN3, LN3), row(1, 1), (1 + LN3) / 2),
        # class 0: wrong by 1/2, 1/4, 1/4 on true, true, false: 1/2 1/2 + 1/2 1/4; class 1: 1/2, 1/4, 1/4 on f, f, true
        ("lovasz", TWO_CLASSES, row(0, 0, 1), (3 / 8 + 1 / 4 + 1 / 4 * 1 / 2) / 2),
    ],
)
def test_tables_by_hand(name: str, logits: Tensor, target: Tensor, expected: float) -> None:
    assert LOSSES[name].function(logits, target).item() == pytest.approx(expected, abs=1e-6)


# Against other libraries --------------------------------------------------------------------------------------------


def monai(kind: Callable[..., Callable[..., Tensor]], power: float = 1.0, **settings: object) -> Callable[..., Tensor]:
    """A loss of MONAI over logits (1, K, P) and target (1, P), float64, each class to a power."""

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        classes = logits.shape[1]
        truth = target[:, None] if classes == 1 else F.one_hot(target, classes).movedim(-1, 1)
        last = {"use_softmax": classes > 1} if kind is FocalLoss else {"softmax" if classes > 1 else "sigmoid": True}
        if kind is FocalLoss:  # its own mean is over pixels and classes, and its alpha one of the background too
            alpha = settings["alpha"] if classes == 1 else None
            return kind(**{**settings, "alpha": alpha}, **last, reduction="none")(logits, truth).sum() / target.numel()
        return (kind(**settings, **last, batch=True, reduction="none")(logits, truth) ** power).mean()

    return loss


def lovasz_by_definition(logits: Tensor, target: Tensor) -> Tensor:
    """Equations 6, 8 and 10 of the paper: sum of sorted errors times what each adds to |M| / |truth or M|."""
    total = []
    for c in range(logits.shape[1]):
        truth = [int(value) == (c if logits.shape[1] > 1 else 1) for value in target[0]]
        if logits.shape[1] == 1:
            errors = [(1 - x if t else 1 + x).clamp(min=0) for x, t in zip(logits[0, 0], truth, strict=True)]
        else:
            errors = [1 - p if t else p for p, t in zip(logits.softmax(1)[0, c], truth, strict=True)]
        order = sorted(range(len(errors)), key=lambda i: -errors[i].item())
        positives = {i for i, t in enumerate(truth) if t}
        value, before, wrong = torch.zeros((), dtype=logits.dtype), 0.0, set()
        for i in order:
            wrong.add(i)
            now = len(wrong) / len(positives | wrong)
            value, before = value + errors[i] * (now - before), now
        total.append(value)
    return torch.stack(total).mean()


def bce_by_definition(logits: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy(logits[:, 0].sigmoid(), target.to(logits.dtype))


def cross_entropy_by_definition(logits: Tensor, target: Tensor) -> Tensor:
    return F.nll_loss(logits.softmax(1).log(), target)


def both(first: Callable[..., Tensor], second: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda logits, target: first(logits, target) + second(logits, target)


MONAI_DICE = monai(DiceLoss, smooth_nr=1, smooth_dr=1)
MONAI_FOCAL = monai(FocalLoss, gamma=2.0, alpha=0.25)
REFERENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bce": bce_by_definition,
    "cross_entropy": cross_entropy_by_definition,
    "dice": MONAI_DICE,
    "bce_dice": both(bce_by_definition, MONAI_DICE),
    "cross_entropy_dice": both(cross_entropy_by_definition, MONAI_DICE),
    "iou": monai(DiceLoss, jaccard=True, smooth_nr=2, smooth_dr=2),  # it counts both twice
    "focal": MONAI_FOCAL,
    "focal_dice": both(MONAI_FOCAL, MONAI_DICE),
    "tversky": monai(TverskyLoss, alpha=0.3, beta=0.7, smooth_nr=1, smooth_dr=1),
    "focal_tversky": monai(TverskyLoss, power=0.75, alpha=0.3, beta=0.7, smooth_nr=1, smooth_dr=1),
    "lovasz": lovasz_by_definition,
}


@every_loss
@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_equal_an_independent_implementation(
    name: str, classes: int, ignored: float, seed: int
) -> None:
    """In float64 over the counted pixels alone; the batch as one image, because the losses pool it."""
    logits, target = random_case(classes, ignored, seed)
    leaf = logits.double().requires_grad_()
    counted = target != IGNORE
    expected = REFERENCES[name](leaf.movedim(1, 0)[:, counted][None], target[counted][None])
    expected.backward()
    assert leaf.grad is not None
    value, gradient = with_gradient(name, logits, target)
    torch.testing.assert_close(value.double(), expected.detach().double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(gradient.double(), leaf.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("classes", [1, 3])
def test_focal_of_any_gamma_and_weights_by_definition(gamma: float, classes: int) -> None:
    logits, target = random_case(classes, 0.3)
    weights = (0.5, 2.0, 1.5)[: labels(classes)]
    total, amount = 0.0, 0.0
    for x, c in zip(logits.double().movedim(1, -1).reshape(-1, classes), target.flatten().tolist(), strict=True):
        if c == IGNORE:
            continue
        if classes == 1:
            p = 1 / (1 + math.exp(-x.item()))
            p, factor = (p, 0.4 * weights[1] / weights[0]) if c == 1 else (1 - p, 0.6)
        else:
            p, factor = math.exp(x[c]) / sum(math.exp(value) for value in x), weights[c]
        total -= factor * (1 - p) ** gamma * math.log(p)
        amount += 1 if classes == 1 else factor
    value = losses.focal(logits, target, focal_gamma=gamma, focal_alpha=0.4, class_weights=weights)
    assert value.item() == pytest.approx(total / amount, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("classes", [1, 3])
def test_focal_has_no_pole_where_the_net_is_right(gamma: float, classes: int) -> None:
    _, target = random_case(classes)
    for size in (20.0, 200.0, 1e4):
        value, gradient = with_gradient("focal", sure(target, classes, size), target, focal_gamma=gamma)
        assert value.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_weighted_cross_entropies_equal_their_definition(ignored: float) -> None:
    weights = [0.5, 2.0, 1.5, 0.1]
    logits, target = random_case(4, ignored)
    expected = F.nll_loss(logits.log_softmax(1), target, torch.tensor(weights), ignore_index=IGNORE)
    torch.testing.assert_close(losses.cross_entropy(logits, target, weights), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(losses.focal(logits, target, 0.0, class_weights=weights), expected, rtol=0, atol=1e-6)
    logits, target = random_case(1, ignored)
    counted = target != IGNORE
    p, t = logits[:, 0][counted].sigmoid(), target[counted]
    expected = -(4.0 * t * p.log() + (1 - t) * (1 - p).log()).mean()  # 2 / 0.5
    torch.testing.assert_close(losses.bce(logits, target, (0.5, 2.0)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("alpha", "beta", "other"), [(1.0, 1.0, losses.iou), (0.5, 0.5, losses.dice)])
@pytest.mark.parametrize("classes", [1, 3])
def test_tversky_holds_iou_and_dice(
    alpha: float, beta: float, other: Callable[[Tensor, Tensor], Tensor], classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "DICE_SMOOTH", 0.0)
    logits, target = random_case(classes, 0.3)
    torch.testing.assert_close(losses.tversky(logits, target, alpha, beta), other(logits, target))


@pytest.mark.parametrize("classes", [1, 3])
def test_lovasz_of_a_sure_net_is_one_minus_iou(classes: int) -> None:
    _, target = random_case(classes)
    _, pred = random_case(classes, seed=9)
    found = losses.lovasz(sure(pred, classes, 1.0 if classes == 1 else 1e4), target)
    over = [1] if classes == 1 else range(classes)
    ious = [((pred == c) & (target == c)).sum() / ((pred == c) | (target == c)).sum() for c in over]
    expected = 1 - torch.stack(ious).mean()
    # A hinge error is 2 where the sign is wrong, and 0 where it is right by 1.
    torch.testing.assert_close(found, expected * (2 if classes == 1 else 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_dice_of_a_sure_net_equals_torchmetrics(classes: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "DICE_SMOOTH", 0.0)
    _, target = random_case(classes, seed=seed)
    _, pred = random_case(classes, seed=seed + 100)
    several = [
        F.one_hot(mask.reshape(1, 1, -1), labels(classes)).movedim(-1, 1) for mask in (pred, target)
    ]  # the batch as one image, because the loss pools it
    each = dice_score(*several, num_classes=labels(classes), average="none", input_format="one-hot")[0]
    expected = 1 - (each[1] if classes == 1 else each.mean())
    torch.testing.assert_close(losses.dice(sure(pred, classes), target), expected, rtol=0, atol=1e-6)


@every_loss
def test_the_batch_is_pooled_before_it_is_divided(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    as_one = LOSSES[name].function(torch.cat([*logits], 1)[None], torch.cat([*target])[None])
    torch.testing.assert_close(LOSSES[name].function(logits, target), as_one)


# What every loss keeps to -------------------------------------------------------------------------------------------


def test_the_registry_holds_what_the_settings_offer() -> None:
    assert set(LOSSES) == set(choices.LOSSES) - {"auto"}
    assert set(BINARY) | set(MULTICLASS) == set(LOSSES) == set(REFERENCES)


@every_loss
def test_gives_a_float32_scalar_that_learns(name: str, classes: int) -> None:
    value, gradient = with_gradient(name, *random_case(classes))
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value > 0
    assert gradient.any()


@every_loss
def test_perfect_is_zero_and_worse_is_more(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    wrong = torch.where(target == IGNORE, IGNORE, (target + 1) % labels(classes))
    perfect, unsure, bad = (
        LOSSES[name].function(x, target).item() for x in (sure(target, classes), logits, sure(wrong, classes))
    )
    assert perfect == pytest.approx(0, abs=1e-6)
    assert perfect < unsure < bad


@every_loss
def test_gradient_points_the_right_way(name: str, classes: int) -> None:
    """A small step down the gradient lowers the loss by as much as the gradient says (central differences)."""
    logits, target = random_case(classes, 0.2)
    _, gradient = with_gradient(name, logits, target)
    step = 1e-2 * gradient / gradient.norm()
    change = LOSSES[name].function(logits + step, target) - LOSSES[name].function(logits - step, target)
    assert change.item() == pytest.approx(2e-2 * gradient.norm().item(), rel=2e-2)


@every_loss
def test_ignored_pixels_change_neither_value_nor_gradient(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.4)
    ignored = (target == IGNORE)[:, None].expand_as(logits)
    assert ignored.any()
    value, gradient = with_gradient(name, logits, target)
    assert not gradient[ignored].any()
    for anything in (0.0, -1e4, 1e4, 3.0 * torch.arange(logits.numel()).reshape(logits.shape)):
        other_value, other_gradient = with_gradient(name, torch.where(ignored, anything, logits), target)
        torch.testing.assert_close(other_value, value, rtol=0, atol=1e-7)
        torch.testing.assert_close(other_gradient, gradient, rtol=0, atol=1e-7)


@every_loss
def test_ignored_pixels_are_as_good_as_cut_away(name: str, classes: int) -> None:
    logits, target = random_case(classes)
    target[:, 4:] = IGNORE
    torch.testing.assert_close(
        LOSSES[name].function(logits, target), LOSSES[name].function(logits[:, :, :4], target[:, :4])
    )


@every_loss
@pytest.mark.parametrize("value", [0, 1, IGNORE], ids=["all empty", "all full", "all ignored"])
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4, -1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_stays_finite_at_the_edges(name: str, classes: int, value: int, size: float, dtype: torch.dtype) -> None:
    logits = size * torch.randn(2, classes, 4, 4, generator=torch.Generator().manual_seed(0)).sign()
    loss, gradient = with_gradient(name, logits.to(dtype), torch.full((2, 4, 4), value))
    assert loss.isfinite()
    assert gradient.isfinite().all()
    assert gradient.dtype == dtype
    if value == IGNORE:
        assert loss == 0
        assert not gradient.any()


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_logits_are_computed_in_float32(name: str, classes: int, dtype: torch.dtype) -> None:
    logits, target = random_case(classes, 0.2)
    half = logits.to(dtype)
    value = LOSSES[name].function(half, target)
    assert value.dtype == torch.float32
    assert torch.equal(value, LOSSES[name].function(half.float(), target))


@every_loss
def test_a_large_crop_keeps_its_precision(name: str, classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums over 250,000 pixels in float32 against the same picture once."""
    monkeypatch.setattr(losses, "DICE_SMOOTH", 0.0)  # the added pixel weighs less in the larger one
    logits, target = random_case(classes, 0.2)
    large = LOSSES[name].function(logits.repeat(1, 1, 60, 50), target.repeat(1, 60, 50)).item()
    assert large == pytest.approx(LOSSES[name].function(logits, target).item(), rel=1e-5)


@pytest.mark.parametrize(("name", "classes"), [(name, classes) for name, classes in EVERY if LOSSES[name].weighted])
def test_class_weights_move_the_loss_towards_the_class_that_counts_more(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    equal, weighted = (
        LOSSES[name].function(logits, target, class_weights=weights)
        for weights in ((1.0,) * labels(classes), (1.0, 5.0, 1.0))
    )
    torch.testing.assert_close(equal, LOSSES[name].function(logits, target))
    gradients = [with_gradient(name, logits, target, class_weights=weights)[1] for weights in ((), (1.0, 5.0, 1.0))]
    ratio = [gradient[:, -1 if classes == 1 else 1][target == 1].sum().abs() for gradient in gradients]
    assert ratio[1] > ratio[0]
    assert not torch.equal(weighted, equal)
    nothing = LOSSES[name].function(logits, torch.full_like(target, IGNORE), class_weights=(1.0, 5.0, 1.0))
    assert nothing == 0


# Several outputs ----------------------------------------------------------------------------------------------------


@every_loss
def test_one_output_is_the_loss_itself(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    expected = LOSSES[name].function(logits, target)
    assert torch.equal(losses.deep(LOSSES[name].function, logits, target), expected)
    torch.testing.assert_close(losses.deep(LOSSES[name].function, [logits], target), expected)


def test_several_outputs_are_weighed_by_halves_against_the_nearest_pixels() -> None:
    target = torch.randint(2, (2, 12, 8), generator=torch.Generator().manual_seed(0))
    outputs = [torch.randn(2, 1, 12 // side, 8 // side, requires_grad=True) for side in (1, 2, 4)]
    total = torch.zeros(())
    for logits, weight in zip(outputs, (4 / 7, 2 / 7, 1 / 7), strict=True):
        nearest = F.interpolate(target[:, None].float(), logits.shape[-2:], mode="nearest")[:, 0].long()
        total = total + weight * losses.bce_dice(logits, nearest)
    found = losses.deep(losses.bce_dice, outputs, target)
    torch.testing.assert_close(found, total)
    found.backward()
    assert all(logits.grad is not None and logits.grad.any() for logits in outputs)


@every_loss
def test_several_outputs_that_are_right_cost_nothing(name: str, classes: int) -> None:
    target = torch.arange(144).reshape(1, 12, 12) // 5 % labels(classes)
    outputs = [sure(target[:, ::side, ::side], classes) for side in (1, 2, 4)]
    assert losses.deep(LOSSES[name].function, outputs, target).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("side", [9, 10, 11, 12, 16, 21, 33])
def test_levels_of_a_padded_picture_are_compared_with_the_pixels_that_they_stand_for(side: int) -> None:
    """The net pads 33 pixels to 48: its level of 24 x 24 stands for every second pixel, of which 17 are real."""
    whole = -(-side // 16) * 16
    target = torch.arange(side * side).reshape(1, side, side) // 3 % 2
    padded = F.pad(target, (0, whole - side, 0, whole - side), value=1)
    outputs = [sure(target, 1)] + [sure(padded[:, ::step, ::step], 1) for step in (2, 4)]
    assert losses.deep(losses.bce, outputs, target).item() == 0


# Choosing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "auto", "fitting"),
    [(1, "bce_dice", BINARY), (2, "cross_entropy_dice", MULTICLASS), (9, "cross_entropy_dice", MULTICLASS)],
)
def test_every_name_of_the_settings_is_chosen_or_refused_with_those_that_fit(
    classes: int, auto: str, fitting: list[str]
) -> None:
    for name in choices.LOSSES:
        if name == "auto":
            assert choose(name, classes) is LOSSES[auto].function
        elif name in fitting:
            assert choose(name, classes) is LOSSES[name].function
        else:
            plural = "" if classes == 1 else "es"
            with pytest.raises(ConfigError) as refused:
                choose(name, classes)
            assert str(refused.value) == (
                f"The loss {name!r} does not fit {classes} output class{plural}. Use one of {', '.join(fitting)}."
            )


def test_settings_reach_the_loss_that_takes_them() -> None:
    logits, target = random_case(1)
    settings = TrainConfig(focal_gamma=1.0, focal_alpha=0.5, tversky_alpha=0.9, tversky_beta=0.2)
    for name, expected in {
        "focal": partial(losses.focal, focal_gamma=1.0, focal_alpha=0.5, class_weights=(1.0, 3.0)),
        "tversky": partial(losses.tversky, tversky_alpha=0.9, tversky_beta=0.2),
        "bce": partial(losses.bce, class_weights=(1.0, 3.0)),
        "dice": losses.dice,
    }.items():
        found = choose(name, 1, settings, (1.0, 3.0))(logits, target)
        assert torch.equal(found, expected(logits, target)), name


@every_loss
def test_the_settings_defaults_are_the_papers(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    assert torch.equal(choose(name, classes, TrainConfig())(logits, target), LOSSES[name].function(logits, target))
