"""Which of the scored images are listed, and in which order: search, filters and the sort, kept over other views."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.server.scoring_job import ScoringJob
from pages.ui.formatting import plain
from unet_core.config.choices import SUBSETS

if TYPE_CHECKING:
    from unet_core.evaluation.tables.columns import Column, ScoreTable
    from unet_core.evaluation.tables.rows import Filter, Range

BY_NAME = "Sort by name"
SORT, REVERSE, PAGE, PICKED = "sort", "reverse", "evaluate_page", "evaluate_picked"
TEXT, SUBSET, BELOW, CAUSE = (f"evaluate_{name}" for name in ("text", "subset", "below", "cause"))
VIEW, IMAGES = "evaluate_view", "Images"  # the menu of the views, and the one that lists images
WIDTH = 180


@dataclass(frozen=True)
class Picked:
    """Images that a click in a chart or another view has picked, of one scoring: a range of a measure, or their ids."""

    scoring: ScoringJob
    words: str
    within: "Range | None" = None
    ids: frozenset[str] | None = None


def pick(scoring: ScoringJob, words: str, *, within: "Range | None" = None, ids: Iterable[str] | None = None) -> None:
    """From now on only these images are listed, until the user removes this filter. `words` name them."""
    st.session_state[PICKED] = Picked(scoring, words, within, None if ids is None else frozenset(ids))
    to_first_page()


def open_list(scoring: ScoringJob, words: str, ids: Iterable[str]) -> None:
    """Called by another view: the view of images with these alone."""
    pick(scoring, words, ids=ids)
    st.session_state[VIEW] = IMAGES


def find_picked(scoring: ScoringJob) -> Picked | None:
    """What is picked among these scores."""
    picked: Picked | None = st.session_state.get(PICKED)
    return picked if picked is not None and picked.scoring is scoring else None


def drop_picked() -> None:
    """Called by its button."""
    st.session_state.pop(PICKED, None)
    to_first_page()


def drop_all() -> None:
    """Called by a button: no filter at all."""
    drop_picked()
    for key in (TEXT, SUBSET, BELOW, CAUSE):
        st.session_state.pop(key, None)


def to_first_page() -> None:
    """Called by whatever changes which images come first."""
    st.session_state[PAGE] = 1


def choose_sort(columns: "dict[str, Column]") -> tuple[str, bool]:
    """The column to sort by, and whether the best come first (or names from Z to A)."""
    from unet_core.evaluation.tables.columns import NAME

    names = {option_of(column.label): name for name, column in columns.items()} | {BY_NAME: NAME}
    chosen = st.selectbox(
        "Sort by",
        list(names),
        key=SORT,
        bind="query-params",
        width=WIDTH,
        label_visibility="collapsed",
        on_change=to_first_page,
    )
    reverse = st.toggle(
        "Reverse order",
        key=REVERSE,
        bind="query-params",
        help="The best scores at the top; names from Z to A. A click on the head of a column sorts by it.",
        on_change=to_first_page,
    )
    return names.get(chosen, "dice"), reverse


def option_of(label: str) -> str:
    """What the menu and the address call the sort by the column of this label."""
    return f"Sort by {label}"


def sort_by(option: str) -> None:
    """Called by a click on the head of a column: sort by it, the worst first; at the second click the best first."""
    state = st.session_state
    state[REVERSE] = state.get(SORT) == option and not state.get(REVERSE)
    state[SORT] = option
    to_first_page()


def choose(table: "ScoreTable", scoring: ScoringJob) -> "Filter":
    """The search and the menu of filters; what does not occur among the images is not offered."""
    from unet_core.evaluation.error_analysis import CAUSES
    from unet_core.evaluation.tables.rows import Filter

    text = st.text_input(
        "Search",
        key=TEXT,
        placeholder="Search names",
        width=WIDTH,
        persist_state="session",
        label_visibility="collapsed",
        on_change=to_first_page,
    )
    more: dict[str, Any] = {"persist_state": "session", "on_change": to_first_page, "width": 260}
    active = sum(st.session_state.get(key) not in (None, "") for key in (SUBSET, BELOW, CAUSE))
    with st.popover(f"Filter ({active})" if active else "Filter", icon=":material/filter_alt:", key="filter_menu"):
        subsets = ["", *(name for name in SUBSETS if name in set(table.subsets))]
        chosen = Filter(text=text or "")
        if len(subsets) > 2:
            subset = choose_one("Subset", subsets, lambda name: SUBSETS.labels.get(name, "All"), SUBSET, more)
            chosen = replace(chosen, subset=subset)
        below = st.number_input(
            "Dice below", 0.0, 1.0, None, 0.05, "%g", key=BELOW, placeholder="any", help=BELOW_HELP, **more
        )
        if table.has_causes:
            words = {"": "Any"} | {name: text[:1].upper() + text[1:] for name, text in CAUSES.items()}
            cause = choose_one("Lost Dice to", list(words), lambda name: words.get(name, name), CAUSE, more)
            chosen = replace(chosen, cause=cause)
        else:
            st.caption("To filter by the cause of errors, switch on **All measures** in the menu Measures.")
    picked = find_picked(scoring)
    if picked is not None:
        st.button(
            plain(picked.words),
            key="drop_picked",
            icon=":material/close:",
            help="Remove this filter",
            on_click=drop_picked,
        )
        chosen = replace(chosen, within=picked.within, ids=picked.ids)
    return replace(chosen, below=below)


BELOW_HELP = "Images whose Dice is below this value. Those without a Dice (empty) are not among them."


def choose_one(label: str, options: Sequence[str], words: Callable[[str], str], key: str, more: dict[str, Any]) -> str:
    """A menu of which "" asks for nothing."""
    if st.session_state.get(key, "") not in options:
        st.session_state.pop(key, None)
    return st.selectbox(label, options, format_func=words, key=key, **more) or ""
