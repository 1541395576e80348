"""Which mask belongs to which image, as a table; a pair can be corrected by hand, and an image left out."""

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from pages.ui.formatting import key_text, plain
from pages.views.data import PAIRS, left_out, state
from pages.views.data.state import Dataset
from unet_core.config.choices import UNLABELED
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.recipe.recipe import Recipe, Remedy, make_repair
from unet_core.io.filenames import readable

MOST_ROWS = 500  # that the table shows; a search finds the others
MOST_FILES = 300  # mask files in the menu
MOST_CHIPS = 12  # mask files of one image that are listed one by one
PAIRED, BY_HAND, NO_MASK = "paired", "by hand", "no mask"


class Row(NamedTuple):
    """A line of the table; masks are paths below the root."""

    id: str
    image: str
    masks: tuple[str, ...]
    group: str
    subset: str
    status: str


def show(dataset: Dataset) -> None:
    """The table, the chosen pair, and the masks without an image."""
    rows = list_rows(dataset)
    lacking = sum(row.status == NO_MASK for row in rows)
    st.caption(
        f"{len(rows) - lacking:,} images have a mask, {lacking:,} have none; {len(dataset.scan.spare_masks):,} masks "
        "have no image. To correct a pair, select its row, or search until one image is left."
    )
    if lacking:
        show_missing(dataset, lacking)
    row = choose_row(rows)
    if row is not None:
        edit(dataset, row)
    show_spare(dataset)


def list_rows(dataset: Dataset) -> list[Row]:
    """Images without a mask first, then those paired by hand, then the others."""
    by_hand = {name for repair in dataset.recipe.repairs if repair.kind == "pair" for name in repair.samples}
    rows = [
        Row(sample.id, _below(dataset.root, sample.image), (), sample.group or "", sample.subset or "", NO_MASK)
        for sample in dataset.scan.missing
    ]
    facts = dataset.scan.facts
    for status in (BY_HAND, PAIRED):
        rows += [
            Row(item.id, item.image, item.masks, item.group, item.subset, status)
            for item in facts
            if (item.id in by_hand) == (status == BY_HAND)
        ]
    return rows


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def choose_row(rows: list[Row]) -> Row | None:
    """The table, and the row that is selected in it."""
    text = st.text_input("Search", key="pairs_text", placeholder="Part of a file name", width=260).strip().casefold()
    passed = [row for row in rows if not text or text in readable(f"{row.image} {' '.join(row.masks[:50])}").casefold()]
    shown = passed[:MOST_ROWS]
    if not shown:
        st.info("No image passes this filter.", icon=":material/filter_alt_off:")
        return None
    table: list[dict[str, Any]] = [
        {
            "Image": readable(row.image),
            "Mask": _masks_text(row.masks),
            "Group": readable(row.group),
            "Subset": row.subset,
            "Pairing": row.status,
        }
        for row in shown
    ]
    hidden = [name for name in ("Group", "Subset") if not any(line[name] for line in table)]
    event = st.dataframe(
        table,
        key="pairs_table",
        hide_index=True,
        height=min(420, 38 + 35 * len(table)),
        on_select="rerun",
        selection_mode="single-row",
        column_order=[name for name in table[0] if name not in hidden],
        alt=f"{len(shown)} images and their masks",
    )
    if len(passed) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(passed):,} images. Search to see others.")
    selected = [row for row in event.selection.rows if row < len(shown)]
    if selected or len(shown) == 1:
        return shown[selected[0] if selected else 0]
    return None


def look_up(facts: SampleFacts) -> None:
    """Called by a button of another view: open this one with the pair of an image."""
    st.session_state["data_view"] = PAIRS
    st.session_state["pairs_text"] = readable(facts.image)


def _masks_text(masks: tuple[str, ...]) -> str:
    if len(masks) > 2:
        return f"{len(masks)} files: {readable(masks[0])}, …"
    return ", ".join(readable(mask) for mask in masks) or "–"


def edit(dataset: Dataset, row: Row) -> None:
    """Choose other mask files for one image, or leave the image out."""
    root = dataset.root
    with st.container(border=True):
        st.markdown(f"**{plain(readable(row.image))}**")
        text = st.text_input(
            "Find a mask file", key=f"find mask {key_text(row.id)}", placeholder="Part of its name", width=320
        ).strip()
        files = list_files(dataset, row, text)
        default = list(row.masks) if len(row.masks) <= MOST_CHIPS else []
        chosen = st.multiselect(
            "Mask files",
            list(dict.fromkeys([*default, *files])),
            default=default,
            format_func=readable,
            key=key_text(f"masks of {row.id} {' '.join(row.masks[:MOST_CHIPS])}"),
            placeholder=f"{len(row.masks)} files" if len(row.masks) > MOST_CHIPS else "Choose a file",
            help="Several files are the objects of one image and are merged.",
        )
        with st.container(horizontal=True):
            st.button(
                "Use these masks",
                key="use_masks",
                type="primary",
                icon=":material/link:",
                disabled=not chosen or set(chosen) == set(row.masks),
                on_click=state.change,
                args=(root, lambda recipe: pair(recipe, row.id, chosen)),
            )
            if row.status == BY_HAND:
                st.button(
                    "Back to the pairing by name",
                    key="unpair",
                    icon=":material/undo:",
                    on_click=state.change,
                    args=(root, lambda recipe: unpair(recipe, row.id)),
                )
            st.button(
                "Leave out this image",
                key="leave_out_pair",
                icon=":material/block:",
                on_click=state.change,
                args=(root, lambda recipe: left_out.leave_out(recipe, row.id)),
            )


def list_files(dataset: Dataset, row: Row, text: str) -> list[str]:
    """Mask files to choose from: those without an image first; `text` is part of the name."""
    spare = [_below(dataset.root, path) for path in dataset.scan.spare_masks]
    used = (mask for item in dataset.scan.facts for mask in item.masks) if text else iter(row.masks)
    files: dict[str, None] = {}
    for file in (*spare, *used):
        if text.casefold() in file.casefold():
            files[file] = None
        if len(files) == MOST_FILES:
            break
    return list(files)


def pair(recipe: Recipe, name: str, masks: list[str]) -> Recipe:
    """The recipe that gives an image these masks."""
    return unpair(recipe, name).add(Remedy("", (make_repair("pair", [name], masks=masks),)))


def unpair(recipe: Recipe, name: str) -> Recipe:
    """The recipe without what was paired by hand for an image."""
    for repair in recipe.repairs:
        if repair.kind == "pair" and name in repair.samples:
            recipe = recipe.without(repair)
    return recipe


def show_missing(dataset: Dataset, count: int) -> None:
    """What to do with images that have no mask."""
    with st.container(border=True):
        st.markdown(f"**{count:,} image{'s have' if count > 1 else ' has'} no mask.** Training needs an answer:")
        labels = {"leave_out": "Leave them out", "empty": "They show only background"}
        with st.container(horizontal=True):
            for value, label in labels.items():
                st.button(
                    label,
                    key=f"unlabeled {value}",
                    help=UNLABELED[value],
                    on_click=state.set_setting,
                    args=(dataset.root, "unlabeled", value),
                )


def show_spare(dataset: Dataset) -> None:
    """The masks that belong to no image."""
    spare = dataset.scan.spare_masks
    if spare:
        with st.expander(f"{len(spare):,} masks without an image", icon=":material/help:"):
            st.markdown("\n".join(f"- {plain(readable(_below(dataset.root, path)))}" for path in spare[:MOST_FILES]))
            if len(spare) > MOST_FILES:
                st.caption(f"And {len(spare) - MOST_FILES:,} more.")
