"""A page of the scored images as a table, which also says and remembers which one is shown, also in the address."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.row_names import show_row_names
from pages.server.evaluation import thumbnails
from pages.server.evaluation.score_tables import Prepared
from pages.server.scoring_job import Scores
from pages.ui import addresses, widgets
from pages.views.evaluate.listing import filters
from pages.views.evaluate.state import Evaluation
from unet_core.config.choices import SUBSETS
from unet_core.data.summary.gallery import count_pages, page_of
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    from unet_core.evaluation.tables.columns import Column

SHOWN = "shown_image"  # in the session: the image that the user chose; it outlives another page
ADDRESS, READ = "image", "image_in_address"  # in the address; in the session: what was read from there or put there
TIMES = "image_named"  # in the session: how often the table was made anew, with the selection that it begins with
KEY = "scores_table"
PAGE_ROWS = 20
HEAD, ROW, MOST_ROWS = (
    35,
    40,
    3.5,
)  # pixels of the head and of a row, rows on the first screen: half a row says that there are more
LETTER, NAME_WIDTHS = 7.6, (110, 222)  # pixels of a letter, and of the column of names
LONGEST = 27  # letters of a name in the table; in the middle of a longer one some are left out
BARS = ("dice", "iou")  # measures drawn as bars
PICTURES = {"thumb_image": "Image", "thumb_truth": "GT", "thumb_prediction": "Pred.", "thumb_errors": "Errors"}
PICTURE_HELP = {
    "thumb_truth": "Ground truth",
    "thumb_prediction": "Prediction at the model's threshold",
    "thumb_errors": "Green: true positive, red: false positive, blue: false negative",
}
SUBSET_HELP = "\n\n".join(f"{label}: {SUBSETS[name]}." for name, label in SUBSETS.labels.items())


def list_rows(
    prepared: Prepared, rows: Sequence[int], names: Sequence[str], model: str, dataset: str
) -> list[dict[str, Any]]:
    """What the table says of these rows (numbers of images) in the columns `names`; None where undefined.

    `model` is its name, `dataset` that of the dataset where it is not the run's own.
    """
    table = prepared.table
    return [
        {
            "image": shorten(readable(table.ids[row])),
            **{name: None if math.isnan(value := float(table.values[name][row])) else value for name in names},
            "subset": SUBSETS.labels[table.subsets[row]],
            "empty": bool(table.empty[row]),
            "predict": predict_address(model, table.ids[row], dataset),
        }
        for row in rows
    ]


def shorten(name: str) -> str:
    """With the middle left out where it is long: names of a plate differ at their ends.

    >>> shorten("plate_7_well_C04_field_12_channel_DAPI_nuclei_cells_003")
    'plate_7_well…uclei_cells_003'
    """
    half = LONGEST // 2
    return name if len(name) <= LONGEST + 1 else f"{name[: half - 1]}…{name[-half - 2 :]}"


def predict_address(model: str, image: str, dataset: str) -> str:
    """Of the page that predicts this image with the model of this name."""
    return addresses.link("predict", **predict_params(model, image, dataset))


def predict_params(model: str, image: str, dataset: str) -> dict[str, str]:
    """Of that address."""
    of = {addresses.OF_DATASET: dataset} if dataset else {}
    return {addresses.MODEL: model, addresses.EXAMPLE: image, **of}


def show(
    evaluation: Evaluation,
    prepared: Prepared,
    rows: Sequence[int],
    names: Sequence[str],
    columns: "dict[str, Column]",
    sort: str,
    num_classes: int,
) -> str:
    """The page of the table with these rows (numbers of images) in their order; gives the image to show.

    By default that is the first of the page.
    """
    ids = [prepared.table.ids[row] for row in rows]
    with st.container():  # it has its place also where it is empty
        chosen = _settle(ids, prepared)
    number = min(st.session_state.get(filters.PAGE) or 1, count_pages(rows, PAGE_ROWS))
    here, here_ids = page_of(rows, number, PAGE_ROWS), list(page_of(ids, number, PAGE_ROWS))
    shown = chosen or here_ids[0]
    listed = [
        row | dict(zip(PICTURES, pictures, strict=True))
        for row, pictures in zip(
            list_rows(prepared, here, names, evaluation.model.name, evaluation.dataset),
            make_pictures(evaluation.scoring.scores, here_ids, num_classes),
            strict=True,
        )
    ]
    order = [
        "image",
        *PICTURES,
        *names,
        "subset",
        *(["empty"] if any(row["empty"] for row in listed) else []),
        "predict",
    ]
    times = st.session_state.get(TIMES, 0)
    reverse = bool(st.session_state.get(filters.REVERSE))
    key = f"{KEY}-{sort}-{reverse}-{number}-{hash(tuple(here_ids))}-{times}"  # a new one has a new selection
    event = st.dataframe(
        [{name: row[name] for name in order} for row in listed],
        key=key,
        hide_index=True,
        row_height=ROW,
        height=round(ROW * min(len(listed), MOST_ROWS)) + HEAD + 3,
        on_select=lambda: _sort_by_head(key, columns),
        selection_mode=["single-row", "single-column"],
        selection_default={"selection": {"rows": [here_ids.index(shown)] if shown in here_ids else []}},
        column_config=configure(here_ids, names, columns, sort, reverse),
        placeholder="–",
        alt=f"Scores of images {(number - 1) * PAGE_ROWS + 1} to {(number - 1) * PAGE_ROWS + len(here)} of {len(rows)}",
    )
    show_row_names(KEY, [readable(name) for name in here_ids], HEAD, ROW, key="row_names")
    selected = [here_ids[row] for row in event.selection.rows if row < len(here_ids)]
    if selected and selected[0] != shown:
        shown = st.session_state[SHOWN] = selected[0]
    _write_address(shown if SHOWN in st.session_state else "")
    return shown


def show_pages(count: int, of: int) -> None:
    """Which images the table has, and the menu of its pages: `count` images pass the filters, `of` all."""
    pages = count_pages(range(count), PAGE_ROWS)
    number = min(st.session_state.get(filters.PAGE) or 1, pages)
    if pages == 1 and count == of:
        return
    first, last = (number - 1) * PAGE_ROWS + 1, min(number * PAGE_ROWS, count)
    with st.container(horizontal=True, vertical_alignment="center", key="evaluate_pages"):
        text = f"{first:,} to {last:,} of {count:,} images" if pages > 1 else f"{count:,} image{'s' * (count != 1)}"
        st.caption(f"{text}, filtered from {of:,}" if count < of else text, width="content")
        if count < of:
            st.button("Clear filters", key="clear_filters", type="tertiary", on_click=filters.drop_all)
        if pages > 1:
            st.pagination(pages, key=filters.PAGE, persist_state="session")


def configure(
    ids: Sequence[str], names: Sequence[str], columns: "dict[str, Column]", sort: str, reverse: bool
) -> dict[str, Any]:
    """How each column looks; an arrow marks the one that the images are sorted by."""
    low, high = NAME_WIDTHS
    width = round(min(high, max(low, max((len(shorten(name)) for name in ids), default=0) * LETTER + 24)))
    arrow = " ↑" if reverse else " ↓"
    config: dict[str, Any] = {
        "image": st.column_config.TextColumn("Name" + arrow * (sort == "image"), width=width, pinned=True),
        "subset": st.column_config.TextColumn("Subset", help=SUBSET_HELP, width=150),
        "empty": st.column_config.CheckboxColumn("Empty", width=60, help="Nothing to find, and nothing predicted"),
        "predict": st.column_config.LinkColumn("Predict", display_text="open", width=70),
    }
    for name, label in PICTURES.items():
        config[name] = st.column_config.ImageColumn(label, width=60, help=PICTURE_HELP.get(name))
    for name in names:
        column = columns[name]
        label = column.label + arrow * (sort == name)
        settings: dict[str, Any] = {"help": column.description, "format": "%.3f" if column.is_share else "%.4g"}
        if name in BARS:
            config[name] = st.column_config.ProgressColumn(label, min_value=0, max_value=1, width=100, **settings)
        else:  # it also shows what is undefined
            config[name] = st.column_config.NumberColumn(
                label, width=round(max(82, len(label) * LETTER + 24)), **settings
            )
    return config


def make_pictures(scores: Scores, ids: Sequence[str], num_classes: int) -> list[tuple[str | None, ...]]:
    """The small pictures of each image, in the order of PICTURES."""
    return [
        tuple(url or None for url in (item.image, item.truth, item.prediction, item.errors))
        for item in thumbnails.make_all(scores, ids, num_classes)
    ]


def _sort_by_head(key: str, columns: "dict[str, Column]") -> None:
    """Called where the head of a column or a row was clicked: by a head the images are sorted."""
    heads = st.session_state[key]["selection"]["columns"]
    if not heads:
        return
    st.session_state[TIMES] = st.session_state.get(TIMES, 0) + 1  # a table without a selected column
    if heads[0] == "image":
        filters.sort_by(filters.BY_NAME)
    elif heads[0] in columns:
        filters.sort_by(filters.option_of(columns[heads[0]].label))


def _settle(ids: list[str], prepared: Prepared) -> str | None:
    """Before the table: the image that the address or the user has chosen, None for none; one that is gone is said.

    Where it has just been chosen by the address, the table opens at its page.
    """
    state = st.session_state
    asked = st.query_params.get(ADDRESS, "")
    if is_new := bool(asked and asked != state.get(READ)):  # a link, a reload, or the back button
        state[SHOWN] = state[READ] = asked
        state[TIMES] = state.get(TIMES, 0) + 1
    shown = state.get(SHOWN)
    if shown in ids:
        if is_new:
            state[filters.PAGE] = ids.index(shown) // PAGE_ROWS + 1
        return str(shown)
    if shown and shown == asked and shown not in prepared.table.numbers:
        widgets.show_warning(f"The image {readable(shown)} of this address is not among these images.")
    state.pop(SHOWN, None)
    return None


def _write_address(shown: str) -> None:
    if not shown:
        st.query_params.pop(ADDRESS, None)
    elif st.query_params.get(ADDRESS) != shown:
        st.query_params[ADDRESS] = shown
    st.session_state[READ] = shown
