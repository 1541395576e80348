"""The command that makes one model of several: ensemble."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_runs_dir
from unet_core.cli.output import echo
from unet_core.experiments import ensembles

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(
        commands, "ensemble", make, "make one model of several, such as the folds of a cross-validation"
    )
    text = "run ids, run folders, checkpoint folders or Hub models (owner/name)"
    parser.add_argument("models", metavar="CHECKPOINT_OR_RUN", nargs="+", help=text)
    parser.add_argument("--output", type=Path, required=True, help="checkpoint folder to write")
    add_runs_dir(parser)


def make(parsed: argparse.Namespace) -> dict[str, Any]:
    """Make an ensemble: a checkpoint folder that averages the probabilities of its members.

    The members must have the same architecture, channels, normalization and classes.
    """
    made = ensembles.make_ensemble(parsed.models, parsed.output, parsed.runs_dir)
    for note in made.notes:
        echo(f"note: {note}")
    return {"output": str(made.folder), "members": list(made.members), "notes": list(made.notes)}
