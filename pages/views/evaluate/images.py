"""Which images are scored: a part of the run's own dataset, or another dataset by its name."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.server.scoring_job import Scores
from pages.ui import addresses, dataset_picker
from unet_core.config.choices import SPLITS

OTHER, OTHER_ALL = "other", "other-all"
LABELS = {value: label for label, value in addresses.SPLITS.items()}


class Images(NamedTuple):
    """What to score: a name of `SPLITS`, and the folder of the dataset, None for the run's own."""

    split: str
    root: Path | None = None


def choose() -> Images | None:
    """The menu of the run's own images and, for another dataset, that of datasets; None where none is chosen."""
    split = st.selectbox(
        "Images",
        [*SPLITS, OTHER, OTHER_ALL],
        format_func=LABELS.__getitem__,
        key="split",
        bind="query-params",
        help="The first five are of the dataset that the model was trained on.",
    )
    if split not in (OTHER, OTHER_ALL):
        return Images(split)
    chosen = dataset_picker.choose()
    return None if chosen is None else Images("held-out" if split == OTHER else "all", chosen.root)


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
