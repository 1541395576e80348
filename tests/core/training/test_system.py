"""What a training takes of the machine: once a second, and unknown where it cannot be known."""

import pytest
import torch

from unet_core.runs.events import Load
from unet_core.training import system
from unet_core.training.system import LoadSampler

CPU = torch.device("cpu")


def test_once_a_second_the_share_since_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "resident_mb", lambda: 700)
    clock = iter([0.0, 0.5, 0.99, 2.0, 2.5, 3.0]).__next__
    sampler = LoadSampler(CPU, clock, iter([10.0, 13.0, 13.5]).__next__)
    samples = [sampler.sample() for _ in range(5)]
    assert samples == [None, None, Load(150.0, 700), None, Load(50.0, 700)]


def gpu(monkeypatch: pytest.MonkeyPatch, utilization) -> LoadSampler:
    monkeypatch.setattr(system, "resident_mb", lambda: 700)
    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 << 30)
    seconds = iter(range(0, 100, 2))
    return LoadSampler(torch.device("cuda"), lambda: float(next(seconds)), lambda: 0.0)


def test_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu(monkeypatch, lambda device: 87).sample() == Load(0.0, 700, 87, 3072)


def test_a_gpu_without_the_library_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def utilization(device: torch.device) -> int:
        asked.append(device)
        raise ModuleNotFoundError("pynvml")

    sampler = gpu(monkeypatch, utilization)
    assert [sampler.sample(), sampler.sample()] == [Load(0.0, 700, None, 3072)] * 2
    assert len(asked) == 1


def test_an_error_of_the_library_is_no_error_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    error = type("NVMLError", (Exception,), {"__module__": "pynvml.nvml"})

    def utilization(device: torch.device) -> int:
        raise error

    assert gpu(monkeypatch, utilization).sample() == Load(0.0, 700, None, 3072)
