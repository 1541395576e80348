"""Which images are scored: a part of the run's own dataset, or another dataset by its name."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.server import paths
from pages.server.scoring_job import Scores
from pages.ui import addresses, dataset_picker, widgets
from unet_core.config.choices import SPLITS
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
    """How many images of another dataset the model was trained on, and whether they are part of the scores."""
    if scores.trained_on:
        st.warning(
            f"The model was trained on {scores.trained_on} of these images, so their scores are too good. Choose "
            f"**{LABELS[OTHER]}** to leave them out.",
            icon=":material/warning:",
        )
    elif scores.left_out and scores.images:
        one = scores.left_out == 1
        count, those = ("1 image is", "it") if one else (f"{scores.left_out} images are", "them")
        st.info(
            f"{count} left out: the model was trained on {those}. **{LABELS[OTHER_ALL]}** includes {those}.",
            icon=":material/filter_alt:",
        )
