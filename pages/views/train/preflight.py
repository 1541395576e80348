"""The check before the start: its button, its progress, what a run would cost and what speaks against it."""

from collections.abc import Callable

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.formatting import duration_text, plain
from unet_core.config.schema import RunConfig, all_fields
from unet_core.errors import UnetError
from unet_core.planning import process
from unet_core.planning.process import Check, CheckState
from unet_core.planning.report import Progress, Report

SECONDS_BETWEEN = 0.5  # two looks at a check that runs
ENDED_BY = {
    "memory": "the next larger one did not fit the memory",
    "data": "an epoch has no more crops",
    "time": "the check's time was over; larger ones may fit",
    "setting": "the setting goes no further",
}


def begin(config: RunConfig, kind: str) -> None:
    """Called by a button: starts the process."""
    try:
        st.session_state[f"{kind}_folder"] = str(process.start(config, runs_dir(), kind).folder)
    except UnetError as error:
        st.session_state[f"{kind}_error"] = str(error)


def known(config: RunConfig, kind: str) -> Check | None:
    """The check of these settings, or else the latest of this visit, None where there is none."""
    check = process.check_for(config, runs_dir(), kind)
    if not check.folder.is_dir():
        latest = st.session_state.get(f"{kind}_folder")
        check = Check(check.folder.parent / latest.rpartition("/")[2]) if latest else check
    return check if check.folder.is_dir() else None


def show(config: RunConfig, usable: bool) -> None:
    """The section of the page."""
    st.subheader("Check before start", anchor=False)
    section(config, usable, "check", "Check before start", ":material/speed:", results)


def section(
    config: RunConfig, usable: bool, kind: str, label: str, icon: str, results: Callable[[Check, RunConfig], None]
) -> None:
    """Button, progress and results of a kind of check; while one runs, only this part of the page is drawn again."""
    check = known(config, kind)
    running = check is not None and check.state() is CheckState.RUNNING
    if message := st.session_state.pop(f"{kind}_error", None):
        widgets.show_error(message)
    st.button(
        label if check is None or running else f"{label}, again",
        key=f"{kind}_begin",
        icon=icon,
        disabled=running or not usable,
        on_click=begin,
        args=(config, kind),
    )
    if running:
        st.fragment(progress, run_every=SECONDS_BETWEEN)(check, kind)
    elif check is not None:
        outcome(check, config, results)


def progress(check: Check, kind: str) -> None:
    """A bar, what it does now, and a way to end it; the whole page is drawn anew when it is over."""
    if check.state() is not CheckState.RUNNING:
        st.rerun()
    told = check.last_message()
    share, doing = (told.share, told.doing) if isinstance(told, Progress) else (0.0, "starting")
    st.progress(min(1.0, share), text=plain(doing[0].upper() + doing[1:] + "…"))
    st.button("Cancel", key=f"{kind}_cancel", icon=":material/close:", on_click=check.cancel)


def outcome(check: Check, config: RunConfig, results: Callable[[Check, RunConfig], None]) -> None:
    """What came out of a check that is over."""
    state = check.state()
    if state is CheckState.CANCELLED:
        st.info("The check was cancelled.", icon=":material/close:")
    elif state is CheckState.FAILED:
        widgets.show_error(check.problem())
    else:
        try:
            differing(check.config, config)
        except UnetError as error:
            widgets.show_error(error)
        results(check, config)


def differing(checked: RunConfig, config: RunConfig) -> None:
    """Say with which settings it was made, where they are no longer those of the form."""
    pairs = {
        option.name: tuple(getattr(getattr(which, option.section), option.name) for which in (checked, config))
        for option in all_fields()
        if option.name not in ("epochs", "series")
    }
    changed = [f"{widgets.label_of(name).lower()} {before}" for name, (before, now) in pairs.items() if before != now]
    if changed:
        st.caption(plain(f"Made with other settings than the form has now: {', '.join(changed)}."))


def results(check: Check, config: RunConfig) -> None:
    """Tiles, the way to use the batch, and warnings."""
    report = check.result()
    if not isinstance(report, Report):
        return
    widgets.tiles(tiles(report, config.train.epochs))
    for warning in report.warnings:
        widgets.show_warning(warning)
    batch = report.largest_batch
    more = f", the memory would hold about {report.memory_batch}" if report.memory_batch > batch else ""
    faster = "" if report.device != "cpu" else " On a processor a larger batch is hardly faster."
    st.caption(
        f"A batch of {batch} made a real step: {ENDED_BY.get(report.largest_by, report.largest_by)}{more}.{faster}"
    )
    if batch != config.train.batch_size:
        st.button(
            f"Use {batch} as batch size",
            key="use_batch",
            icon=":material/input:",
            on_click=widgets.set_option,
            args=("batch_size", batch),
        )


def tiles(report: Report, epochs: int) -> dict[str, tuple[str, str]]:
    """The report in words, for so many epochs."""
    seconds = report.epoch_seconds
    free = f" of {report.free_mb / 1024:.1f} GB free" if report.free_mb else ""
    objects = report.fingerprint.object_diameter
    found = {
        "An epoch": (
            f"{seconds:.1f} s" if seconds < 60 else duration_text(seconds),
            f"{report.steps} steps of {report.step_seconds * report.crops / report.steps / report.batch_size:.2f} s, "
            f"validation {report.val_seconds:.1f} s, film and checkpoints {report.save_seconds:.1f} s.",
        ),
        f"{epochs} epochs": (duration_text(report.total_seconds(epochs)), "From the start to the end of the run."),
        "Memory": (f"{report.memory_mb / 1024:.1f} GB", f"At most in use with these settings{free}."),
        "Largest batch": (f"{report.largest_batch}", "Crops in the largest step that was made."),
        "Net sees": (f"{report.receptive_field} px", "The square of the image that one pixel of the mask depends on."),
    }
    if objects is not None:
        found["Median object"] = (f"{objects:.0f} px", "Its width; the net should see more than that.")
    found["Computed on"] = (f"{report.device}, {report.precision}", f"{report.threads} processor threads.")
    return found
