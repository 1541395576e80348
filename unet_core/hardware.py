"""The machine that a run would have: its kind of device, its memory, its cores; asked without torch."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Machine:
    """What there is to compute with: the kind of device, its memory in MiB (0 = unknown), the processor's cores."""

    device: str = "cpu"
    memory_mb: int = 0
    cores: int = 1

    @classmethod
    def here(cls, device: str = "auto") -> Self:
        """This machine, asked without torch: a device of NVIDIA, else one of Apple, else the processor."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        gpu = _nvidia_mb() if device in ("auto", "cuda") else 0
        if gpu:
            return cls("cuda", gpu, cores)
        apple = sys.platform == "darwin" and os.uname().machine == "arm64" and device in ("auto", "mps")
        return cls("mps" if apple else "cpu", available_mb(), cores)


def _nvidia_mb() -> int:
    """Memory of the first NVIDIA device in MiB, 0 where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    command = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        return int(done.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0


def available_mb(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """MiB of main memory that a new process may take: what Linux calls available, less where a container allows less.

    0 where it cannot be told.
    """
    found = []
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        found += [int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    pairs = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
    for limit, used in pairs:  # version 2, version 1; "max" is no limit
        try:
            free = int((cgroup / limit).read_text()) - int((cgroup / used).read_text()) + _reclaimable(cgroup)
            found.append(max(0, free) // 2**20)
        except (OSError, ValueError):
            continue
    return min(found, default=0)


def _reclaimable(cgroup: Path) -> int:
    """Bytes of file cache that count as used but are given back when needed."""
    for name in ("memory.stat", "memory/memory.stat"):
        try:
            rows = dict(line.split() for line in (cgroup / name).read_text().splitlines())
            return int(rows.get("inactive_file", 0))
        except (OSError, ValueError):
            continue
    return 0
