"""Processes that outlive whoever starts them: a training, a pre-flight check."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def spawn_detached(
    module: str,
    *arguments: str,
    log: Path | None,
    environment: Mapping[str, str] | None = None,
    nice: int = 0,
    output: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `python -m module arguments...` in a session of its own, so that it survives its parent and its terminal.

    The child imports this copy of the package, whatever its working directory. Its output is appended to the file
    `log`, None = discarded; with `output`, stdout goes there and only stderr to the log. `environment` is added to that
    of this process. `nice` > 0 lowers its CPU priority where the system has such. Raises OSError where a file cannot be
    written or the process cannot be started.
    """
    python_path = os.pathsep.join(filter(None, (str(PACKAGE_PARENT), os.environ.get("PYTHONPATH"))))
    variables = {**os.environ, "PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1", **(environment or {})}
    with (log or Path(os.devnull)).open("ab") as errors, (output or log or Path(os.devnull)).open("ab") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=errors,
            start_new_session=True,
            env=variables,
        )
    if nice and hasattr(os, "setpriority"):
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, nice)
    return process
