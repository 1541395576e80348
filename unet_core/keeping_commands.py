"""The commands about what is kept of a run: its name and note, a ZIP, the code that repeats it, its end."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from unet_core import keeping, recipe
from unet_core.errors import RunError
from unet_core.keeping import Notes
from unet_core.run_commands import named_run
from unet_core.tell import tell


def note(parsed: argparse.Namespace) -> dict[str, Any]:
    """Give a run a name or a note; without either print those it has."""
    run = named_run(parsed)
    had = keeping.notes(run)
    if parsed.name is not None or parsed.note is not None:
        wanted = Notes(
            had.name if parsed.name is None else parsed.name, had.note if parsed.note is None else parsed.note
        )
        keeping.write_notes(run, wanted)
    return {"run": str(run.folder), **dataclasses.asdict(keeping.notes(run))}


def pack(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write all of a run as one ZIP."""
    run = named_run(parsed)
    path = parsed.output or Path(f"{run.id}.zip")
    keeping.pack(run, path)
    return {"run": str(run.folder), "output": str(path), "bytes": path.stat().st_size}


def code(parsed: argparse.Namespace) -> dict[str, Any]:
    """Print the command line and the Python program that repeat a run."""
    config = named_run(parsed).config
    tell(recipe.python_code(config))
    return {"command": recipe.command_line(config)}


def delete(parsed: argparse.Namespace) -> dict[str, Any]:
    """Delete a run with its checkpoints, for ever; a living one is refused."""
    run = named_run(parsed)
    if not parsed.yes:
        size = keeping.size(run) / 2**20
        raise RunError(f"Run {run.id} ({keeping.label(run)}, {size:.1f} MiB) would be gone for ever; add --yes.")
    keeping.delete(run)
    return {"run": str(run.folder), "deleted": True}
