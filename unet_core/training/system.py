"""What a training takes of the machine, measured by itself: CPU, memory, GPU; under a microsecond where none is due."""

import time
from collections.abc import Callable

import torch

from unet_core.device import resident_mb
from unet_core.runs.events import Load

SECONDS = 1.0  # between two measurements, at least


class LoadSampler:
    """Measures its own process, and the GPU that it computes on.

    >>> seconds = iter([0.0, 0.2, 1.5]).__next__
    >>> sampler = LoadSampler(torch.device("cpu"), clock=seconds, cpu_seconds=iter([0.0, 3.0]).__next__)
    >>> sampler.sample() is None, sampler.sample().cpu
    (True, 200.0)
    """

    def __init__(
        self,
        device: torch.device,
        clock: Callable[[], float] = time.perf_counter,
        cpu_seconds: Callable[[], float] = time.process_time,
    ) -> None:
        self._device, self._clock, self._cpu_seconds = device, clock, cpu_seconds
        self._at, self._cpu = clock(), cpu_seconds()
        self._counts_gpu = device.type == "cuda"

    def sample(self) -> Load | None:
        """A measurement, where the latest is a second old; else None."""
        now = self._clock()
        if now - self._at < SECONDS:
            return None
        cpu = self._cpu_seconds()
        percent = round(100 * (cpu - self._cpu) / (now - self._at), 1)
        self._at, self._cpu = now, cpu
        return Load(percent, resident_mb(), self._gpu_percent(), self._gpu_mb())

    def _gpu_percent(self) -> int | None:
        """None without a GPU, or without the library (nvidia-ml-py) that tells it."""
        if not self._counts_gpu:
            return None
        try:
            return int(torch.cuda.utilization(self._device))
        except (ImportError, RuntimeError, OSError):
            self._counts_gpu = False  # it will not be there a second later
        except Exception as error:  # the library's own errors, which cannot be named without it
            if type(error).__module__.partition(".")[0] != "pynvml":
                raise
            self._counts_gpu = False
        return None

    def _gpu_mb(self) -> int | None:
        return int(torch.cuda.memory_reserved(self._device)) >> 20 if self._device.type == "cuda" else None
