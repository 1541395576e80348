"""What turns gradients into weights: optimizers, learning-rate schedules and the average of weights.

A new optimizer or schedule is one entry in a registry below. The settings read names and descriptions from them, so
torch is imported only where something is built.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

MOMENTUM = 0.9
ONE_CYCLE_WARM_UP = 0.3  # share of all steps in which the rate of the one-cycle schedule rises
WARM_UP = 0.05  # the same of the others
FIRST_LR, LAST_LR = 1 / 25, 1e-4  # shares of the peak


@dataclass(frozen=True)
class OptimizerKind:
    """`build(parameters, lr, weight_decay, fused)` makes it; the learning rate finder tries `low` to `high`."""

    build: "Callable[[Iterable[nn.Parameter], float, float, bool], Optimizer]"
    description: str
    low: float = 1e-5
    high: float = 1.0
    label: str = ""  # as menus show it; "" = its name as words


@dataclass(frozen=True)
class Schedule:
    """`rate(step, total, peak)` is the learning rate of step 1 .. total.

    `decays`: whether it falls by itself, so that a changed rate falls from there on. `halves_on_plateau`: whether the
    peak is halved after `plateau_patience` epochs without improvement.
    """

    rate: Callable[[int, int, float], float]
    description: str
    decays: bool = True
    halves_on_plateau: bool = False
    label: str = ""  # as menus show it; "" = its name as words


def _adamw(parameters: "Iterable[nn.Parameter]", lr: float, decay: float, fused: bool) -> "Optimizer":
    from torch.optim import AdamW

    return AdamW(parameters, lr, weight_decay=decay, fused=fused)


def _adam(parameters: "Iterable[nn.Parameter]", lr: float, decay: float, fused: bool) -> "Optimizer":
    from torch.optim import Adam

    return Adam(parameters, lr, weight_decay=decay, fused=fused)


def _sgd(parameters: "Iterable[nn.Parameter]", lr: float, decay: float, fused: bool) -> "Optimizer":
    from torch.optim import SGD

    return SGD(parameters, lr, momentum=MOMENTUM, nesterov=True, weight_decay=decay, fused=fused)


def _rmsprop(parameters: "Iterable[nn.Parameter]", lr: float, decay: float, fused: bool) -> "Optimizer":
    from torch.optim import RMSprop  # which has no fused form

    return RMSprop(parameters, lr, momentum=MOMENTUM, weight_decay=decay)


OPTIMIZERS = {
    "adamw": OptimizerKind(_adamw, "Adam with decoupled weight decay (Loshchilov and Hutter 2019)", label="AdamW"),
    "adam": OptimizerKind(_adam, "Adam (Kingma and Ba 2015), weight decay as an L2 penalty", label="Adam"),
    "sgd": OptimizerKind(
        _sgd,
        "stochastic gradient descent with Nesterov momentum 0.9; needs about 10x the learning rate of AdamW",
        low=1e-4,
        high=10.0,
        label="SGD with momentum",
    ),
    "rmsprop": OptimizerKind(
        _rmsprop,
        "RMSprop with momentum 0.9; needs about a tenth of the learning rate of AdamW",
        high=0.3,
        label="RMSprop",
    ),
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


SCHEDULES = {
    "one_cycle": Schedule(
        one_cycle, "rises for 30% of the steps, then decays to near zero (Smith 2018)", label="One cycle"
    ),
    "cosine": Schedule(cosine, "linear warm-up over 5% of the steps, then cosine decay to near zero"),
    "constant": Schedule(constant, "linear warm-up over 5% of the steps, then constant", decays=False),
    "plateau": Schedule(
        constant,
        "as constant, but halved after plateau_patience epochs without improvement",
        decays=False,
        halves_on_plateau=True,
        label="Halve on plateau",
    ),
}


def optimizer_tensors(optimizer: "Optimizer", parameters: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The state of the optimizer, as `<parameter>:<what>`."""
    from torch import Tensor

    return {
        f"{name}:{what}": value
        for name, parameter in parameters.items()
        for what, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(
    optimizer: "Optimizer", parameters: "Mapping[str, Tensor]", tensors: "Mapping[str, Tensor]"
) -> None:
    """Restore what `optimizer_tensors` gave, laid out as the parameters; a step counter lies where it is read."""
    import torch

    (group,) = optimizer.param_groups
    for key, tensor in tensors.items():
        name, _, what = key.rpartition(":")
        parameter = parameters[name]
        if what == "step":
            value = tensor.to(parameter.device if group.get("fused") else tensor.device, copy=True)
        else:
            value = torch.empty_like(parameter).copy_(tensor)
        optimizer.state[parameter][what] = value


def average(mean: "nn.Module", model: "nn.Module", step: int, decay: float) -> None:
    """Move the exponential mean of weights by one step (Polyak and Juditsky 1992); buffers (batch norm) are copied.

    Early on the decay is (1 + step) / (10 + step), so that a short run forgets its random start.
    """
    import torch

    decay = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        torch._foreach_lerp_(list(mean.parameters()), list(model.parameters()), 1 - decay)
        for buffer, latest in zip(mean.buffers(), model.buffers(), strict=True):
            buffer.copy_(latest)
