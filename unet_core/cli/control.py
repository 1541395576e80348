"""The commands that control a run: pause, resume, stop, set, continue."""

import argparse
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_run, find_run
from unet_core.cli.follow import follow, leave_queue
from unet_core.errors import ConfigError, RunError
from unet_core.runs import run as runs
from unet_core.training import launch

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    add_run(add_command(commands, "pause", pause, "pause a run after its current step"))
    add_run(add_command(commands, "resume", resume, "resume a run that is paused or was interrupted"))
    add_run(add_command(commands, "unpause", unpause, None))  # the name of `resume` for a paused run in release 0.1
    add_run(add_command(commands, "stop", stop, "stop a run and keep its best checkpoint"))

    parser = add_command(commands, "set", change, "change the learning rate or the number of epochs of a run")
    add_run(parser)
    parser.add_argument("--lr", type=float, help="learning rate from the next step on")
    text = "total number of epochs; if as many are already done, the run ends after the current one"
    parser.add_argument("--epochs", type=int, help=text)

    parser = add_command(commands, "continue", proceed, "train a finished run for more epochs")
    add_run(parser)
    parser.add_argument("--epochs", type=int, default=20, help="epochs to add (default: 20)")
    parser.add_argument("--lr", type=float, help="peak learning rate (default: that of the run)")


def pause(parsed: argparse.Namespace) -> dict[str, Any]:
    """Pause a run after its current step. Its process keeps its memory; `resume` lets it continue."""
    run = _active_run(parsed)
    run.request_pause()
    return _state(run)


def resume(parsed: argparse.Namespace) -> dict[str, Any]:
    """Resume a run.

    A paused run continues in its own process. A run that was interrupted, was stopped or has failed continues after its
    last saved epoch, and is followed until it ends.
    """
    run = find_run(parsed)
    if run.alive() and (run.control / "pause").exists():
        run.request_unpause()
        return _state(run)
    launch.start(run)
    return follow(run)


def unpause(parsed: argparse.Namespace) -> dict[str, Any]:
    """Resume a paused run."""
    run = _active_run(parsed)
    run.request_unpause()
    return _state(run)


def stop(parsed: argparse.Namespace) -> dict[str, Any]:
    """Stop a run after its current step and keep its best checkpoint; a queued run is removed from the queue."""
    run = find_run(parsed)
    if leave_queue(run):
        return _state(run) if run.folder.exists() else {"run": str(run.folder), "state": "removed"}
    run.request_stop()
    return _state(run)


def change(parsed: argparse.Namespace) -> dict[str, Any]:
    """Change the learning rate or the number of epochs of an active run, from its next step on.

    The new learning rate becomes the peak of the rest of the schedule: it decays from there, or stays constant.
    """
    run = _active_run(parsed)
    if parsed.lr is None and parsed.epochs is None:
        raise ConfigError("Nothing to set. Use --lr, --epochs or both.")
    if parsed.lr is not None:
        run.request_lr(parsed.lr)
    if parsed.epochs is not None:
        run.request_epochs(parsed.epochs)
    return _state(run)


def proceed(parsed: argparse.Namespace) -> dict[str, Any]:
    """Train a run that is over for more epochs, starting from its last saved epoch, and follow it."""
    run = find_run(parsed)
    launch.continue_run(run, parsed.epochs, parsed.lr)
    return follow(run)


def _active_run(parsed: argparse.Namespace) -> runs.Run:
    """The run that was named. Raises RunError where it is over."""
    run = find_run(parsed)
    if not run.state().active:
        raise RunError(f"Run {run.id} is not running (it is {run.state()}). Use `resume` or `continue`.")
    return run


def _state(run: runs.Run) -> dict[str, Any]:
    return {"run": str(run.folder), "state": run.state()}
