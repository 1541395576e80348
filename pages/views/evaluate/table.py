"""The scored images as a table, which also says and remembers which one is shown; its choice stands in the address."""

import math
from typing import Any

import streamlit as st

from pages.server.scoring_job import Scores
from pages.ui import addresses, widgets
from unet_core.config.choices import SUBSETS
from unet_core.io.filenames import readable

SORTS = {"Lowest Dice first": "dice", "Lowest IoU first": "iou", "Lowest precision first": "precision"}
SORTS |= {"Lowest recall first": "recall"}
SORT_NAME = "By image name"
SHOWN = "shown_image"  # in the session: the image that the user chose; it outlives another page
ADDRESS, READ = "image", "image_in_address"  # in the address; in the session: what was read from there or put there
TIMES = "image_named"  # in the session: how often the address has named another image than that of the page
ROW, MOST_ROWS = 35, 4  # pixels of a row, rows on the first screen
LETTER, NAME_WIDTHS = 7.6, (120, 540)  # pixels of a letter, and of the column of names
SUBSET_HELP = "\n\n".join(f"{label}: {SUBSETS[name]}." for name, label in SUBSETS.labels.items())
PINNED = 200  # pixels up to which the names stay while the table is scrolled: on a phone wider ones would fill it


def list_rows(scores: Scores, sort: str, model: str, dataset: str) -> list[dict[str, Any]]:
    """A row for each image, in the order `sort`, undefined scores last; `dataset`: its name where not the run's own."""
    rows: list[dict[str, Any]] = [
        {
            "image": item.id,
            **item.scores,
            **({} if item.objects is None else {"object_f1": item.objects.f1}),
            "subset": SUBSETS.labels[item.subset],
            "empty": item.counts.empty,
            "predict": predict_address(model, item.id, dataset),
        }
        for item in scores.images
    ]
    if sort == SORT_NAME:
        return sorted(rows, key=lambda row: str(row["image"]))
    score = SORTS.get(sort, "dice")
    return sorted(rows, key=lambda row: (math.isnan(row[score]), row[score]))


def predict_address(model: str, image: str, dataset: str) -> str:
    """Of the page that predicts this image with this model."""
    return addresses.link("predict", **predict_params(model, image, dataset))


def predict_params(model: str, image: str, dataset: str) -> dict[str, str]:
    """Of that address."""
    of = {addresses.OF_DATASET: dataset} if dataset else {}
    return {addresses.MODEL: model, addresses.EXAMPLE: image, **of}


def choose_sort() -> str:
    """The menu of the orders."""
    choices = [*SORTS, SORT_NAME]
    return st.selectbox("Sort by", choices, key="sort", bind="query-params", width=210, label_visibility="collapsed")


def show(scores: Scores, sort: str, model: str, dataset: str) -> str:
    """The table in that order; gives the name of the image to show, by default the first."""
    rows = list_rows(scores, sort, model, dataset)
    names = [str(row["image"]) for row in rows]
    with st.container():  # it has its place also where it is empty
        shown = _settle(names)
    low, high = NAME_WIDTHS
    width = round(min(high, max(low, max(map(len, names)) * LETTER + 24)))
    bar: dict[str, Any] = {"format": "%.3f", "min_value": 0, "max_value": 1, "width": 100}
    score: dict[str, Any] = {"format": "%.3f", "width": 80}
    event = st.dataframe(
        [row | {"image": readable(name)} for row, name in zip(rows, names, strict=True)],
        key=f"scores_table-{sort}-{st.session_state.get(TIMES, 0)}",  # a new one has a new selection
        hide_index=True,
        height=ROW * (min(len(rows), MOST_ROWS) + 1) + 3,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [names.index(shown)]}},
        column_config={
            "image": st.column_config.TextColumn("Image", width=width, pinned=width <= PINNED),
            "dice": st.column_config.ProgressColumn("Dice", **bar),
            "iou": st.column_config.ProgressColumn("IoU", **bar),
            "precision": st.column_config.NumberColumn("Precision", **score),
            "recall": st.column_config.NumberColumn("Recall", **score),
            "accuracy": st.column_config.NumberColumn("Accuracy", **score),
            "object_f1": st.column_config.NumberColumn("Object F1", help="F1 over objects, IoU > 0.5", **score),
            "subset": st.column_config.TextColumn("Subset", help=SUBSET_HELP, width=150),
            "empty": st.column_config.CheckboxColumn("Empty", width=60),
            "predict": st.column_config.LinkColumn("Predict", display_text="open", width=70),
        },
        alt=f"Scores of {len(rows)} images, sorted by: {sort}",
    )
    selected = [names[row] for row in event.selection.rows if row < len(names)]
    if selected and selected[0] != shown:
        shown = st.session_state[SHOWN] = selected[0]
    _write_address(shown if SHOWN in st.session_state else "")
    return shown


def _settle(names: list[str]) -> str:
    """Before the table: the image that the address or the user has chosen, else the first; one that is gone is said."""
    state = st.session_state
    asked = st.query_params.get(ADDRESS, "")
    if asked and asked != state.get(READ):  # a link, a reload, or the back button
        state[SHOWN] = state[READ] = asked
        state[TIMES] = state.get(TIMES, 0) + 1
    shown = state.get(SHOWN)
    if shown in names:
        return str(shown)
    if shown and shown == asked:
        widgets.show_warning(f"The image {readable(shown)} of this address is not among these images.")
    state.pop(SHOWN, None)
    return names[0]


def _write_address(shown: str) -> None:
    if not shown:
        st.query_params.pop(ADDRESS, None)
    elif st.query_params.get(ADDRESS) != shown:
        st.query_params[ADDRESS] = shown
    st.session_state[READ] = shown
