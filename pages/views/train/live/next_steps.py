"""What to do with the model of a run: predict, evaluate, download. The model stands in the address of each link."""

import tempfile
from pathlib import Path

import streamlit as st

from pages.ui import addresses
from unet_core.runs import manage
from unet_core.runs import run as runs

LINKS = (
    ("predict", "Predict with this model", ":material/image_search:"),
    ("evaluate", "Evaluate this model", ":material/analytics:"),
)


def show(run: runs.Run) -> None:
    """Buttons, the first of them the main one. `pages/assets/run.css` gives the links their look."""
    for page, label, icon in LINKS:
        with st.container(key=f"go_{page}", width="content"):
            st.page_link(f"{page}.py", label=label, icon=icon, query_params={addresses.MODEL: run.id})
    st.download_button(
        "Download model",
        lambda: pack_model(run),
        f"{run.id}-model.zip",
        "application/zip",
        key="download_model",
        icon=":material/download:",
        on_click="ignore",
        help="The best checkpoint alone: all that is needed to predict.",
    )


def pack_model(run: runs.Run) -> bytes:
    """The best checkpoint of a run as a ZIP file, written when it is requested."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.zip"
        manage.pack_model(run, path)
        return path.read_bytes()
