"""The pre-flight check: its button, its progress, the time and memory of a run, and warnings about its settings."""

from collections.abc import Callable

import streamlit as st

from pages.server.paths import runs_dir
from pages.server.visitors import quotas
from pages.ui import widgets
from pages.ui.formatting import duration_text, plain
from pages.ui.settings import values_of
from unet_core.config.labels import fields_by_name
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.planning import process
from unet_core.planning.process import Check, CheckState
from unet_core.planning.report import Progress, Report

POLL_SECONDS = 0.5
ASKED = "check_asked"  # in the session: the kind of check whose button was clicked


def ask(kind: str) -> None:
    """Called by a button: the check starts once the form is drawn, which may have just been changed."""
    st.session_state[ASKED] = kind


def forget() -> None:
    """Start no check, whichever was asked for."""
    st.session_state.pop(ASKED, None)


def begin(config: RunConfig, kind: str) -> None:
    """Start the process."""
    try:
        quotas.check_settings(config, runs_dir())
        st.session_state[f"{kind}_folder"] = str(process.start(config, runs_dir(), kind).folder)
    except UnetError as error:
        st.session_state[f"{kind}_error"] = str(error)


def find_check(config: RunConfig, kind: str) -> Check | None:
    """The check of these settings, else the latest of this session, None where there is none."""
    check = process.check_for(config, runs_dir(), kind)
    if not check.folder.is_dir():
        latest = st.session_state.get(f"{kind}_folder")
        check = Check(check.folder.parent / latest.rpartition("/")[2]) if latest else check
    return check if check.folder.is_dir() else None


def show(config: RunConfig, usable: bool) -> None:
    """The section of the page."""
    st.header("Pre-flight check", anchor=False)
    st.caption("Runs a few training steps with these settings. Takes about 20 seconds and does not affect your runs.")
    show_check(config, usable, "check", ("Run check", "Run check again"), ":material/speed:", show_report)


def show_check(
    config: RunConfig,
    usable: bool,
    kind: str,
    labels: tuple[str, str],
    icon: str,
    show_results: Callable[[Check, RunConfig], None],
) -> None:
    """Button, progress and results of a kind of check; `labels` of the button: at first, and where there are results.

    While a check runs, only this part of the page is drawn again.
    """
    if st.session_state.get(ASKED) == kind:
        forget()
        if usable:
            begin(config, kind)
    check = find_check(config, kind)
    running = check is not None and check.state() is CheckState.RUNNING
    if message := st.session_state.pop(f"{kind}_error", None):
        widgets.show_error(message)
    st.button(
        labels[0] if check is None or running else labels[1],
        key=f"{kind}_begin",
        icon=icon,
        disabled=running or not usable,
        on_click=ask,
        args=(kind,),
    )
    if check is not None and running:
        st.fragment(show_progress, run_every=POLL_SECONDS)(check, kind)
    elif check is not None:
        show_outcome(check, config, show_results)


def show_progress(check: Check, kind: str) -> None:
    """A progress bar and a button to cancel; the whole page is drawn again when the check is over."""
    if check.state() is not CheckState.RUNNING:
        st.rerun()
    message = check.last_message()
    share, doing = (message.share, message.doing) if isinstance(message, Progress) else (0.0, "starting")
    st.progress(min(1.0, share), text=plain(doing[0].upper() + doing[1:] + "…"))
    st.button("Cancel", key=f"{kind}_cancel", icon=":material/close:", on_click=check.cancel)


def show_outcome(check: Check, config: RunConfig, show_results: Callable[[Check, RunConfig], None]) -> None:
    """The results of a check that is over, or why there are none."""
    state = check.state()
    if state is CheckState.CANCELLED:
        st.info("The check was canceled.", icon=":material/close:")
    elif state is CheckState.FAILED:
        widgets.show_error(check.problem())
    else:
        try:
            show_differences(check.config, config)
        except UnetError as error:
            widgets.show_error(error)
        show_results(check, config)


def show_differences(checked: RunConfig, config: RunConfig) -> None:
    """The settings that were checked, where they differ from the current ones of the form."""
    current = values_of(config)
    changed = [
        f"{widgets.label_of(name)} {fields_by_name()[name].words(value)}"
        for name, value in values_of(checked).items()
        if name not in ("epochs", "series") and value != current[name]
    ]
    if changed:
        st.caption(plain(f"Checked with different settings than in the form: {', '.join(changed)}."))


def show_report(check: Check, config: RunConfig) -> None:
    """Tiles, warnings, and a button to use the largest batch."""
    report = check.result()
    if not isinstance(report, Report):
        return
    widgets.tiles(tiles(report, config.train.epochs))
    for warning in report.warnings:
        widgets.show_warning(warning)
    batch = report.largest_batch
    faster = " On a CPU, larger batches are barely faster." if report.device == "cpu" else ""
    st.caption(f"{report.explain_batch()}{faster}")
    if batch != config.train.batch_size:
        st.button(
            f"Use batch size {batch}",
            key="use_batch",
            icon=":material/input:",
            on_click=widgets.set_option,
            args=("batch_size", batch),
        )


def tiles(report: Report, epochs: int) -> dict[str, tuple[str, str]]:
    """The report for so many epochs, {label: (value, help)}."""
    seconds = report.epoch_seconds
    free = f"; {report.free_mb / 1024:.1f} GB are free" if report.free_mb else ""
    diameter = report.fingerprint.object_diameter
    numbers = {
        "Time per epoch": (
            f"{seconds:.1f} s" if seconds < 60 else duration_text(seconds),
            f"{report.steps} steps of {report.step_seconds * report.crops / report.steps / report.batch_size:.2f} s, "
            f"validation {report.val_seconds:.1f} s, saving {report.save_seconds:.1f} s.",
        ),
        f"{epochs} epochs" if epochs != 1 else "1 epoch": (
            duration_text(report.total_seconds(epochs)),
            "Total time, including the loading of the images.",
        ),
        "Memory": (f"{report.memory_mb / 1024:.1f} GB", f"Peak use with these settings{free}."),
        "Largest batch": (
            f"{report.largest_batch} (all crops)" if report.largest_by == "data" else f"{report.largest_batch}",
            report.explain_batch(),
        ),
        "Receptive field": (f"{report.receptive_field} px", "Side of the image area that can affect one output pixel."),
    }
    if diameter is not None:
        numbers["Object diameter"] = (f"{diameter:.0f} px", "Median. The receptive field should be larger.")
    numbers["Device"] = (f"{report.device}, {report.precision}", f"CPU threads: {report.threads}.")
    return numbers
