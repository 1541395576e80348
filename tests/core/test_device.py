"""What computes: every name of the settings is understood, "auto" takes the best there is, what is missing is told."""

import mmap
import os

import pytest
import torch

from unet_core import device
from unet_core.config.choices import DEVICES, PRECISIONS
from unet_core.device import FORMATS, autocast, choose_device, choose_precision, cpu_has_bf16, memory_mb
from unet_core.errors import ConfigError
from unet_core.hardware import cores


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_of_the_settings_is_understood(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=True, mps=True)
    assert choose_device(name).type == ("cuda" if name == "auto" else name)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best_device_there_is(cuda: bool, mps: bool, best: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto").type == choose_device().type == best


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_missing_device_is_named_with_those_that_are_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=name != "cuda", mps=name != "mps")
    with pytest.raises(ConfigError, match=f"Device '{name}' is not available; available: (?!.*{name}).*cpu"):
        choose_device(name)


@pytest.mark.parametrize("where", [name for name in DEVICES if name != "auto"])
@pytest.mark.parametrize("name", PRECISIONS)
def test_every_precision_of_the_settings_is_understood(name: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    if name == "fp16" and where != "cuda":
        with pytest.raises(ConfigError, match=f"'fp16' needs a CUDA device, got '{where}'"):
            choose_precision(name, torch.device(where))
        return
    chosen = choose_precision(name, torch.device(where))
    assert chosen in set(PRECISIONS) - {"auto"}
    assert name in ("auto", chosen)


@pytest.mark.parametrize(
    ("where", "has_bf16", "best"),
    [
        ("cuda", True, "bf16"),
        ("cuda", False, "fp16"),
        ("cpu", True, "bf16"),
        ("cpu", False, "fp32"),
        ("mps", True, "fp32"),
    ],
)
def test_auto_precision(where: str, has_bf16: bool, best: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def cuda_bf16(including_emulation: bool = True) -> bool:
        return has_bf16 or including_emulation  # an emulated bf16 is slow and does not count

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", cuda_bf16)
    monkeypatch.setattr(device, "cpu_has_bf16", lambda: has_bf16)
    assert choose_precision("auto", torch.device(where)) == best


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True, "avx512_bf16": False}, True),
        ({"avx2": True}, False),
    ],
)
def test_what_counts_as_a_processor_with_bf16(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert cpu_has_bf16() is expected


def test_every_precision_has_a_number_format() -> None:
    assert set(FORMATS) | {"auto", "fp32"} == set(PRECISIONS)


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast_computes_in_the_format_of_its_name(precision: str, dtype: torch.dtype) -> None:
    x = torch.ones(2, 2)
    with autocast(torch.device("cpu"), precision):
        assert (x @ x).dtype == dtype
    assert (x @ x).dtype == torch.float32


def test_cores_are_those_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


def test_the_memory_of_the_process_grows_with_what_it_holds(monkeypatch, tmp_path):
    cpu = torch.device("cpu")
    before = memory_mb(cpu)
    # Fresh pages of the system: a tensor may lie in what the process freed earlier and still holds.
    with mmap.mmap(-1, 64 * 2**20) as pages:
        for start in range(0, len(pages), mmap.PAGESIZE):
            pages[start] = 1
        assert 48 <= memory_mb(cpu) - before <= 80
    (tmp_path / "statm").write_text("1000 512 3 4")
    monkeypatch.setattr(device, "STATM", tmp_path / "statm")
    assert memory_mb(cpu) == 512 * os.sysconf("SC_PAGE_SIZE") // 2**20
    monkeypatch.setattr(device, "STATM", tmp_path / "missing")
    assert memory_mb(cpu) is None


def test_the_memory_of_a_gpu_is_the_most_that_its_tensors_took(monkeypatch):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda where: 3 * 2**30 + 5)
    assert memory_mb(torch.device("cuda")) == 3072
