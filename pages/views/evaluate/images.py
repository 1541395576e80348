"""Which images are scored: a part of the run's own dataset, or another dataset by its name."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.server import paths
from pages.server.scoring_job import Scores
from pages.ui import addresses, dataset_picker, widgets
from pages.ui.formatting import plain
from unet_core.config.choices import SPLITS
from unet_core.errors import listing
from unet_core.io.filenames import readable
from unet_core.runs import run as runs

OTHER, OTHER_ALL = "other", "other-all"
LABELS = {value: label for label, value in addresses.SPLITS.items()}


class Images(NamedTuple):
    """What to score: a name of `SPLITS`, and of another dataset than the run's own its folder and name."""

    split: str
    root: Path | None = None
    dataset: str = ""


def choose() -> Images | None:
    """The menu of the run's own images and, for another dataset, that of datasets; None where none is chosen."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    split = row.selectbox(
        "Images",
        [*SPLITS, OTHER, OTHER_ALL],
        format_func=LABELS.__getitem__,
        key="split",
        bind="query-params",
        help="The first five are of the dataset that the model was trained on.",
    )
    if split not in (OTHER, OTHER_ALL):
        return Images(split)
    with row.container():
        chosen = dataset_picker.choose()
    return None if chosen is None else Images("held-out" if split == OTHER else "all", chosen.root, chosen.name)


def explain_missing(run: runs.Run) -> str:
    """What to do where the folder of the run's own dataset is gone; "" where it is there. Raises RunError."""
    root = run.data.root
    if not root or Path(root).is_dir():
        return ""
    folder = readable(root) if paths.data_root() else readable(Path(root).name)
    return (
        f"{folder}: the dataset that this model was trained on is no longer in this folder. Put it back, or add it "
        f'again on the Data page and choose "{LABELS[OTHER]}" in Images.'
    )


def show_missing(message: str) -> None:
    """The message with its remedies."""
    widgets.show_error(message)
    with st.container(horizontal=True):
        st.button(
            "Choose another dataset",
            key="choose_other",
            type="primary",
            icon=":material/database:",
            on_click=st.session_state.update,
            kwargs={"split": OTHER},
        )
        st.page_link("data.py", label="Add a dataset", icon=":material/upload:")


def show_known(scores: Scores) -> None:
    """Which images of another dataset the model was trained on, and whether they are part of the scores."""
    if scores.trained_on:
        st.warning(
            f"The model was trained on {len(scores.trained_on)} of these images, so their scores are too good "
            f"({name_some(scores.trained_on)}). Choose **{LABELS[OTHER]}** to leave them out.",
            icon=":material/warning:",
        )
    elif (left_out := scores.left_out.get("train")) and scores.images:
        one = len(left_out) == 1
        count, those = ("1 image is", "it") if one else (f"{len(left_out)} images are", "them")
        st.info(
            f"{count} left out: the model was trained on {those} ({name_some(left_out)}). **{LABELS[OTHER_ALL]}** "
            f"includes {those}.",
            icon=":material/filter_alt:",
        )


def name_some(ids: list[str]) -> str:
    """The first few of some images, for Markdown."""
    return plain(listing(ids, 5))
