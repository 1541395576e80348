"""What the owner of a model decides: its name on the Hub, who may see it, license, what the card tells."""

import re
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.ui import dataset_picker, widgets
from unet_core.errors import UnetError
from unet_core.hub.repo_id import parse
from unet_core.runs import manage
from unet_core.runs.run import Run
from unet_core.sharing.licenses import LICENSES, UNKNOWN
from unet_core.sharing.model_card import LONGEST, CardOptions

PRIVATE, PUBLIC = "Private", "Public"
REPO = "share_repo"


class Choices(NamedTuple):
    """`repo` is "" as long as none is named or the name is not valid."""

    card: CardOptions
    repo: str
    public: bool


def choose(run: Run) -> Choices:
    """The fields, with what is not valid said below them."""
    repo = _choose_repo()
    left, right = st.columns(2, gap="small")
    with left:
        access = st.segmented_control(
            "Who may see it",
            [PRIVATE, PUBLIC],
            default=PRIVATE,
            key="share_access",
            required=True,
            help="Private: you and the members of your organization. It can be made public later on the Hub.",
        )
    with right:
        license_name = st.selectbox(
            "License",
            list(LICENSES),
            key="share_license",
            format_func=lambda name: "Not chosen" if name == UNKNOWN else name,
            help="What others may do with the model. "
            + "; ".join(f"`{name}`: {text}" for name, text in LICENSES.items()),
        )
    with st.expander("Card details", icon=":material/description:"):
        dataset = st.text_input(
            "Dataset name", key="share_dataset", placeholder=_dataset_name(run), help="How the card calls the dataset."
        )
        description = st.text_area(
            "Description",
            key="share_description",
            max_chars=LONGEST,
            height=80,
            placeholder="What the model is for, and what it is not for",
        )
        per_image = st.toggle(
            "Scores of each image", True, key="share_images", help="As a table in the card and as scores.csv."
        )
        named = st.toggle(
            "Show image names",
            key="share_names",
            disabled=not per_image,
            help="File names may tell of persons. Off: images are called by the first digits of their SHA-256.",
        )
    name = repo.partition("/")[2] or _slug(manage.notes(run).name or f"{_dataset_name(run)}-unet")
    card = CardOptions(name, dataset or _dataset_name(run), description, license_name, per_image, named and per_image)
    return Choices(card, repo, access == PUBLIC)


def _choose_repo() -> str:
    name = st.text_input(
        "Hugging Face repository",
        key=REPO,
        placeholder="owner/name",
        help="It is created where there is none. Leave it empty to download the files without an account.",
    ).strip()
    if not name:
        return ""
    try:
        reference = parse(name)
    except UnetError as error:
        widgets.show_error(error)
        return ""
    return "" if reference.revision else reference.repo


def _dataset_name(run: Run) -> str:
    """The name of the run's dataset in the library, else that of its folder."""
    root = Path(run.config.data.root)
    return dataset_picker.name_of(root) or root.name


def _slug(name: str) -> str:
    """A name that a folder and a repository can have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:80] or "model"
