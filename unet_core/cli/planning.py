"""The commands before a run: plan, preflight."""

import argparse
import contextlib
import os
import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from unet_core.cli.common import add_command, add_preset, add_settings, read_config
from unet_core.cli.output import echo, program, warn
from unet_core.config import reproduce
from unet_core.config.schema import RunConfig
from unet_core.data import discovery, fingerprint
from unet_core.data.recipe import recipes
from unet_core.errors import RunError, UnetError
from unet_core.hardware import Machine
from unet_core.planning import planner, process
from unet_core.planning.report import Message, Progress, Refused, Report, encode, values
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.training import worker

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

WATCH_SECONDS = 0.2
LOWEST = 19  # priority of what nobody waits for


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "plan", propose, "suggest settings for a dataset, each with its reason")
    add_preset(parser)
    add_settings(parser)

    parser = add_command(commands, "preflight", check, "measure time, memory and the largest batch size")
    add_preset(parser)
    add_settings(parser)
    parser.add_argument("--lr-range", action="store_true", help="run the learning rate finder instead")
    parser.add_argument("--pace", action="store_true", help=argparse.SUPPRESS)  # of a page: see planning.pace
    parser.add_argument("--json-lines", action="store_true", help="print progress and result as lines of JSON")
    parser.add_argument("--check-folder", type=Path, help=argparse.SUPPRESS)  # of a page: see planning.process


def propose(parsed: argparse.Namespace) -> dict[str, Any]:
    """Suggest settings for a dataset, each with its reason, and print the command that trains with them."""
    config = read_config(parsed)
    search = discovery.search_data(config.data)
    data = fingerprint.measure_samples(search.samples, config.data, config.model.num_classes, search=search)
    advice = planner.propose(data, Machine.here(config.train.device), recipes.configure(config, search.recipe))
    for item in advice:
        change = f"{item.current} -> {item.value}" if item.changes else f"{item.value}"
        echo(f"{'*' if item.changes else ' '} {item.setting:<16} {change:<16} {item.reason}")
    suggested = planner.apply_advice(advice, config)
    arguments = ["train", config.data.root, *reproduce.flags(suggested, exclude=("root",))]
    echo(f"train with: {program()} {shlex.join(arguments)}")
    return {
        "fingerprint": data.to_dict(),
        "plan": {item.setting: item.value for item in advice if item.changes},
        "reasons": {item.setting: item.reason for item in advice},
    }


def check(parsed: argparse.Namespace) -> dict[str, Any]:
    """Pre-flight check: run a few real training steps to measure time, memory and the largest batch size.

    With --lr-range, run the learning rate finder instead.
    """
    config = read_config(parsed)
    last: Message | None = None
    with contextlib.ExitStack() as stack:
        if parsed.check_folder:
            _watch(stack, parsed.check_folder, parsed.runs_dir.resolve() if parsed.pace else None)
        try:
            if not parsed.pace:  # which gives way to a run by itself
                stack.enter_context(queue.hold_device(parsed.runs_dir.resolve()))
            for last in _steps(config, parsed):
                if parsed.json_lines:
                    print(encode(last), flush=True)
                elif isinstance(last, Progress):
                    echo(f"{last.share:4.0%}  {last.doing}")
        except UnetError as error:
            if not parsed.json_lines:
                raise
            last = Refused(str(error))
            print(encode(last), flush=True)
    if isinstance(last, Report):
        _print_report(last)
    return {} if parsed.json_lines or last is None else values(last)


def _steps(config: RunConfig, parsed: argparse.Namespace) -> Iterator[Message]:
    if hasattr(os, "nice"):
        os.nice(LOWEST if parsed.pace else worker.NICE)  # the same priority as the training
    yield Progress(0.0, "starting")
    from unet_core.planning import lr_finder, preflight

    if parsed.pace:
        yield from preflight.run(
            config, parsed.runs_dir, seconds=0, alone=True
        )  # without the search for the largest batch
    elif parsed.lr_range:
        yield from lr_finder.run(config, parsed.runs_dir)
    else:
        yield from preflight.run(config, parsed.runs_dir)


def _watch(stack: contextlib.ExitStack, folder: Path, yields_in: Path | None) -> None:
    """Hold the lock of a check, and end this process when the check is cancelled or takes too long.

    It also ends when a run of the folder `yields_in` becomes active.
    """
    try:
        stack.enter_context(FileLock(folder / "lock", timeout=1))
    except Timeout:
        raise RunError(f"{folder}: this check is already running.") from None
    until = time.monotonic() + process.LIMIT

    def watch() -> None:
        while (folder / "wanted").exists():
            if time.monotonic() > until:
                message = f"The check was stopped after {process.LIMIT:g} s. Lower image_size, base_channels or depth."
                print(encode(Refused(message)), flush=True)
                break
            if yields_in is not None and runs.find_active(yields_in) is not None:
                print(encode(Refused("A run is training.")), flush=True)
                break
            time.sleep(WATCH_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="watch").start()


def _print_report(report: Report) -> None:
    rows = {
        "device": f"{report.device}, {report.precision}, {report.threads} threads",
        "time per epoch": f"{report.epoch_seconds:.1f} s ({report.steps} steps of {report.step_seconds:.2f} s, "
        f"validation {report.val_seconds:.1f} s, saving {report.save_seconds:.1f} s)",
        "total time": f"{report.total_seconds():.0f} s for {report.epochs} epochs",
        "memory": f"{report.memory_mb:.0f} of {report.free_mb:.0f} MiB",
        "largest batch": report.explain_batch(),
        "receptive field": f"{report.receptive_field} px",
        "median object": f"{report.fingerprint.object_diameter or 0:.0f} px",
    }
    for name, value in rows.items():
        echo(f"{name:<16} {value}")
    for warning in report.warnings:
        warn(warning)
