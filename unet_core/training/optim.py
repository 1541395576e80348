"""What turns gradients into weights: optimizers, learning-rate schedules and the average of weights."""

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

MOMENTUM = 0.9
ONE_CYCLE_WARM_UP = 0.3  # share of all steps in which the rate of the one-cycle schedule rises
WARM_UP = 0.05  # the same of the others
FIRST_LR, LAST_LR = 1 / 25, 1e-4  # shares of the peak

Build = Callable[[Iterable[nn.Parameter], float, float, bool], Optimizer]  # of parameters, lr, weight decay, fused
Schedule = Callable[[int, int, float], float]  # of step 1 .. total, total, peak

OPTIMIZERS: dict[str, Build] = {
    "adamw": lambda parameters, lr, decay, fused: AdamW(parameters, lr, weight_decay=decay, fused=fused),
    "adam": lambda parameters, lr, decay, fused: Adam(parameters, lr, weight_decay=decay, fused=fused),
    "sgd": lambda parameters, lr, decay, fused: SGD(
        parameters, lr, momentum=MOMENTUM, nesterov=True, weight_decay=decay, fused=fused
    ),
    "rmsprop": lambda parameters, lr, decay, _: RMSprop(parameters, lr, momentum=MOMENTUM, weight_decay=decay),
}


def one_cycle(step: int, total: int, peak: float) -> float:
    """Up a cosine over ONE_CYCLE_WARM_UP of the steps, then down (Smith 2018, arXiv:1803.09820)."""
    top = max(1.0, ONE_CYCLE_WARM_UP * total)
    if step <= top:
        return peak * _cosine(FIRST_LR, step / top)
    return peak * _cosine(LAST_LR, (total - step) / max(1.0, total - top))


def cosine(step: int, total: int, peak: float) -> float:
    """Up a line over WARM_UP of the steps, then down a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    top = max(1.0, WARM_UP * total)
    return peak * (step / top if step <= top else _cosine(LAST_LR, (total - step) / max(1.0, total - top)))


def constant(step: int, total: int, peak: float) -> float:
    """Up a line over WARM_UP of the steps, then always the peak."""
    return peak * min(1.0, step / max(1.0, WARM_UP * total))


def descent(step: int, first: int, total: int, peak: float) -> float:
    """From the peak at the step `first` down a cosine to almost nothing at the last one."""
    return peak * (_cosine(LAST_LR, (total - step) / (total - first)) if total > first else 1.0)


def _cosine(low: float, part: float) -> float:
    """From `low` at 0 to 1 at 1."""
    return low + (1 - low) * (1 - math.cos(math.pi * part)) / 2


FLAT = ("constant", "plateau")  # schedules that do not decay by themselves
SCHEDULES: dict[str, Schedule] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
    "constant": constant,
    "plateau": constant,  # whose peak the training halves
}


def optimizer_tensors(optimizer: Optimizer, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of the optimizer, as `<parameter>:<what>`."""
    return {
        f"{name}:{what}": value
        for name, parameter in parameters.items()
        for what, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: Optimizer, parameters: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Restore what `optimizer_tensors` gave, laid out as the parameters; a step counter lies where it is read."""
    (group,) = optimizer.param_groups
    for key, tensor in tensors.items():
        name, _, what = key.rpartition(":")
        parameter = parameters[name]
        if what == "step":
            value = tensor.to(parameter.device if group.get("fused") else tensor.device, copy=True)
        else:
            value = torch.empty_like(parameter).copy_(tensor)
        optimizer.state[parameter][what] = value


@torch.no_grad()
def average(mean: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Move the exponential mean of weights by one step (Polyak and Juditsky 1992); buffers (batch norm) are copied.

    Early on the decay is (1 + step) / (10 + step), so that a short run forgets its random start.
    """
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(mean.parameters()), list(model.parameters()), 1 - decay)
    for buffer, latest in zip(mean.buffers(), model.buffers(), strict=True):
        buffer.copy_(latest)
