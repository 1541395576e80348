"""The cause of a number that is not finite: each is planted, with the later ones beside it, and named first."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from unet_core.data.masks.coding import IGNORE
from unet_core.data.sampling import Batch
from unet_core.training.divergence import LARGE, Evidence, diagnose, unknown_classes


def evidence(**changes: object) -> Evidence:
    """Of a step in which nothing can be seen."""
    torch.manual_seed(0)
    clean = Evidence(
        batch=Batch(torch.randn(3, 1, 4, 4), torch.randint(2, (3, 4, 4)), ["a", "b", "c"]),
        num_classes=1,
        logits=[torch.randn(3, 1, 4, 4), torch.randn(3, 1, 2, 2)],
        model=nn.Conv2d(1, 1, 3),
        precision="fp32",
        peak_lr=0.02,
        losses=(0.9, 0.8, 0.7, 0.6),
    )
    return replace(clean, **changes)


def bad_images(**changes: object) -> Evidence:
    found = evidence(**changes)
    found.batch.images[1, 0, 2, 2] = math.nan
    found.batch.images[2, 0, 0, 0] = math.inf
    return found


def bad_masks(value: int = 7, **changes: object) -> Evidence:
    found = evidence(**changes)
    found.batch.target[1, 2, 2] = value
    return found


def overflow(**changes: object) -> Evidence:
    found = evidence(**{"precision": "fp16", **changes})
    found.logits[0][:] = 60000
    found.logits[1][0, 0, 0, 0] = math.inf
    return found


def large(value: float) -> nn.Module:
    model = nn.Conv2d(1, 1, 3)
    model.bias.data.fill_(value)
    return model


RISING = (1.0, 1.1, 0.9, 1.0, 4.0, 6.0, 8.0, 10.0)


def test_images_are_named_one_by_one() -> None:
    found = bad_images(precision="bf16", losses=RISING)
    found.batch.target[0, 0, 0] = 9
    found.logits[0][:] = math.nan
    assert diagnose(found) == ("Cause: pixels that are NaN or infinite in the image b, c. Repair it or take it out.")


def test_masks_are_named_by_their_values() -> None:
    found = bad_masks(precision="bf16", losses=RISING)
    found.logits[0][:] = math.nan
    assert diagnose(found).startswith("Cause: masks with the class 7, but the model has the classes 0 to 1. A mask of")
    assert "set num_classes to 1" in diagnose(found)
    assert "num_classes to 8 or the unlabeled value as ignore_index" in diagnose(found)
    assert "the classes 0 to 6." in diagnose(bad_masks(num_classes=7))


@pytest.mark.parametrize(
    ("value", "classes", "wrong"),
    [(0, 1, []), (1, 1, []), (2, 1, [2]), (2, 3, []), (3, 3, [3]), (IGNORE, 3, []), (-1, 3, [-1]), (254, 1, [254])],
)
def test_what_is_no_class(value: int, classes: int, wrong: list[int]) -> None:
    target = torch.zeros(2, 3, 3, dtype=torch.int64)
    target[1, 1, 1] = value
    assert unknown_classes(target, classes) == wrong


def test_overflow_names_the_largest_logit_and_the_way_out() -> None:
    assert diagnose(overflow(losses=RISING)) == (
        "Cause: overflow in fp16, which ends at 6.55e+04: max |logit| is infinite or NaN at 1 of 60 logits, the "
        "largest of the others is 6e+04. Train in precision fp32."
    )
    none_left = evidence(precision="bf16", logits=[torch.full((1, 1, 2, 2), math.nan)])
    assert "overflow in bf16" in diagnose(none_left)
    assert "4 of 4 logits, no other is left" in diagnose(none_left)


@pytest.mark.parametrize(
    "found",
    [overflow(precision="fp32", losses=RISING), overflow(model=large(1e6)), overflow(model=large(math.nan))],
    ids=["fp32", "large weights", "lost weights"],
)
def test_overflow_is_not_blamed_for_what_the_rate_did(found: Evidence) -> None:
    assert diagnose(found).startswith("Cause: the learning rate is too high")


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"losses": RISING}, "the loss rose from 1 to 7 in the last 8 steps"),
        ({"model": large(2 * LARGE)}, "the largest weight is 200"),
        ({"model": large(math.nan)}, "the largest weight is inf"),
        ({"losses": RISING, "model": large(-1e9)}, "in the last 8 steps and the largest weight is 1e+09"),
    ],
)
def test_a_rate_that_is_too_high_shows_in_losses_or_weights(changes: dict[str, object], seen: str) -> None:
    message = diagnose(evidence(**changes))
    assert message.startswith("Cause: the learning rate is too high, ")
    assert seen in message
    assert "Take a lower learning rate (lr 0.002)" in message


@pytest.mark.parametrize("losses", [(), (1.0,), (1.0, 9.0, 9.0), (1.0, 1.2, 1.1, 1.3), (0.0, 0.0, 0.0, 0.0)])
@pytest.mark.parametrize("logits", [[], [torch.zeros(1, 1, 2, 2)]])
def test_where_nothing_is_seen_nothing_is_blamed(losses: tuple[float, ...], logits: list[torch.Tensor]) -> None:
    message = diagnose(evidence(losses=losses, logits=logits))
    assert message.startswith("No cause is to be seen")
    assert "lower learning rate (lr 0.002) or precision fp32" in message
