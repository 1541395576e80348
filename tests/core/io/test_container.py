"""Below the init of a container: every process is told to end, and the last one is waited for.

The real thing, in namespaces of its own, is in tests/browser/test_container.py. Here `kill(-1)` goes to descendants.
"""

import subprocess
import sys
from pathlib import Path

from tests.helpers.browser import ROOT

STAND_IN = """
import os, signal, sys
from pathlib import Path
from unet_core.io import container

def kill(number, sent):
    assert number == -1
    waiting, pids = [os.getpid()], []
    while waiting:
        pid = waiting.pop()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pids += map(int, children)
        waiting += map(int, children)
    if not pids:
        raise ProcessLookupError
    for pid in pids:
        signal.pidfd_send_signal(os.pidfd_open(pid), sent)

os.getppid, os.kill = (lambda: 1), kill
sys.exit(container.main(sys.argv[1:]))
"""
TRAINER = (  # in a session of its own, as `spawn_detached` starts it; needs a moment to save
    "import pathlib, signal, sys, time\n"
    "def save(*_):\n    time.sleep(0.3); pathlib.Path(sys.argv[1]).write_text('saved'); sys.exit()\n"
    "signal.signal(signal.SIGTERM, save)\n"
    "pathlib.Path(sys.argv[1]).write_text('training')\n"
    "while True: time.sleep(0.05)\n"
)
APP = (  # starts a trainer, says so, and ends as it is told
    "import subprocess, sys, time, pathlib\n"
    "subprocess.Popen([sys.executable, '-c', sys.argv[1], sys.argv[2]], start_new_session=True)\n"
    "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.02)\n"
    "print('ready', flush=True)\n"
    "sys.exit(3) if sys.argv[3] == 'ends' else time.sleep(600)\n"
)


def start(tmp_path: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STAND_IN, sys.executable, "-c", APP, TRAINER, str(tmp_path / "state"), how]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_signal_reaches_a_trainer_in_a_session_of_its_own_and_its_end_is_waited_for(tmp_path: Path) -> None:
    with start(tmp_path, "stays") as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(60) == 128 + 15
    assert (tmp_path / "state").read_text() == "saved"


def test_where_the_app_ends_by_itself_its_trainers_end_too_and_its_status_is_told(tmp_path: Path) -> None:
    with start(tmp_path, "ends") as process:
        assert process.wait(60) == 3
    assert (tmp_path / "state").read_text() == "saved"


def test_outside_a_container_it_does_nothing() -> None:
    command = [sys.executable, "-m", "unet_core.io.container", sys.executable, "-c", "print('started')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Only for containers" in done.stderr
