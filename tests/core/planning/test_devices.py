"""Devices that are not there are refused in words, without torch in the process that asks."""

import subprocess
import sys

import pytest

from unet_core.errors import ConfigError
from unet_core.planning import devices


@pytest.fixture
def here(monkeypatch):
    """Say what PyTorch finds."""
    return lambda *names: monkeypatch.setattr(devices, "find_devices", lambda: names)


def test_auto_and_cpu_need_no_look(monkeypatch):
    monkeypatch.setattr(devices, "find_devices", lambda: pytest.fail("asked"))
    for device in ("auto", "cpu"):
        devices.check(device)
        assert not devices.is_asked(device)
    assert devices.is_asked("cuda") and devices.is_asked("auto", "fp16")


def test_a_device_that_is_missing_is_refused_with_those_that_are_there(here):
    here("mps", "cpu")
    devices.check("mps")
    with pytest.raises(ConfigError, match=r"'cuda' is not available; available: mps, cpu\. Use 'auto'\."):
        devices.check("cuda")


def test_half_precision_needs_cuda(here):
    here("cuda", "cpu")
    devices.check("auto", "fp16")
    with pytest.raises(ConfigError, match="'fp16' needs a CUDA device, got 'cpu'"):
        devices.check("cpu", "fp16")
    here("cpu")
    with pytest.raises(ConfigError, match="'fp16' needs a CUDA device, got 'cpu'"):
        devices.check("auto", "fp16")


def test_where_torch_does_not_answer_nothing_is_refused(here):
    here()
    devices.check("cuda", "fp16")


def test_the_devices_are_those_of_torch_and_asking_loads_none():
    from unet_core.device import list_devices

    code = (
        "import sys; from unet_core.planning.devices import find_devices; "
        "print(*find_devices()); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list_devices()
