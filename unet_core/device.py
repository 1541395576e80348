"""The compute device, its precision and its memory."""

import contextlib
import gc
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from unet_core.errors import ConfigError
from unet_core.hardware import available_mb, refuse_device

STATM, STATUS, CLEAR = Path("/proc/self/statm"), Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """The named device; for "auto" CUDA, else Apple MPS, else the CPU. Raises ConfigError where it is not available."""
    available = list_devices()
    if name == "auto":
        name = available[0]
    if name not in available:
        raise ConfigError(refuse_device(name, available))
    return torch.device(name)


def list_devices() -> list[str]:
    """The devices that are available, the best first."""
    candidates = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [key for key, present in candidates.items() if present]


def choose_precision(name: str, device: torch.device) -> str:
    """fp32, bf16 or fp16; for "auto" bf16 where the hardware supports it, fp16 on older CUDA GPUs, else fp32.

    Raises ConfigError for fp16 without CUDA.
    """
    if name == "auto":
        if device.type == "cuda":
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"
    if name == "fp16" and device.type != "cuda":
        raise ConfigError(f"Precision 'fp16' needs a CUDA device, got {device.type!r}. Use 'auto'.")
    return name


def cpu_has_bf16() -> bool:
    """Whether the CPU has bfloat16 instructions; emulated, it is slower than fp32."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16")) or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context for the forward pass in the given precision."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, dtype=FORMATS[precision])


def memory_mb(device: torch.device) -> int | None:
    """MiB used by this process: on CUDA the peak of its tensors, else its resident memory; None if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) >> 20
    return resident_mb()


def resident_mb() -> int | None:
    """MiB of main memory that this process holds; None if unknown."""
    try:
        return int(STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, ValueError, IndexError):
        return None  # not Linux


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the memory of the GPU or of the machine ran out.

    On a CPU torch raises a plain RuntimeError, which only its text ("can't allocate memory") tells from others.
    """
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def free_mb(device: torch.device) -> float:
    """MiB that this process can still allocate, 0 = unknown."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0] / 2**20)
    return float(available_mb())


def reset_peak(device: torch.device) -> None:
    """Make `peak_mb` count from here on, where the system supports it (CUDA, Linux)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with contextlib.suppress(OSError):  # then the peak is that since the start, which growing batches still raise
            CLEAR.write_text("5")


def peak_mb(device: torch.device) -> float:
    """Peak memory in MiB: on CUDA what the allocator reserved, else that of the whole process; 0 if unknown."""
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


def free_memory(device: torch.device) -> None:
    """Free what a failed step still references."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
