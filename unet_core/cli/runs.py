"""The commands about runs: stop, resume, pause, set, continue, list, queue, note, pack, code, delete."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from unet_core.cli.common import named_run
from unet_core.cli.output import tell
from unet_core.cli.train import _removed, follow
from unet_core.config import reproduce
from unet_core.errors import ConfigError, RunError
from unet_core.runs import manage, queue
from unet_core.runs import run as runs
from unet_core.runs.manage import Notes
from unet_core.training import launch


def pause(parsed: argparse.Namespace) -> dict[str, Any]:
    """Hold a running run after its step; it keeps its place and all it has learned."""
    run = _running(parsed)
    run.request_pause()
    return {"run": str(run.folder), "state": run.state()}


def unpause(parsed: argparse.Namespace) -> dict[str, Any]:
    """Let a run go on that was paused."""
    run = _running(parsed)
    run.request_unpause()
    return {"run": str(run.folder), "state": run.state()}


def change(parsed: argparse.Namespace) -> dict[str, Any]:
    """Change the learning rate or the number of epochs of a running run, from its next step on.

    The new rate replaces the schedule: it falls from there to almost nothing, or stays where the schedule is flat.
    """
    run = _running(parsed)
    if parsed.lr is None and parsed.epochs is None:
        raise ConfigError("Nothing to set; give --lr, --epochs or both.")
    if parsed.lr is not None:
        run.request_lr(parsed.lr)
    if parsed.epochs is not None:
        run.request_epochs(parsed.epochs)
    return {"run": str(run.folder), "state": run.state()}


def proceed(parsed: argparse.Namespace) -> dict[str, Any]:
    """Go on with a run that is over, from the last epoch it saved, and follow it."""
    run = named_run(parsed)
    launch.continue_run(run, parsed.epochs, parsed.lr)
    return follow(run)


def _running(parsed: argparse.Namespace) -> runs.Run:
    run = named_run(parsed)
    if not run.state().active:
        raise RunError(f"Run {run.id} does not run (it is {run.state()}); `continue` and `resume` take it up again.")
    return run


def note(parsed: argparse.Namespace) -> dict[str, Any]:
    """Give a run a name or a note; without either print those it has."""
    run = named_run(parsed)
    had = manage.notes(run)
    if parsed.name is not None or parsed.note is not None:
        wanted = Notes(
            had.name if parsed.name is None else parsed.name, had.note if parsed.note is None else parsed.note
        )
        manage.write_notes(run, wanted)
    return {"run": str(run.folder), **dataclasses.asdict(manage.notes(run))}


def pack(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write all of a run as one ZIP."""
    run = named_run(parsed)
    path = parsed.output or Path(f"{run.id}.zip")
    manage.pack(run, path)
    return {"run": str(run.folder), "output": str(path), "bytes": path.stat().st_size}


def code(parsed: argparse.Namespace) -> dict[str, Any]:
    """Print the command line and the Python program that repeat a run."""
    config = named_run(parsed).config
    tell(reproduce.python_code(config))
    return {"command": reproduce.command_line(config)}


def delete(parsed: argparse.Namespace) -> dict[str, Any]:
    """Delete a run with its checkpoints, for ever; a living one is refused."""
    run = named_run(parsed)
    if not parsed.yes:
        size = manage.size(run) / 2**20
        raise RunError(f"Run {run.id} ({manage.label(run)}, {size:.1f} MiB) would be gone for ever; add --yes.")
    manage.delete(run)
    return {"run": str(run.folder), "deleted": True}


def resume(parsed: argparse.Namespace) -> dict[str, Any]:
    """Take up an interrupted or failed run after its last finished epoch."""
    run = named_run(parsed)
    launch.start(run)
    return follow(run)


def stop(parsed: argparse.Namespace) -> dict[str, Any]:
    """Ask a running run to end after its step; one that waits is taken out of the line."""
    run = named_run(parsed)
    if _removed(run):
        return {"run": str(run.folder), "state": run.state() if run.folder.exists() else "removed"}
    run.request_stop()
    return {"run": str(run.folder), "state": run.state()}


def show_queue(parsed: argparse.Namespace) -> dict[str, Any]:
    """Who trains and who waits in which order; take runs out of the line or move them in it."""
    if parsed.remove:
        queue.remove(runs.get(parsed.runs_dir, parsed.remove))
    if parsed.move:
        run, by = parsed.move
        if not by.lstrip("+-").isdigit():
            raise ConfigError(f"--move {run} {by}: expected a number of places, -1 is one nearer to the device.")
        queue.move(runs.get(parsed.runs_dir, run), int(by))
    revived = [run.id for run in queue.restart_orphans(parsed.runs_dir)] if parsed.revive else []
    training, line = runs.find_active(parsed.runs_dir), queue.waiting(parsed.runs_dir)
    tell(f"trains: {training.id if training else 'none'}")
    for place, run in enumerate(line, 1):
        nobody = "  (nobody waits for it: --revive)" if run.id not in revived and queue.is_orphaned(run) else ""
        tell(f"{place}. {run.id}{nobody}")
    return {"trains": training.id if training else None, "waiting": [run.id for run in line], "revived": revived}


def list_runs(parsed: argparse.Namespace) -> dict[str, Any]:
    """The runs of a folder and where they stand."""
    return {"runs": [{"run": run.id, "state": run.state()} for run in runs.find(parsed.runs_dir)]}
