"""How long the run in the form will take, in the line above Start, and what that is based on."""

import time

import streamlit as st

from pages.server import paths
from pages.server.paths import runs_dir
from pages.ui.formatting import duration_text, plain
from pages.views.train import sweep_results
from pages.views.train.plan import Plan
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.planning import pace, process
from unet_core.planning.pace import DatasetShape, Pace
from unet_core.planning.process import CheckState
from unet_core.planning.report import Report
from unet_core.runs import run as runs

MOST_RUNS = 8  # newest runs that are looked at
RETRY_SECONDS = 60.0  # after which a measurement that gave way to a run is made again
POLL_SECONDS = 1.0


def show(line: str, config: RunConfig, plan: Plan) -> None:
    """The line with its time; while the machine is measured it is looked at again and again, but nothing else is."""
    shape = find_shape(plan, config)
    source = find_pace(config) if shape is not None else None
    waiting = source is None and shape is not None
    if waiting and measure():
        st.fragment(_wait, run_every=POLL_SECONDS)(line)
    elif isinstance(source, Pace) and shape is not None:
        channels = plan.data.channels if plan.data else 3
        _write(line, pace.estimate_seconds(config, shape, source, channels), source.basis)
    elif isinstance(source, Report):
        _write(line, source.total_seconds(config.train.epochs), "The pre-flight check of these settings.")
    else:
        st.caption(plain(line), width="stretch")


def _write(line: str, seconds: float, basis: str) -> None:
    help_text = f"Estimated from: {plain(basis)} Other work on this machine makes it longer."
    about = duration_text(round_seconds(seconds)).removesuffix(" 0 s")
    st.caption(f"{plain(line)}, about {about}", help=help_text, width="stretch")


def round_seconds(seconds: float) -> float:
    """As exact as an estimate is: to 5 s, from two minutes on to minutes.

    >>> round_seconds(43.0), round_seconds(500.0)
    (45.0, 480.0)
    """
    unit = 5.0 if seconds < 120 else 60.0
    return max(unit, unit * round(seconds / unit))


def _wait(line: str) -> None:
    if not measure(again=False):
        st.rerun()
    st.caption(f"{plain(line)}, estimating…", help="This machine is measured for a few seconds.", width="stretch")


def find_shape(plan: Plan, config: RunConfig) -> DatasetShape | None:
    """The number and size of the images; None where they are not known yet."""
    return None if plan.data is None else DatasetShape.of(plan.data, config, plan.subsets)


def find_pace(config: RunConfig) -> Pace | Report | None:
    """The best that is known: a run on the same data, a check of these settings, any run, the machine's measurement."""
    other: Pace | None = None
    here = machine_of(config)
    for run in runs.find(runs_dir())[:MOST_RUNS]:
        try:
            past = run.config
        except UnetError:
            continue
        if machine_of(past) != here or past.model.norm != config.model.norm:
            continue
        same = past.data.root == config.data.root
        basis = "an earlier run on this dataset." if same else "an earlier run on another dataset."
        found = pace.of_history(past, sweep_results.read_history(run), basis)
        if found and same:
            return found
        other = other or found
    report = process.check_for(config, runs_dir(), "check").result()
    if isinstance(report, Report):
        return report
    return other or find_measurement()


def machine_of(config: RunConfig) -> tuple[str, str, int]:
    """What settings say of the machine: runs that agree in it have the same pace."""
    return config.train.device, config.train.precision, config.train.threads


def find_measurement() -> Pace | None:
    """The pace of this machine as it was measured; None where it was not, or is being."""
    check = pace.find_measurement(runs_dir(), paths.sample_data())
    report = check.result()
    if not isinstance(report, Report):
        return None
    basis = f"a measurement of this machine ({report.device}, {report.precision}) with the built-in sample."
    return pace.of_report(RunConfig(), report, basis)


def measure(again: bool = True) -> bool:
    """Have this machine measured unless it was or a run uses it; whether that is going on."""
    check = pace.find_measurement(runs_dir(), paths.sample_data())
    if check.folder.is_dir():
        state = check.state()
        if state in (CheckState.RUNNING, CheckState.DONE):
            return state is CheckState.RUNNING
        if not again or time.time() - check.folder.stat().st_mtime < RETRY_SECONDS:
            return False
    if not again or runs.find_active(runs_dir()) is not None:
        return False
    try:
        pace.start_measurement(runs_dir(), paths.sample_data())
    except UnetError:
        return False
    return True
