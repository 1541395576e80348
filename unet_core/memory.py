"""How much memory a step takes and how much there is; the largest batch, without filling the machine."""

import contextlib
import gc
import os
from collections.abc import Callable
from pathlib import Path

import torch

from unet_core.machine import available_mb

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
SAFE = 0.8  # share of the free main memory that may be planned with: beyond it a machine begins to swap
CLOSE = 16  # the search ends where it is known to a sixteenth


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


def largest(
    fits: Callable[[int], bool], good: int, most: int, goes_on: Callable[[int], bool], bad: int | None = None
) -> tuple[int, int | None]:
    """(the largest batch that fitted, the smallest that did not or None), by doubling, then halving the gap.

    `good` is known to fit (0: none is), `bad` not to. No batch over `most` is tried, and none for which `goes_on` says
    that time is short.
    """
    while good < most and (bad is None or bad - good > max(1, good // CLOSE)):
        size = min(most, max(1, 2 * good)) if bad is None else (good + bad) // 2
        if not goes_on(size):
            break
        if fits(size):
            good = size
        else:
            bad = size
    return good, bad


def batch_that_fits(per_sample_mb: float, others_mb: float, free: float) -> int:
    """The batch for which `SAFE` of the free memory (MiB, that beside `others_mb`) is enough; 0 where unknown."""
    if per_sample_mb <= 0 or free <= 0:
        return 0
    return max(1, int((SAFE * free - others_mb) / per_sample_mb))
