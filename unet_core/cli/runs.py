"""The commands about saved runs: runs, note, pack, code, delete, restore."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_run, add_runs_dir, find_run
from unet_core.cli.output import echo, warn
from unet_core.config import reproduce
from unet_core.errors import ConfigError, RunError
from unet_core.runs import manage
from unet_core.runs import run as runs

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    add_runs_dir(add_command(commands, "runs", list_runs, "list the runs and their states"))

    parser = add_command(commands, "note", note, "name a run or add a note to it")
    add_run(parser)
    parser.add_argument("--name", help=f"at most {manage.LONGEST_NAME} characters; empty removes it")
    parser.add_argument("--note", help=f"at most {manage.LONGEST_NOTE} characters; empty removes it")

    parser = add_command(commands, "pack", pack, "export a run as a ZIP file")
    add_run(parser)
    parser.add_argument("--output", type=Path, metavar="FILE.zip", help="file to write (default: RUN.zip)")
    parser.add_argument("--model", action="store_true", help="the best checkpoint alone")
    text = "the best checkpoint with split, scores of all held-out images and three of them, for `verify`"
    parser.add_argument("--verifiable", action="store_true", help=text)
    parser.add_argument("--no-images", action="store_true", help="with --verifiable: leave the three images out")

    add_run(add_command(commands, "code", code, "print the command and the Python code that reproduce a run"))

    parser = add_command(commands, "delete", delete, f"delete a run; it can be restored for {manage.KEPT}")
    add_run(parser)
    parser.add_argument("--yes", action="store_true", help="confirm the deletion")
    parser.add_argument("--permanently", action="store_true", help="free the disk space at once; cannot be undone")

    parser = add_command(commands, "restore", restore, "restore a deleted run, or list those that can be restored")
    parser.add_argument("run", metavar="RUN", nargs="?", default="", help="id of the deleted run (default: list them)")
    add_runs_dir(parser)


def list_runs(parsed: argparse.Namespace) -> dict[str, Any]:
    """List the runs of a folder and their states."""
    return {"runs": [{"run": run.id, "state": run.state()} for run in runs.find(parsed.runs_dir)]}


def note(parsed: argparse.Namespace) -> dict[str, Any]:
    """Name a run or add a note to it; without options, print its name and note."""
    run = find_run(parsed)
    changes = {key: text for key in ("name", "note") if (text := getattr(parsed, key)) is not None}
    if changes:
        manage.write_notes(run, dataclasses.replace(manage.notes(run), **changes))
    return {"run": str(run.folder), **dataclasses.asdict(manage.notes(run))}


def pack(parsed: argparse.Namespace) -> dict[str, Any]:
    """Export everything of a run as a ZIP file, or with --model what predicts, or with --verifiable what it scored."""
    run = find_run(parsed)
    if parsed.model and parsed.verifiable:
        raise ConfigError("--model and --verifiable are two kinds of file. Choose one.")
    kind = "-model" * parsed.model + "-verifiable" * parsed.verifiable
    path = parsed.output or Path(f"{run.id}{kind}.zip")
    if parsed.verifiable:
        from unet_core.sharing.proof import write_proof

        notes = write_proof(run, path, with_images=not parsed.no_images, progress=lambda name: echo(f"scoring {name}"))
        for note in notes:
            warn(note)
    else:
        (manage.pack_model if parsed.model else manage.pack)(run, path)
    return {"run": str(run.folder), "output": str(path), "bytes": path.stat().st_size}


def code(parsed: argparse.Namespace) -> dict[str, Any]:
    """Print the command line and the Python code that reproduce a run."""
    config = find_run(parsed).repeatable
    echo(reproduce.python_code(config))
    return {"command": reproduce.command_line(config)}


def delete(parsed: argparse.Namespace) -> dict[str, Any]:
    """Delete a run and its checkpoints. An active run cannot be deleted."""
    run = find_run(parsed)
    if not parsed.yes:
        size = manage.size(run) / 2**20
        how = " permanently" if parsed.permanently else f"; it can be restored for {manage.KEPT}"
        raise RunError(f"This deletes run {run.id} ({manage.label(run)}, {size:.1f} MiB){how}. Confirm with --yes.")
    removed = manage.delete(run, parsed.permanently)
    if removed is not None:
        echo(f"deleted {run.id}; for {manage.KEPT}: unet-studio restore {run.id} --runs-dir {run.folder.parent}")
    return {"run": str(run.folder), "deleted": True, "can_be_restored": removed is not None}


def restore(parsed: argparse.Namespace) -> dict[str, Any]:
    """Restore a deleted run by its id, the latest of that id; without one, list the runs that can be restored."""
    items = manage.deleted(parsed.runs_dir)
    if not parsed.run:
        for item in items:  # the latest first
            echo(f"{item.name}  {item.notes.get('label', '')}".rstrip())
        return {"deleted": [item.name for item in items]}
    found = [item for item in items if item.name == parsed.run]
    if not found:
        raise RunError(
            f"There is no deleted run {parsed.run!r} in {parsed.runs_dir}. Deleted runs are kept for {manage.KEPT}; "
            "`restore` without an id lists them."
        )
    return {"run": str(manage.restore(parsed.runs_dir, found[0].key).folder)}
