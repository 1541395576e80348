"""The commands before a start: plan, preflight."""

import argparse
import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unet_core.cli.output import tell
from unet_core.cli.train import given_settings
from unet_core.config import reproduce
from unet_core.config.presets import get_preset
from unet_core.config.schema import RunConfig
from unet_core.data import discovery, fingerprint
from unet_core.errors import RunError, UnetError
from unet_core.hardware import Machine
from unet_core.planning import planner, process
from unet_core.planning.report import Progress, Refused, Report, Told, encode, values
from unet_core.runs import queue
from unet_core.training import worker

WATCH_SECONDS = 0.2


def propose(parsed: argparse.Namespace) -> dict[str, Any]:
    """Print which settings the data ask for, each with its reason, and the command that trains with them."""
    config = _config(parsed)
    found = discovery.find(Path(config.data.root), config.data.layout)
    data = fingerprint.measure_samples(found, config.data, config.model.num_classes)
    advice = planner.propose(data, Machine.here(config.train.device), config)
    for item in advice:
        change = f"{item.now} -> {item.value}" if item.changes else f"{item.value}"
        tell(f"{'*' if item.changes else ' '} {item.setting:<16} {change:<16} {item.reason}")
    taken = planner.apply_advice(advice, config)
    command = ["python", "-m", "unet_core", "train", config.data.root, *reproduce.flags(taken, exclude=("root",))]
    tell("train with: " + " ".join(command))
    return {
        "fingerprint": data.to_dict(),
        "plan": {item.setting: item.value for item in advice if item.changes},
        "reasons": {item.setting: item.reason for item in advice},
    }


def check(parsed: argparse.Namespace) -> dict[str, Any]:
    """Make a few real steps: what an epoch costs, the largest batch, what speaks against the settings.

    With --lr-range: the learning-rate range test instead.
    """
    config = _config(parsed)
    last: Told | None = None
    with contextlib.ExitStack() as stack:
        if parsed.check_folder:
            _watch(stack, parsed.check_folder)
        try:
            stack.enter_context(queue.hold_device(parsed.runs_dir.resolve()))
            for last in _steps(config, parsed):
                if parsed.json_lines:
                    print(encode(last), flush=True)
                elif isinstance(last, Progress):
                    tell(f"{last.share:4.0%}  {last.doing}")
        except UnetError as error:
            if not parsed.json_lines:
                raise
            last = Refused(str(error))
            print(encode(last), flush=True)
    if isinstance(last, Report):
        _tell_report(last)
    return {} if parsed.json_lines or last is None else values(last)


def _config(parsed: argparse.Namespace) -> RunConfig:
    return get_preset(parsed.preset).replace(**given_settings(parsed))


def _steps(config: RunConfig, parsed: argparse.Namespace) -> Iterator[Told]:
    if hasattr(os, "nice"):
        os.nice(worker.NICE)  # as the trainer will be
    yield Progress(0.0, "starting")
    from unet_core.planning import lr_finder, preflight

    if parsed.lr_range:
        yield from lr_finder.run(config, parsed.runs_dir)
    else:
        yield from preflight.run(config, parsed.runs_dir)


def _watch(stack: contextlib.ExitStack, folder: Path) -> None:
    """Hold the lock of a check, and end this process when nobody wants it any more, or it takes too long."""
    try:
        stack.enter_context(FileLock(folder / "lock", timeout=1))
    except Timeout:
        raise RunError(f"{folder}: this check runs already.") from None
    until = time.monotonic() + process.LIMIT

    def watch() -> None:
        while (folder / "wanted").exists():
            if time.monotonic() > until:
                limit = f"{process.LIMIT:g} s"
                print(encode(Refused(f"The check took longer than {limit} and was ended; try smaller settings.")))
                break
            time.sleep(WATCH_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="watch").start()


def _tell_report(report: Report) -> None:
    rows = {
        "device": f"{report.device}, {report.precision}, {report.threads} threads",
        "an epoch": f"{report.epoch_seconds:.1f} s ({report.steps} steps of {report.step_seconds:.2f} s, validation "
        f"{report.val_seconds:.1f} s, saving {report.save_seconds:.1f} s)",
        "the run": f"{report.total_seconds():.0f} s for {report.epochs} epochs",
        "memory": f"{report.memory_mb:.0f} MiB of {report.free_mb:.0f}",
        "largest batch": f"{report.largest_batch} (ended by {report.largest_by})",
        "sees": f"{report.receptive_field} px, median object {report.fingerprint.object_diameter or 0:.0f} px",
    }
    for name, value in rows.items():
        tell(f"{name:<14} {value}")
    for warning in report.warnings:
        tell(f"warning: {warning}")
