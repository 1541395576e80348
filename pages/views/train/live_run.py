"""One run, live: its state, what can be done with it, its curves and its film."""

import streamlit as st

from pages.components.live_chart import show_live_chart
from pages.components.snapshots import show_snapshots
from pages.server import run_feed
from pages.ui import widgets
from pages.ui.formatting import duration_text, plain, score_text
from pages.views.train import run_controls
from unet_core.errors import UnetError
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.runs.run import RunState


def show(run: runs.Run) -> None:
    """The whole view. The curves go out first: the browser asks for their points while the rest is made."""
    state = run.state()
    head = st.container(key="head")
    st.fragment(pictures)(run, state.active)
    with head:
        st.fragment(watch, run_every=1.0 if state.active else None)(run, state.active)
    with st.expander("Settings and details"):
        details(run)


def pictures(run: runs.Run, active: bool) -> None:
    """The curves and the film: the browser keeps both up to date without this function."""
    key = f"film_epoch:{run.id}"
    shown = show_live_chart(run, active, st.session_state.get(key))
    if shown is not None:
        st.session_state[key] = shown
    show_snapshots(run, active, st.session_state.get(key))


def watch(run: runs.Run, was_active: bool) -> None:
    """State and buttons: runs once a second while the run does, reads what is new, stays quick."""
    state = run.state()
    if was_active != state.active:
        st.rerun()  # the whole page: other buttons, and the form may start a run again
    history = run_feed.history(run)
    with st.container(horizontal=True, vertical_alignment="center", key="standing"):
        widgets.state_badge(state)
        try:
            run_controls.show(run, state, history)
        except UnetError as error:  # a run whose settings cannot be read
            widgets.show_error(error)
    explain(run, state, history)
    if history.started is not None and not state.active:
        numbers(history)


def explain(run: runs.Run, state: RunState, history: History) -> None:
    """In words, where something is not as it should be, and what helps."""
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
        st.warning(
            "The trainer ended without a word: the machine was restarted, or its memory ran out. Nothing saved is "
            f"lost; Resume goes on after the last finished epoch. Its output is in {plain(str(run.log))}.",
            icon=":material/power_off:",
        )
    if state == RunState.QUEUED:
        st.info(
            "Another run trains. This one begins by itself when its turn comes, also with this page closed.",
            icon=":material/hourglass_empty:",
        )
    if state == RunState.PAUSED:
        st.info("Held: the trainer uses no processor and keeps its memory until it goes on.", icon=":material/pause:")
    if state == RunState.STOPPING:
        st.info("Stopping: the last judgment of what was learned takes a moment.", icon=":material/hourglass_bottom:")
    if state in (RunState.STARTING, RunState.RUNNING) and history.started is None:
        st.info("The trainer reads the images; the first step follows in seconds.", icon=":material/hourglass_top:")
    if state == RunState.RUNNING and run.silent_for() > runs.SILENT_SECONDS:
        st.warning(f"No sign of life for {duration_text(run.silent_for())}; the machine may be overloaded.")


def numbers(history: History) -> None:
    """The result in numbers, once the run is over."""
    best, last = history.best, history.epochs[-1] if history.epochs else None
    widgets.tiles(
        {
            "Best Dice": (score_text(best.val_dice if best else None), "Mean over the validation images."),
            "IoU at best": (score_text(best.val_iou if best else None), ""),
            "Best epoch": (str(best.epoch) if best else "–", "Its weights are the ones that are kept."),
            "Epochs done": (f"{len(history.epochs)} of {history.total_epochs}", ""),
            "Images/s": (f"{last.images_per_second:.1f}" if last else "–", "Training crops a second."),
            "Duration": (duration_text(history.last_at - history.started_at), "Of the latest start."),
        }
    )


def details(run: runs.Run) -> None:
    """What the trainer found and was told."""
    begun = run_feed.history(run).started
    if begun is not None:
        st.caption(
            f"{begun.train_images} training, {begun.val_images} validation, {begun.test_images} test images · "
            f"{begun.parameters:,} parameters · {begun.in_channels} channels in, {begun.num_classes} out · "
            f"{begun.device}, {begun.precision}, {begun.threads} threads"
        )
    try:
        st.json(run.config.to_dict(), expanded=False)
    except UnetError as error:
        widgets.show_error(error)
