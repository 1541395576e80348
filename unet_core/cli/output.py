"""What the commands print: progress and errors for a person on stderr; stdout is for the JSON object at the end."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unet_core.io.files import finite

SCRIPT = "unet-studio"  # the console script that a package installer makes


def program() -> str:
    """How the program was called, for usage lines and for commands that a message suggests."""
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else "python -m unet_core"


def echo(message: str) -> None:
    """Print a line of progress. Characters of a file name that the terminal cannot show are escaped."""
    print(message, file=sys.stderr, flush=True)


def warn(message: str) -> None:
    """Print a warning as one line."""
    echo("warning: " + _one_line(message))


def print_error(error: BaseException) -> None:
    """Print an error as one line."""
    echo("error: " + _one_line(str(error)))


def print_result(result: Mapping[str, Any]) -> None:
    """Print the result of a command as one line of JSON."""
    print(json.dumps(finite(result)))


def _one_line(text: str) -> str:
    return " ".join(text.split())
