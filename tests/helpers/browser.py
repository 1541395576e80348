"""A server on a free port, and how Chromium is started."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def poll(condition, seconds: float = 60, what: str = "it"):
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.1)  # between two looks, never instead of one
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")


def wait_until(page: Page, expression: str, arg: object = None, seconds: float = 60) -> None:
    """Ask the page until the expression is true.

    Playwright's `wait_for_function` needs `eval`, which the pages' policy forbids.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress_navigation():
            if page.evaluate(expression, arg):
                return
        page.wait_for_timeout(50)  # between two looks, never instead of one
    raise AssertionError(f"waited {seconds:g} s in vain for {expression}")


@contextmanager
def suppress_navigation() -> Iterator[None]:
    """A page that is left in the middle of a look is looked at again."""
    try:
        yield
    except Error as error:
        if "context was destroyed" not in str(error):
            raise


class Server:
    """The app as `make app` starts it, on a port and a runs folder of its own."""

    def __init__(self, folder: Path, script: str = "app.py", base: str = "", **environment: str) -> None:
        self.script, self.base, self.environment = script, base, environment
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}" + f"/{base}" * bool(base)
        self.folder = folder
        self.runs_dir = folder / "runs"
        self.log = folder / "server.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        environment = os.environ | {"UNET_RUNS": str(self.runs_dir), "UNET_SAMPLE": str(self.folder / "sample")}
        environment |= {"UNET_DATASETS": str(self.folder / "datasets"), **self.environment}
        command = [sys.executable, "-m", "streamlit", "run", self.script, "--server.port", str(self.port)]
        command += ["--server.baseUrlPath", self.base] if self.base else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        poll(self.healthy, what=f"the server ({self.log})")

    def healthy(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2).status == 200
        except OSError:
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
