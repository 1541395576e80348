"""One run, live: its state, its buttons, its curves and its predictions over the epochs."""

from collections.abc import Callable

import streamlit as st

from pages.components.live_chart import show_live_chart
from pages.components.snapshots import show_snapshots
from pages.server import run_feed
from pages.ui import widgets
from pages.ui.figures import chart_view
from pages.ui.formatting import duration_text, plain, score_text
from pages.views.train import run_controls
from pages.views.train.live import next_steps, start, status
from unet_core.errors import UnetError
from unet_core.runs import chart_data
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.runs.run import RunState

TRAINING_TIME = "Training and validation, over all starts. Pauses, waiting and reading the images do not count."


def show(run: runs.Run) -> None:
    """The whole view. The curves come first: the browser requests their points while the rest is created."""
    state = run.state()
    head = st.container(key="head")
    st.fragment(show_progress)(run, state.active)
    with head:
        st.fragment(watch, run_every=1.0 if state.active else None)(run, state.active)
    with st.expander("Settings and details"):
        show_details(run)


def show_progress(run: runs.Run, active: bool) -> None:
    """The curves and the validation predictions; the browser keeps both up to date without this function."""
    key = f"film_epoch:{run.id}"
    epoch = show_live_chart(run, active, st.session_state.get(key))
    if epoch is not None:
        st.session_state[key] = epoch
    chart_view.show_export("live_chart", f"{run.id}-curves", export_tables(run), is_live=True)
    show_snapshots(run, active, st.session_state.get(key))


def export_tables(run: runs.Run) -> dict[str, Callable[[], str]]:
    """All points of the curves, made when they are asked for."""
    return {
        "steps": lambda: chart_data.steps_to_csv(run_feed.history(run)),
        "epochs": lambda: chart_data.epochs_to_csv(run_feed.history(run)),
    }


def watch(run: runs.Run, was_active: bool) -> None:
    """State and buttons. Runs once a second while the run is active, so it reads only what is new."""
    state = run.state()
    if was_active != state.active:
        st.rerun()  # the whole page: its buttons differ, also that of the form
    history = run_feed.history(run)
    is_over = run.has_best and not state.active
    with st.container(key="run_bar", gap="small"):  # stays in view, see assets/run.css
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="standing"):
            widgets.state_badge(state)
            if is_over:
                next_steps.show(run)
            else:
                show_controls(run, state, history)
        status.show(run, state, history)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="more_steps"):
        if is_over:
            show_controls(run, state, history)
        run_controls.show_with_model(run, state)
    explain(run, state, history)
    if history.started is not None and not state.active:
        show_results(history)


def show_controls(run: runs.Run, state: RunState, history: History) -> None:
    """The buttons of the state."""
    try:
        run_controls.show(run, state, history)
    except UnetError as error:  # the settings of the run cannot be read
        widgets.show_error(error)


def explain(run: runs.Run, state: RunState, history: History) -> None:
    """In words: what a state means, what went wrong, and what helps."""
    failed = run_controls.failed()
    if failed is not None and failed[0] == run.id:
        widgets.show_error(failed[1])
    for message in history.warnings[-3:]:
        widgets.show_warning(message)
    if len(history.warnings) > 3:
        with st.expander(f"All {len(history.warnings)} warnings"):
            st.markdown("\n".join(f"- {plain(message)}" for message in history.warnings[:200]))
    if history.failed is not None and not state.active:
        widgets.show_error(history.failed.message)
    if state == RunState.INTERRUPTED:
        remedy = (
            "**Resume** continues after the last saved epoch."
            if history.started
            else "It had not started yet. Start a new run with the same settings: **Runs**, **Copy settings**."
        )
        st.warning(
            "Training stopped unexpectedly: the process was killed, the machine restarted or the memory ran out. "
            f"{remedy} Log: {plain(str(run.log))}",
            icon=":material/power_off:",
        )
    if state == RunState.QUEUED:
        st.info(
            "Waiting for another run to finish. This run starts automatically, even if you close the page.",
            icon=":material/hourglass_empty:",
        )
    if state == RunState.PAUSED:
        st.info("Paused. The process keeps its memory.", icon=":material/pause:")
    if state == RunState.STOPPING:
        st.info("Stopping after a final validation. This takes a moment.", icon=":material/hourglass_bottom:")
    if state == RunState.RUNNING and run.silent_for() > runs.SILENT_SECONDS:
        st.warning(
            f"No response from the trainer for {duration_text(run.silent_for())}. The machine may be overloaded.",
            icon=":material/warning:",
        )


def show_results(history: History) -> None:
    """The result in numbers, once the run is over."""
    best, last = history.best, history.epochs[-1] if history.epochs else None
    widgets.tiles(
        {
            "Best Dice": (score_text(best.val_dice if best else None), "Mean over the validation images."),
            "IoU at best": (score_text(best.val_iou if best else None), "Mean over the images in the best epoch."),
            "Best epoch": (str(best.epoch) if best else "–", "The best checkpoint has the weights of this epoch."),
            "Epochs done": (f"{len(history.epochs)} of {history.total_epochs}", ""),
            "Crops/s": (f"{last.images_per_second:.1f}" if last else "–", "Training crops per second."),
            "Training time": (duration_text(history.training_seconds), TRAINING_TIME),
        }
    )


def show_details(run: runs.Run) -> None:
    """What the trainer reported at its start, and the settings."""
    start.show(run)
    started = run_feed.history(run).started
    if started is not None:
        st.caption(
            f"Images: {started.train_images} training, {started.val_images} validation, {started.test_images} test · "
            f"Parameters: {started.parameters:,} · Input channels: {started.in_channels} · "
            f"Output channels: {started.num_classes} · Device: {started.device}, {started.precision}, "
            f"CPU threads: {started.threads}"
        )
    try:
        st.json(run.config.to_dict(), expanded=False)
    except UnetError as error:
        widgets.show_error(error)
