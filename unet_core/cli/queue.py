"""The command about the queue of runs."""

import argparse
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_runs_dir
from unet_core.cli.output import echo
from unet_core.errors import ConfigError
from unet_core.runs import queue
from unet_core.runs import run as runs

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "queue", show_queue, "show or change the queue of runs")
    add_runs_dir(parser)
    parser.add_argument("--remove", metavar="RUN", help="remove a run from the queue")
    parser.add_argument("--move", metavar=("RUN", "BY"), nargs=2, help="move a run by BY positions, -1 = one earlier")
    parser.add_argument("--restart", action="store_true", help="restart queued runs whose process has ended")
    parser.add_argument("--revive", dest="restart", action="store_true", help=argparse.SUPPRESS)  # as in release 0.1


def show_queue(parsed: argparse.Namespace) -> dict[str, Any]:
    """Show which run is training and which are queued, in their order; remove, move or restart queued runs."""
    if parsed.remove:
        queue.remove(runs.get(parsed.runs_dir, parsed.remove))
    if parsed.move:
        name, by = parsed.move
        if not by.lstrip("+-").isdigit():
            raise ConfigError(f"--move {name} {by}: expected a number of positions, for example -1 for one earlier.")
        queue.move(runs.get(parsed.runs_dir, name), int(by))
    restarted = [run.id for run in queue.restart_orphans(parsed.runs_dir)] if parsed.restart else []
    training, waiting = runs.find_active(parsed.runs_dir), queue.waiting(parsed.runs_dir)
    echo(f"training: {training.id if training else 'none'}")
    for position, run in enumerate(waiting, 1):
        orphaned = run.id not in restarted and queue.is_orphaned(run)
        echo(f"{position}. {run.id}" + "  (its process has ended; use --restart)" * orphaned)
    return {
        "trains": training.id if training else None,
        "waiting": [run.id for run in waiting],
        "restarted": restarted,
    }
