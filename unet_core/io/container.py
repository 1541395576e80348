"""What a container runs below its init: the app, and a SIGTERM that reaches every process, trainers included.

    tini -- python -m unet_core.io.container python -m streamlit run app.py

Trainers are in sessions of their own, so that they survive a server that ends; the signal to a process group that an
init sends does not reach them. In a container they cannot survive: when its first process ends, the kernel kills the
rest at once, unsaved. So each is told, and this process ends last.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of Linux' prctl: a process whose parent has ended becomes a child of this one


def main(command: Sequence[str]) -> int:
    """Run a command until it and all that it started have ended; its exit status, 128 + the signal that ended it.

    SIGTERM and SIGINT are passed on, and so is the command's own end. Only below the first process of a container:
    every process that this user may signal gets them.
    """
    if os.getppid() != 1 or not command:
        print("Only for containers: tini -- python -m unet_core.io.container COMMAND", file=sys.stderr)
        return 2
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_all)
    app = subprocess.Popen(command)
    status = None
    while True:
        try:
            process, code = os.wait()
        except ChildProcessError:  # none is left
            return status if status is not None else 1
        if process == app.pid:
            exit_code = os.waitstatus_to_exitcode(code)
            status = exit_code if exit_code >= 0 else 128 - exit_code
            _end_all()


def _end_all(number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
    """Ask every process to end but this one and the first, which the kernel leaves out of -1."""
    with contextlib.suppress(ProcessLookupError):  # none is left
        os.kill(-1, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
