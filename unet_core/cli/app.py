"""The command that opens the app: `unet-studio`, or `unet-studio app --port 8600`."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unet_core
from unet_core.cli.common import add_command
from unet_core.errors import RunError

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    sub = add_command(commands, "app", open_app, "open the app in the browser (also without any command)")
    sub.add_argument("--port", type=int, help="port of the server (8501)")
    sub.add_argument("--address", help="address that the server listens on (127.0.0.1)")
    sub.add_argument("--no-browser", action="store_true", help="open no browser window")


def app_file() -> Path:
    """The script that Streamlit runs: that of the installed package, else that of the checkout. Raises RunError."""
    package = Path(unet_core.__file__).parent
    for path in (package / "_app" / "app.py", package.parent / "app.py"):
        if path.is_file() and (path.parent / "pages" / "main.py").is_file():
            return path
    raise RunError(f"The app is not beside the package {package}. Install it with: pip install unet-studio.")


def make_command(port: int | None = None, address: str | None = None, no_browser: bool = False) -> list[str]:
    """The command line of Streamlit; what is left out is set in `.streamlit/config.toml` beside the app."""
    command = [sys.executable, "-m", "streamlit", "run", str(app_file())]
    command += [] if port is None else [f"--server.port={port}"]
    command += [] if address is None else [f"--server.address={address}"]
    return command + (["--server.headless=true"] if no_browser else [])


def open_app(parsed: argparse.Namespace) -> dict[str, Any]:
    """Open the app; runs are kept in `runs` below the current folder, or where UNET_RUNS says. Ctrl-C ends it."""
    command = make_command(parsed.port, parsed.address, parsed.no_browser)
    sys.stdout.flush()
    os.execv(command[0], command)  # in place of this process, so that Ctrl-C and signals reach the server itself
    return {}
