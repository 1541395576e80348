"""Two or more runs of the list side by side: settings in which they differ, scores, curves in one chart."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views import train as names
from pages.views.train import sweep_results
from unet_core.config.labels import fields_by_name
from unet_core.errors import RunError, listing
from unet_core.runs import leaderboard, manage
from unet_core.runs import run as runs

MOST_RUNS = 12  # whose curves one can still tell apart


def show(chosen: Sequence[runs.Run]) -> None:
    """The comparison of the runs that are ticked."""
    with st.container(border=True, key="run_compare"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**Compare {len(chosen)} runs**", width="content")
            show_copy_link({"view": names.RUNS, "runs": ",".join(run.id for run in chosen)}, key="copy_compare")
        if len(chosen) > MOST_RUNS:
            st.caption(f"The first {MOST_RUNS} of {len(chosen)} are shown.")
        members = list(chosen[:MOST_RUNS])
        histories = {run.id: sweep_results.read_history(run) for run in members}
        table = leaderboard.rows(members, lambda run: histories[run.id])
        # Curves and rows are told apart by their names, which need not be unique.
        table = [replace(row, name=_name(run, members)) for run, row in zip(members, table, strict=True)]
        for sentence in find_differences(members):
            widgets.show_warning(sentence)
        st.caption(plain(name_settings(table)))
        sweep_results.show_table(table, "compare", "The runs with the settings in which they differ and their scores")
        with_curves = [row for row in table if histories[row.run].epochs]
        if len(with_curves) < len(table):
            missing = listing([row.name for row in table if row not in with_curves], 12)
            st.caption(f"Without a finished epoch, and so without a curve: {plain(missing)}.")
        sweep_results.show_curves(with_curves, histories, "compare", f"{len(members)}-runs-{members[0].id}")


def name_settings(table: Sequence[leaderboard.Row]) -> str:
    """In words: the settings in which the runs differ, with their values."""
    settings = dict.fromkeys(name for row in table for name in row.settings)
    if not settings:
        return "The runs have the same settings."
    parts = []
    for name in settings:
        words = fields_by_name()[name].words
        values = dict.fromkeys(words(row.settings[name]) for row in table if name in row.settings)
        parts.append(f"{widgets.label_of(name)} ({listing(list(values), 6)})")
    return f"They differ in: {', '.join(parts)}."


def _name(run: runs.Run, members: Sequence[runs.Run]) -> str:
    labels = [manage.label(other) for other in members]
    label = manage.label(run)
    unique = label if labels.count(label) == 1 else f"{label} ({run.id})"
    return unique.replace("<", "‹").replace(">", "›")  # Plotly takes tags in a legend for markup


def find_differences(members: Sequence[runs.Run]) -> list[str]:
    """Why scores of runs cannot be compared: they were validated on other images."""
    roots, parts = set(), set()
    for run in members:
        try:
            roots.add(run.config.data.root)
            parts.add(frozenset(run.split()["val"]))
        except (RunError, OSError, KeyError):
            continue  # a run that waits has no split yet
    if len(roots) > 1:
        names = listing(sorted(root.rpartition("/")[2] for root in roots), 4)
        return [f"These runs were trained on different datasets ({names}): their scores cannot be compared."]
    if len(parts) > 1:
        return [
            "These runs were validated on different images: small differences of their scores say little. Train with "
            "the same split seed and fractions to compare them."
        ]
    return []
