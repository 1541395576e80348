"""Add a model from elsewhere: an uploaded checkpoint, a milesial file, a model of the Hugging Face Hub."""

import streamlit as st

from pages.server.paths import models_dir
from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.errors import UnetError


def show() -> None:
    """Download or upload; nothing of torch is imported before a button was pressed."""
    message = st.session_state.pop("model_added", None)
    with st.expander("Add a model", icon=":material/upload:"):
        name = st.text_input(
            "Hugging Face Hub model",
            key="hub_model",
            placeholder="owner/name or URL",
            help="A repository with `config.json` and `model.safetensors`, as UNet Studio writes them. Public models "
            "need no account; the server's own token is never sent.",
        ).strip()
        if st.button("Download", key="fetch", icon=":material/cloud_download:", disabled=not name):
            download(name)
        files = st.file_uploader(
            "Or upload a checkpoint: a ZIP, its files, or a .pth file of milesial/Pytorch-UNet",
            accept_multiple_files=True,
            key="weights",
        )
        if st.button("Add model", key="add_model", icon=":material/add:", disabled=not files):
            add({file.name: file.getvalue() for file in files})
    if message:
        st.toast(message, icon=":material/check:")


def download(name: str) -> None:
    """Download from the Hub with a progress bar; by `download`, since a visitor's text must not open a local folder."""
    from unet_core.hub import resolve

    bar = st.progress(0.0, "Contacting the Hub…")

    def show_progress(done: int, total: int) -> None:
        bar.progress(done / total, f"{done / 2**20:.1f} of {total / 2**20:.1f} MiB")

    try:
        folder = resolve.download(name, models_dir(), progress=show_progress, tell=widgets.show_warning)
    except UnetError as error:
        widgets.show_error(error)
        return
    finally:
        bar.empty()
    select(folder.name)


def add(files: dict[str, bytes]) -> None:
    """Import uploaded weights."""
    from unet_core.models import import_weights

    try:
        folder = import_weights.import_model(files, models_dir())
    except UnetError as error:
        widgets.show_error(error)
        return
    select(folder.name)


def select(name: str) -> None:
    """Make it the model of the page."""
    st.session_state["wanted_model"] = name
    st.session_state["model_added"] = f"{plain(name)} added."
    st.rerun()
