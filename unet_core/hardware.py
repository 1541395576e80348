"""The hardware that a run would use: device, memory and cores, detected without importing torch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Machine:
    """A kind of device ("cpu", "cuda", "mps"), its memory in MiB (0 = unknown) and the number of CPU cores."""

    device: str = "cpu"
    memory_mb: int = 0
    cores: int = 1

    @classmethod
    def here(cls, device: str = "auto") -> Self:
        """This machine: for "auto" an NVIDIA GPU, else an Apple GPU, else the CPU."""
        gpu = _nvidia_mb() if device in ("auto", "cuda") else 0
        if gpu:
            return cls("cuda", gpu, cores())
        apple = sys.platform == "darwin" and os.uname().machine == "arm64" and device in ("auto", "mps")
        return cls("mps" if apple else "cpu", available_mb(), cores())


def refuse_device(name: str, available: Sequence[str]) -> str:
    """The message where a device is chosen that a machine does not have."""
    return f"Device {name!r} is not available; available: {', '.join(available)}. Use 'auto'."


def cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _nvidia_mb() -> int:
    """Total memory of the first NVIDIA GPU in MiB, 0 where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    command = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        return int(result.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0


def available_mb(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """MiB of main memory available to a new process, 0 = unknown.

    The smaller of what Linux reports as available and what is left of the container's limit (cgroup).
    """
    limits = []
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        limits += [int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass  # not Linux
    pairs = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
    for limit, used in pairs:  # cgroup version 2, then 1; without a limit the file says "max", which is no int
        try:
            free = int((cgroup / limit).read_text()) - int((cgroup / used).read_text()) + _reclaimable(cgroup)
            limits.append(max(0, free) // 2**20)
        except (OSError, ValueError):
            continue
    return min(limits, default=0)


def _reclaimable(cgroup: Path) -> int:
    """Bytes of file cache, which count as used but are reclaimed when needed."""
    for name in ("memory.stat", "memory/memory.stat"):
        try:
            rows = dict(line.split() for line in (cgroup / name).read_text().splitlines())
            return int(rows.get("inactive_file", 0))
        except (OSError, ValueError):
            continue
    return 0
