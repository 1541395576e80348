"""Losses: tables by hand, independent references, and what every entry of LOSSES must keep to."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.segmentation import dice_score

from unet_core import config, losses
from unet_core.errors import ConfigError
from unet_core.losses import BINARY, LOSSES, MULTICLASS, choose
from unet_core.masks import IGNORE

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


def with_gradient(name: str, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    leaf = logits.clone().requires_grad_()
    value = LOSSES[name](leaf, target)
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
    ],
)
def test_tables_by_hand(name: str, logits: Tensor, target: Tensor, expected: float) -> None:
    assert LOSSES[name](logits, target).item() == pytest.approx(expected, abs=1e-6)


# Against other libraries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_bce_equals_torch_over_the_counted_pixels(ignored: float) -> None:
    logits, target = random_case(1, ignored)
    counted = target != IGNORE
    expected = F.binary_cross_entropy(logits[:, 0][counted].sigmoid(), target[counted].float())
    torch.testing.assert_close(losses.bce(logits, target), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_cross_entropy_equals_torch(ignored: float) -> None:
    logits, target = random_case(4, ignored)
    expected = F.nll_loss(logits.log_softmax(1), target, ignore_index=IGNORE)
    torch.testing.assert_close(losses.cross_entropy(logits, target), expected, rtol=0, atol=1e-6)


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


@pytest.mark.parametrize("classes", [1, 3])
def test_dice_pools_the_batch_before_it_divides(classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    as_one = losses.dice(torch.cat([*logits], 1)[None], torch.cat([*target])[None])
    torch.testing.assert_close(losses.dice(logits, target), as_one)


# What every loss keeps to -------------------------------------------------------------------------------------------


def test_the_registry_holds_what_the_settings_offer() -> None:
    assert set(LOSSES) == set(config.LOSSES) - {"auto"}
    assert set(BINARY) | set(MULTICLASS) == set(LOSSES)


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
        LOSSES[name](x, target).item() for x in (sure(target, classes), logits, sure(wrong, classes))
    )
    assert perfect == pytest.approx(0, abs=1e-6)
    assert perfect < unsure < bad


@every_loss
def test_gradient_points_the_right_way(name: str, classes: int) -> None:
    """A small step down the gradient lowers the loss by as much as the gradient says (central differences)."""
    logits, target = random_case(classes, 0.2)
    _, gradient = with_gradient(name, logits, target)
    step = 1e-2 * gradient / gradient.norm()
    change = LOSSES[name](logits + step, target) - LOSSES[name](logits - step, target)
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
    torch.testing.assert_close(LOSSES[name](logits, target), LOSSES[name](logits[:, :, :4], target[:, :4]))


@every_loss
@pytest.mark.parametrize("value", [0, 1, IGNORE], ids=["all empty", "all full", "all ignored"])
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4, -1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
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
def test_half_precision_logits_are_computed_in_float32(name: str, classes: int) -> None:
    logits, target = random_case(classes, 0.2)
    half = logits.bfloat16()
    value = LOSSES[name](half, target)
    assert value.dtype == torch.float32
    assert torch.equal(value, LOSSES[name](half.float(), target))


@every_loss
def test_a_large_crop_keeps_its_precision(name: str, classes: int) -> None:
    """Sums over 250,000 pixels in float32 against float64 of the same picture repeated."""
    logits, target = random_case(classes, 0.2)
    large = LOSSES[name](logits.repeat(1, 1, 60, 50), target.repeat(1, 60, 50)).item()
    small = LOSSES[name](logits, target).item()
    smoothing = 2e-2 if "dice" in name else 1e-6  # the added pixel weighs less in the larger one
    assert large == pytest.approx(small, rel=1e-5, abs=smoothing)


# Choosing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "auto", "fitting"),
    [(1, "bce_dice", BINARY), (2, "cross_entropy_dice", MULTICLASS), (9, "cross_entropy_dice", MULTICLASS)],
)
def test_every_name_of_the_settings_is_chosen_or_refused_with_those_that_fit(
    classes: int, auto: str, fitting: tuple[str, ...]
) -> None:
    for name in config.LOSSES:
        if name == "auto":
            assert choose(name, classes) is LOSSES[auto]
        elif name in fitting:
            assert choose(name, classes) is LOSSES[name]
        else:
            plural = "" if classes == 1 else "es"
            with pytest.raises(ConfigError) as refused:
                choose(name, classes)
            assert str(refused.value) == (
                f"The loss {name!r} does not fit {classes} output class{plural}; take one of {', '.join(fitting)}."
            )
