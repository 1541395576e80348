"""Which images are scored: a part of the run's own dataset, or another dataset by its name."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.server import model_registry, paths
from pages.server.scoring_job import Scores
from pages.ui import addresses, dataset_picker, widgets
from pages.ui.formatting import plain
from unet_core.config.choices import SPLITS
from unet_core.errors import listing
from unet_core.io.filenames import readable
from unet_core.runs import run as runs

OTHER, OTHER_ALL = "other", "other-all"
LABELS = {value: label for label, value in addresses.SPLITS.items()}
KEY = "split"  # of the menu, and the name in the address
ADDED = "evaluate_added"  # in the session: a dataset was added here, which the menu has not taken up yet
REFUSED = "split_refused"  # in the session: what the address asked of a model without a run, and that model


class Images(NamedTuple):
    """What to score: a name of `SPLITS`, and of another dataset than the run's own its folder and name."""

    split: str
    root: Path | None = None
    dataset: str = ""


def choose(model: model_registry.Model) -> Images | None:
    """The menu of the run's own images and, for another dataset, that of datasets; None where none is chosen.

    Without a run there are other datasets alone.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    has_run = model.run is not None
    options = [*SPLITS] * has_run + [OTHER, OTHER_ALL]
    asked = addresses.SPLITS.get(st.query_params.get(KEY, ""), OTHER)
    if asked not in options:
        st.session_state[REFUSED] = asked, model.name
    if st.session_state.pop(ADDED, False) or st.session_state.get(KEY, OTHER) not in options:
        st.session_state[KEY] = OTHER
    split = row.selectbox(
        "Images",
        options,
        format_func=LABELS.__getitem__,
        key=KEY,
        bind="query-params",
        on_change=st.session_state.pop,
        args=(REFUSED, None),
        help="The first five are of the dataset that the model was trained on."
        if has_run
        else "This model is of no run of this machine, so the dataset that it was trained on is not here.",
    )
    if split not in (OTHER, OTHER_ALL):
        return Images(split)
    with row.container():
        chosen = dataset_picker.choose()
    return None if chosen is None else Images("held-out" if split == OTHER else "all", chosen.root, chosen.name)


def show_refusal(model: model_registry.Model) -> None:
    """That a part of the own dataset, which the address names, is not there for a model without a run."""
    refused, by = st.session_state.get(REFUSED, ("", ""))
    if refused and by == model.name:
        widgets.show_warning(
            f'"{LABELS[refused]}" is a part of the dataset of a run, and {model.name} is of no run of this machine. '
            "Another dataset is evaluated."
        )


def choose_other() -> None:
    """For callbacks: another dataset than the run's own."""
    st.session_state[KEY] = OTHER


def choose_all(chosen: Images) -> None:
    """For callbacks: all images of the dataset that is chosen."""
    st.session_state[KEY] = "all" if chosen.root is None else OTHER_ALL


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
            on_click=choose_other,
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
    for note in scores.notes if scores.images else ():
        st.info(plain(note), icon=":material/help:")


def name_some(ids: list[str]) -> str:
    """The first few of some images, for Markdown."""
    return plain(listing(ids, 5))
