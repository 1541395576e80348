"""The line of runs that wait for the device: who trains, who comes next, and what can be done about it."""

from collections.abc import Callable

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.errors import UnetError
from unet_core.runs import leaderboard, queue
from unet_core.runs import run as runs

LOOK_SECONDS = 2.0
MOST = 8  # runs with buttons of their own; the others are listed


def show() -> None:
    """The line, kept up to date; draws nothing where nobody waits."""
    st.fragment(_line, run_every=LOOK_SECONDS)(runs.find_active(runs_dir()) is not None)


def _line(was_busy: bool) -> None:
    """Looks again every two seconds, also for runs that another tab or the command line has filed."""
    training, waiting = runs.find_active(runs_dir()), queue.waiting(runs_dir())
    if was_busy != (training is not None):
        st.rerun()  # the whole page: what its buttons say follows from this
    if message := st.session_state.get("queue_error"):  # stays to be read until the next button
        widgets.show_error(message)
    if not waiting:
        return
    with st.container(border=True, key="queue"):
        head = f"**{_name(training)}** trains" if training else "The next one is about to begin"
        st.markdown(
            f":material/hourglass_empty: {head} · **{len(waiting)}** {'waits' if len(waiting) == 1 else 'wait'}"
        )
        for place, run in enumerate(waiting[:MOST], 1):
            _row(place, run, len(waiting))
        if len(waiting) > MOST:
            with st.expander(f"{len(waiting) - MOST} more", key="queue_rest"):
                rest = enumerate(waiting[MOST:], MOST + 1)
                st.markdown("\n".join(f"{place}. {_name(run)}" for place, run in rest))
        if len(waiting) > 1:
            with st.popover("Empty the line…", icon=":material/playlist_remove:", key="empty_line"):
                st.markdown(f"All {len(waiting)} runs leave the line; those that never began are deleted.")
                st.button("Remove them all", key="queue_empty", on_click=_do, args=(_remove_all, waiting))
        _orphans(waiting)


def _row(place: int, run: runs.Run, count: int) -> None:
    name = _name(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"waits:{run.id}"):
        st.markdown(f"{place}. {name}", width="stretch")
        for label, icon, by, usable in (
            ("Up", "arrow_upward", -1, place > 1),
            ("Down", "arrow_downward", 1, place < count),
        ):
            st.button(
                label,
                key=f"queue_{label.lower()}:{run.id}",
                icon=f":material/{icon}:",
                disabled=not usable,
                on_click=_do,
                args=(queue.move, run, by),
                help=f"Move {name} one place {label.lower()} the line.",
                type="tertiary",
            )
        st.button(
            "Remove",
            key=f"queue_remove:{run.id}",
            icon=":material/close:",
            on_click=_do,
            args=(queue.remove, run),
            help=f"Take {name} out of the line. A run that never began is deleted, another stays as it is.",
            type="tertiary",
        )


def _orphans(waiting: list[runs.Run]) -> None:
    """Runs whose place is kept while no process waits for them."""
    if forsaken := [run for run in waiting if queue.is_orphaned(run)]:
        st.warning(
            f"Nobody waits for {len(forsaken)} of them any more: the machine was restarted, or their processes were "
            "ended. Their places are kept.",
            icon=":material/power_off:",
        )
        st.button(
            "Wait again",
            key="queue_revive",
            icon=":material/restart_alt:",
            on_click=_do,
            args=(queue.restart_orphans, runs_dir()),
        )


def _name(run: runs.Run) -> str:
    sweep, name = leaderboard.series_and_name(run)
    return plain(f"{name} ({sweep})" if name else run.id)


def _remove_all(waiting: list[runs.Run]) -> None:
    """From the end, so that no run begins that is to go as well."""
    for run in reversed(waiting):
        if run.queued:
            queue.remove(run)


def _do(action: Callable[..., object], *arguments: object) -> None:
    """Called by a button, before anything is drawn anew."""
    st.session_state.pop("queue_error", None)
    try:
        action(*arguments)
    except UnetError as error:
        st.session_state["queue_error"] = str(error)
