"""Optimizers, schedules and the average of weights: by hand, and what every entry must keep to."""

import itertools
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from unet_core.config import choices
from unet_core.training.optim import (
    FIRST_LR,
    LAST_LR,
    OPTIMIZERS,
    SCHEDULES,
    WARM_UP,
    average,
    constant,
    cosine,
    descent,
    one_cycle,
    optimizer_tensors,
    restore_optimizer,
)

RATES = {"adamw": 0.1, "adam": 0.1, "sgd": 0.02, "rmsprop": 0.01}


def test_the_registries_hold_what_the_settings_offer() -> None:
    assert list(OPTIMIZERS) == list(choices.OPTIMIZERS) == list(RATES)
    assert list(SCHEDULES) == list(choices.SCHEDULES)


# Optimizers ---------------------------------------------------------------------------------------------------------


def net() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))
    return model.to(memory_format=torch.channels_last)


def move(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> list[float]:
    values = []
    for step in steps:
        source = torch.Generator().manual_seed(step)
        x = torch.randn(4, 2, 8, 8, generator=source)
        loss = (model(x) - x.mean(1, keepdim=True)[..., 1:-1, 1:-1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    return values


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns_and_goes_on_from_its_tensors_bit_for_bit(name: str, fused: bool) -> None:
    whole = net()
    optimizer = OPTIMIZERS[name].build(whole.parameters(), RATES[name], 0.001, fused)
    values = move(whole, optimizer, range(20))
    half = deepcopy(whole)
    kept = optimizer_tensors(optimizer, dict(whole.named_parameters()))
    written = {key: value.clone(memory_format=torch.contiguous_format) for key, value in kept.items()}
    values += move(whole, optimizer, range(20, 60))
    assert sum(values[-10:]) < 0.6 * sum(values[:10])

    again = OPTIMIZERS[name].build(half.parameters(), RATES[name], 0.001, fused)
    restore_optimizer(again, dict(half.named_parameters()), written)
    assert move(half, again, range(20, 60)) == values[20:]
    assert all(torch.equal(a, b) for a, b in zip(half.parameters(), whole.parameters(), strict=True))
    restored = optimizer_tensors(again, dict(half.named_parameters()))
    assert list(restored) == list(kept)
    for key, tensor in restored.items():
        assert tensor.dim() < 4 or tensor.is_contiguous(memory_format=torch.channels_last), key


def test_nothing_is_kept_before_the_first_step() -> None:
    model = net()
    optimizer = OPTIMIZERS["sgd"].build(model.parameters(), 0.1, 0.0, True)
    assert optimizer_tensors(optimizer, dict(model.named_parameters())) == {}


def test_two_steps_by_hand() -> None:
    """Of f(x) = x from 1: the gradient is 1 at each step."""
    for name, expected in {
        "sgd": 1 - 0.1 * (1 + 0.9) - 0.1 * (1 + 0.9 * 1.9),  # Nesterov: gradient + 0.9 velocity; velocity 1, 1.9
        "adam": 1 - 0.1 - 0.1,
        "adamw": 1 - 0.1 - 0.1,
        # the mean square is 0.01, then 0.0199; the velocity 10, then 0.9 * 10 + 1 / sqrt(0.0199)
        "rmsprop": 1 - 0.1 * 10 - 0.1 * (9 + 1 / 0.0199**0.5),
    }.items():
        x = nn.Parameter(torch.ones(1))
        optimizer = OPTIMIZERS[name].build([x], 0.1, 0.0, False)
        for _ in range(2):
            optimizer.zero_grad()
            x.sum().backward()
            optimizer.step()
        assert x.item() == pytest.approx(expected, abs=1e-5), name


# Schedules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7, 10, 100, 333, 1000])
@pytest.mark.parametrize("peak", [0.01, 1.0])
@pytest.mark.parametrize(("schedule", "warm_up"), [(one_cycle, 0.3), (cosine, WARM_UP)])
def test_a_rate_rises_to_its_peak_and_falls_to_almost_nothing(
    schedule: object, warm_up: float, peak: float, total: int
) -> None:
    rates = [schedule(step, total, peak) for step in range(1, total + 1)]
    top = max(range(total), key=rates.__getitem__)
    assert all(0 < rate <= peak * (1 + 1e-12) for rate in rates)
    assert all(before < after for before, after in itertools.pairwise(rates[: top + 1]))
    assert all(before >= after - 1e-12 * peak for before, after in itertools.pairwise(rates[top:]))
    assert rates[top] > 0.75 * peak
    assert abs(top + 1 - max(1, warm_up * total)) <= 1
    if total > 1:
        assert rates[-1] == pytest.approx(LAST_LR * peak)


@pytest.mark.parametrize("total", [1, 2, 19, 20, 100, 333])
def test_a_constant_rate_warms_up_and_stays(total: int) -> None:
    rates = [constant(step, total, 0.5) for step in range(1, total + 1)]
    warm = max(1, int(WARM_UP * total))
    assert all(before <= after for before, after in itertools.pairwise(rates))
    assert all(0 < rate <= 0.5 for rate in rates)
    assert set(rates[warm + 1 :]) <= {0.5}
    assert rates[-1] == 0.5


def test_rates_by_hand() -> None:
    assert one_cycle(1, 1, 0.5) == 0.5
    assert one_cycle(30, 100, 0.5) == 0.5
    assert one_cycle(15, 100, 1.0) == pytest.approx((FIRST_LR + 1) / 2)  # half the way up a cosine
    assert one_cycle(65, 100, 1.0) == pytest.approx((LAST_LR + 1) / 2)
    assert one_cycle(100, 100, 1.0) == pytest.approx(LAST_LR)
    assert one_cycle(1, 1000, 1.0) == pytest.approx(FIRST_LR, abs=1e-4)
    assert [cosine(step, 100, 1.0) for step in (1, 5)] == pytest.approx([0.2, 1.0])
    assert cosine(5 + 95 / 2, 100, 1.0) == pytest.approx((LAST_LR + 1) / 2)
    assert [constant(step, 100, 2.0) for step in (1, 4, 5, 6, 100)] == pytest.approx([0.4, 1.6, 2, 2, 2])


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_proportional_to_its_peak(name: str) -> None:
    for step in (1, 2, 7, 50, 100):
        assert SCHEDULES[name].rate(step, 100, 3.0) == pytest.approx(3 * SCHEDULES[name].rate(step, 100, 1.0))


# The average --------------------------------------------------------------------------------------------------------


def filled(model: nn.Module, value: float) -> nn.Module:
    with torch.no_grad():
        for tensor in itertools.chain(model.parameters(), model.buffers()):
            tensor.fill_(value)
    return model


def values(tensors: object) -> set[float]:
    return {round(value, 5) for tensor in tensors for value in tensor.flatten().tolist()}


def test_the_average_by_hand() -> None:
    mean, model = filled(net(), 0.0), net()
    average(mean, filled(model, 11.0), 1, 0.999)  # decay 2/11: 11 * 9/11
    assert values(mean.parameters()) == {9.0}
    average(mean, filled(model, 21.0), 2, 0.999)  # decay 3/12: 9/4 + 21 * 3/4
    assert values(mean.parameters()) == {18.0}
    average(mean, filled(model, 28.0), 1000, 0.9)
    assert values(mean.parameters()) == {19.0}
    assert values(mean.buffers()) == {28.0}, "statistics of batch norm are copied"
    assert values(model.parameters()) == {28.0}


def test_the_average_takes_no_gradient_and_keeps_the_layout() -> None:
    mean, model = net().requires_grad_(False), net()
    before = [parameter.stride() for parameter in mean.parameters()]
    model(torch.randn(1, 2, 8, 8)).sum().backward()
    average(mean, model, 1, 0.5)
    assert [parameter.stride() for parameter in mean.parameters()] == before
    assert all(parameter.grad is None for parameter in mean.parameters())
    assert isinstance(next(model.parameters()).grad, Tensor)


def test_a_rate_set_by_hand_falls_from_its_first_step_to_almost_nothing() -> None:
    assert descent(4, 4, 10, 0.5) == 0.5
    assert descent(7, 4, 10, 0.5) == pytest.approx(0.5 * (1 + 1e-4) / 2)  # half-way down
    assert descent(10, 4, 10, 0.5) == pytest.approx(0.5e-4)
    rates = [descent(step, 4, 10, 0.5) for step in range(4, 11)]
    assert rates == sorted(rates, reverse=True)
    assert descent(10, 10, 10, 0.5) == 0.5, "a single step is made at the rate that was asked for"
    for total in range(10, 100):
        assert descent(9, 4, total, 0.5) <= 0.5, "however many epochs are added"
