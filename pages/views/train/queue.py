"""The queue of runs that wait for the device: which one trains, which come next, and buttons to change that."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import undo, widgets
from pages.ui.formatting import plain
from unet_core.errors import UnetError
from unet_core.io import owners
from unet_core.runs import leaderboard, queue
from unet_core.runs import run as runs
from unet_core.training import requeue

POLL_SECONDS = 2.0
MOST = 8  # runs with buttons of their own; the others are listed


def show() -> None:
    """The queue, kept up to date; draws nothing where it is empty."""
    st.fragment(_show_queue, run_every=POLL_SECONDS)(runs.find_active(runs_dir()) is not None)


def _show_queue(was_busy: bool) -> None:
    """Runs every two seconds, to show also the runs that another tab or the command line has added.

    A visitor of a public server sees the own ones.
    """
    training, everybody = runs.find_active(runs_dir()), queue.waiting(runs_dir())
    waiting = [run for run in everybody if owners.is_own(run.folder)]
    others = len(everybody) - len(waiting)
    if was_busy != (training is not None):
        st.rerun()  # the whole page: the labels of its buttons depend on this
    if message := st.session_state.get("queue_error"):  # stays until the next click on a button
        widgets.show_error(message)
    undo.show("queued run", note="")
    if not waiting:
        return
    with st.container(border=True, key="queue"):
        head = f"{_name_training(training)} is training" if training else "The next run is about to start"
        more = f", {others} of other visitors" if others else ""
        st.markdown(f":material/hourglass_empty: {head} · **{len(waiting)}** in the queue{more}")
        for position, run in enumerate(waiting[:MOST], 1):
            _show_row(position, run, len(waiting))
        if len(waiting) > MOST:
            with st.expander(f"{len(waiting) - MOST} more", key="queue_rest"):
                rest = enumerate(waiting[MOST:], MOST + 1)
                st.markdown("\n".join(f"{position}. {_name(run)}" for position, run in rest))
        if len(waiting) > 1:
            with st.popover("Clear queue…", icon=":material/playlist_remove:", key="empty_line"):
                st.markdown(f"Remove all {len(waiting)} runs from the queue? Runs that never started are deleted.")
                st.button("Clear queue", key="queue_empty", on_click=_do, args=(remove, waiting))
        _show_orphans(waiting)


def _show_row(position: int, run: runs.Run, count: int) -> None:
    name = _name(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"waits:{run.id}"):
        st.markdown(f"{position}. {name}", width="stretch")
        for label, icon, by, usable in (
            ("Up", "arrow_upward", -1, position > 1),
            ("Down", "arrow_downward", 1, position < count),
        ):
            st.button(
                label,
                key=f"queue_{label.lower()}:{run.id}",
                icon=f":material/{icon}:",
                disabled=not usable,
                on_click=_do,
                args=(queue.move, run, by),
                help=f"Move {name} {label.lower()} by one position.",
                type="tertiary",
            )
        st.button(
            "Remove",
            key=f"queue_remove:{run.id}",
            icon=":material/close:",
            on_click=_do,
            args=(remove, [run]),
            help=f"Remove {name} from the queue. A run that never started is deleted; others are kept.",
            type="tertiary",
        )


def _show_orphans(waiting: list[runs.Run]) -> None:
    """The runs in the queue that have no process that would start them."""
    if count := sum(queue.is_orphaned(run) for run in waiting):
        runs_text = "1 queued run has" if count == 1 else f"{count} queued runs have"
        st.warning(
            f"{runs_text} no process: the machine was restarted, or the processes were killed. "
            "**Requeue** restarts them in their current positions.",
            icon=":material/power_off:",
        )
        st.button(
            "Requeue",
            key="queue_revive",
            icon=":material/restart_alt:",
            on_click=_do,
            args=(queue.restart_orphans, runs_dir()),
        )


def _name_training(run: runs.Run) -> str:
    return f"**{_name(run)}**" if owners.is_visible(run.folder) else "Another visitor's run"


def _name(run: runs.Run) -> str:
    return plain(_text(run))


def _text(run: runs.Run) -> str:
    sweep, name = leaderboard.series_and_name(run)
    return f"{name} ({sweep})" if name else run.id


def remove(waiting: list[runs.Run]) -> None:
    """For callbacks: remove runs from the queue, which can be undone. Raises RunError."""
    text = f"{_text(waiting[0])} removed" if len(waiting) == 1 else f"{len(waiting)} runs removed"
    if removed := requeue.withdraw(waiting):
        undo.remember("queued run", f"{text} from the queue", partial(requeue.put_back, runs_dir(), removed))


def _do(action: Callable[..., object], *arguments: object) -> None:
    """Called by a button, before anything is drawn again."""
    st.session_state.pop("queue_error", None)
    try:
        action(*arguments)
    except UnetError as error:
        st.session_state["queue_error"] = str(error)
