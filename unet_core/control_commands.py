"""The commands that steer a run: pause, unpause, set, continue."""

import argparse
from typing import Any

from unet_core import runs, worker
from unet_core.errors import ConfigError, RunError
from unet_core.run_commands import follow, named_run


def pause(parsed: argparse.Namespace) -> dict[str, Any]:
    """Hold a running run after its step; it keeps its place and all it has learnt."""
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
    worker.proceed(run, parsed.epochs, parsed.lr)
    return follow(run)


def _running(parsed: argparse.Namespace) -> runs.Run:
    run = named_run(parsed)
    if not run.state().active:
        raise RunError(f"Run {run.id} does not run (it is {run.state()}); `continue` and `resume` take it up again.")
    return run
