"""The devices that training can use here, as PyTorch sees them, asked of a process of its own: free of torch."""

import functools
import json
import subprocess
import sys

from unet_core.errors import ConfigError
from unet_core.hardware import refuse_device

PROGRAM = "import json; from unet_core.device import list_devices; print(json.dumps(list_devices()))"
SECONDS = 60.0  # that PyTorch may take to load


def is_asked(device: str, precision: str = "auto") -> bool:
    """Whether it takes a look at the machine to know that these settings can be used; "auto" and "cpu" always can."""
    return device not in ("auto", "cpu") or precision == "fp16"


def check(device: str, precision: str = "auto") -> None:
    """Raise ConfigError where this machine lacks the device of a run, or one for its precision.

    Where PyTorch does not answer, nothing is refused: the trainer will say what is wrong.
    """
    if not is_asked(device, precision):
        return
    available = find_devices()
    if available and device not in ("auto", *available):
        raise ConfigError(refuse_device(device, available))
    used = available[0] if device == "auto" and available else device
    if available and precision == "fp16" and used != "cuda":
        raise ConfigError(f"Precision 'fp16' needs a CUDA device, got {used!r}. Use 'auto'.")


@functools.cache
def find_devices() -> tuple[str, ...]:
    """The devices that PyTorch can use, the best first; () where it does not answer. Takes seconds, once."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=SECONDS, check=True
        )
        return tuple(json.loads(done.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return ()
