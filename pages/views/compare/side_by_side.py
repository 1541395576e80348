"""Runs side by side: settings in which they differ, curves over one another, scores, and the leaderboard."""

from collections.abc import Sequence

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.compare import leaderboard
from pages.views.train import sweep_results
from unet_core.errors import listing
from unet_core.evaluation.compare import side_by_side
from unet_core.runs import manage
from unet_core.runs import run as runs

MOST_RUNS = 12  # whose curves one can still tell apart
CHOSEN, ADDRESS, READ = (
    "compare_runs",
    "runs",
    "compare_runs_read",
)  # in the session; in the address; what was read there
NONE_YET = "Comparing takes two runs or more. [Train](/train) another one, with other settings."


def show(existing: Sequence[runs.Run]) -> None:
    """The chosen runs, and all runs of one dataset."""
    if len(existing) < 2:
        st.info(NONE_YET, icon=":material/compare:")
        return
    members = choose(existing)
    with st.container(key="compare_chosen"):
        if len(members) < 2:
            st.info("Choose two runs or more.", icon=":material/compare:")
        else:
            show_members(members, "chosen")
            offer_duel(members)
    with st.container(key="compare_leaderboard"):
        leaderboard.show(existing)


def choose(existing: Sequence[runs.Run]) -> list[runs.Run]:
    """The menu of runs; the choice stands in the address. At first the two newest."""
    names = {run.id: run for run in existing}
    left, right = st.columns([7, 1], gap="small", vertical_alignment="bottom")
    with left, st.container():  # it has its place also where it is empty
        _settle(list(names))
    chosen = left.multiselect(
        "Runs",
        list(names),
        key=CHOSEN,
        format_func=lambda name: _describe(names[name]),
        placeholder="Choose two runs or more",
        persist_state="session",
    )
    if chosen:
        st.query_params[ADDRESS] = ",".join(chosen)
    else:
        st.query_params.pop(ADDRESS, None)
    st.session_state[READ] = ",".join(chosen)
    with right:
        show_copy_link({ADDRESS: ",".join(chosen)})
    return [names[name] for name in chosen]


def offer_duel(members: Sequence[runs.Run]) -> None:
    """Of two runs: the button that scores both on the same images."""
    if len(members) == 2 and all(run.has_best for run in members):
        view = {"compare_view": "Duel", "duel_a": members[0].id, "duel_b": members[1].id}
        st.button(
            "Duel on the same images",
            key="open_duel",
            icon=":material/compare:",
            on_click=st.session_state.update,
            kwargs=view,
            help="Scores both on the images that neither was trained on.",
        )


def _settle(names: list[str]) -> None:
    """Before the menu: what the session or the address has chosen; runs that are gone are said."""
    state, asked = st.session_state, st.query_params.get(ADDRESS, "")
    if asked and (asked != state.get(READ) or CHOSEN not in state):  # a link, a reload, or the back button
        state[CHOSEN] = asked.split(",")
    chosen = state.get(CHOSEN, names[:2])
    state[CHOSEN] = list(dict.fromkeys(name for name in chosen if name in names))
    if gone := [name for name in chosen if name not in names]:
        widgets.show_warning(f"Not available, because deleted or not yours: {listing(gone, 5)}.")


def _describe(run: runs.Run) -> str:
    name = manage.notes(run).name
    return f"{name} · {run.id}" if name else run.id


def show_members(chosen: Sequence[runs.Run], key: str) -> None:
    """These runs side by side; `key` tells the widgets of two places apart."""
    if len(chosen) > MOST_RUNS:
        st.caption(f"The first {MOST_RUNS} of {len(chosen)} are shown.")
    members = list(chosen[:MOST_RUNS])
    histories = {run.id: sweep_results.read_history(run) for run in members}
    comparison = side_by_side.compare(members, lambda run: histories[run.id])
    for sentence in comparison.warnings:
        widgets.show_warning(sentence)
    st.caption(plain(comparison.explain()))
    text = "The runs with the settings in which they differ and their scores"
    sweep_results.show_table(comparison.rows, key, text, leaderboard.list_extra(comparison))
    with_curves = [row for row in comparison.rows if histories[row.run].epochs]
    if len(with_curves) < len(members):
        missing = listing([row.name for row in comparison.rows if row not in with_curves], MOST_RUNS)
        st.caption(f"Without a finished epoch, and so without a curve: {plain(missing)}.")
    sweep_results.show_curves(with_curves, histories, key, f"{len(members)}-runs-{members[0].id}")
