"""What computes, and in which number format: the best there is, unless the settings say otherwise."""

import contextlib
import gc
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from unet_core.errors import ConfigError
from unet_core.hardware import available_mb

STATM, STATUS, CLEAR = Path("/proc/self/statm"), Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """CUDA, else Apple MPS, else the processor; ConfigError where a named one is not there."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(key for key, there in present.items() if there)
    if not present[name]:
        there = ", ".join(key for key, here in present.items() if here)
        raise ConfigError(f"device {name!r} is not to be had on this machine; it has {there}. Take 'auto'.")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> str:
    """fp32, bf16 or fp16: for "auto" bf16 where the device computes in it, fp16 on older CUDA, else fp32."""
    if name == "auto":
        if device.type == "cuda":
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"
    if name == "fp16" and device.type != "cuda":
        raise ConfigError(f"precision 'fp16' needs a CUDA device, this one is {device.type!r}; take 'auto'.")
    return name


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated it is slower than fp32."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16")) or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context in which the forward pass runs."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, dtype=FORMATS[precision])


def memory_mb(device: torch.device) -> int | None:
    """MiB that the process holds: on CUDA the most that its tensors took, else resident memory; None if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) >> 20
    try:
        return int(STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, ValueError, IndexError):
        return None  # no Linux


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def free_mb(device: torch.device) -> float:
    """MiB that this process may take beside what it holds, 0 = unknown."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0] / 2**20)
    return float(available_mb())


def forget_peak(device: torch.device) -> None:
    """Let `peak_mb` count from here, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with contextlib.suppress(OSError):  # then it is the peak since the start, which batches that grow still move
            CLEAR.write_text("5")


def peak_mb(device: torch.device) -> float:
    """The most MiB that were held: on CUDA by tensors and the allocator's blocks, else by the whole process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_reserved(device) / 2**20)
    with contextlib.suppress(OSError, ValueError, IndexError):
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    with contextlib.suppress(ImportError):
        import resource

        unit = 2**20 if os.uname().sysname == "Darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return 0.0


def release(device: torch.device) -> None:
    """Give back what a failed step still holds."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
