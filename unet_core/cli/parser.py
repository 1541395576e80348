"""The command line: `python -m unet_core COMMAND ...`, where --help lists the commands.

Progress goes to stderr, the last line on stdout is one JSON object. The exit status is 0; 1 where files were skipped or
a dataset cannot be trained on; 2 after an error, which is printed as one line.
"""

import argparse
import sys
from collections.abc import Sequence

from unet_core.cli import app, control, export, models, planning, publish, queue, runs, share, train
from unet_core.cli.datasets import check, data, download
from unet_core.cli.evaluation import analysis, compare, evaluate, threshold
from unet_core.cli.experiments import cross_validation, ensemble, label_next, learning_curve
from unet_core.cli.output import print_error, print_result, program
from unet_core.errors import UnetError

# In the order of the help.
MODULES = (
    *(app, train, cross_validation, learning_curve, planning, control, runs, queue, models, evaluate, threshold),
    *(analysis, compare, ensemble, label_next, export, share, publish, check, data, download),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, `app` where there is none; the exit status. `arguments` default to those of the process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parsed = make_parser().parse_args(arguments or ["app"])
    try:
        result = parsed.command(parsed)
    except (UnetError, OSError) as error:  # OSError: a full disk, a folder without write permission
        print_error(error)
        return 2
    print_result(result)
    return 1 if result.get("skipped") or result.get("blocks_training") else 0


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each module adds its own."""
    parser = argparse.ArgumentParser(prog=program(), description="Train, run and evaluate U-Nets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in MODULES:
        module.add_arguments(commands)
    return parser
