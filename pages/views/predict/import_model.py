"""Weights from elsewhere become a model of this app: an uploaded checkpoint, a milesial file, a model of the Hub."""

import streamlit as st

from pages.server.paths import models_dir
from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.errors import UnetError


def show() -> None:
    """The two ways in; nothing of torch is imported before a button was pressed."""
    message = st.session_state.pop("brought_in", None)
    with st.expander("Bring in a model", icon=":material/upload:"):
        name = st.text_input(
            "Model of the Hugging Face Hub",
            key="hub_model",
            placeholder="owner/name, or its address",
            help="A repository with `config.json` and `model.safetensors`, as UNet Studio writes them. "
            "No account is needed for public models, and none of this server is used.",
        ).strip()
        if st.button("Fetch", key="fetch", icon=":material/cloud_download:", disabled=not name):
            fetch(name)
        files = st.file_uploader(
            "or a checkpoint: its ZIP, its files, or a .pth of milesial/Pytorch-UNet",
            accept_multiple_files=True,
            key="weights",
        )
        if st.button("Add as a model", key="add_model", icon=":material/add:", disabled=not files):
            add({file.name: file.getvalue() for file in files})
    if message:
        st.toast(message, icon=":material/check:")


def fetch(name: str) -> None:
    """Fetch a model of the Hub, with a bar; only `pull`, since a visitor's text must not open a folder of the disk."""
    from unet_core.hub import resolve

    bar = st.progress(0.0, "Asking the Hub…")
    try:
        folder = resolve.download(
            name,
            models_dir(),
            progress=lambda done, total: bar.progress(done / total, f"{done / 2**20:.1f} of {total / 2**20:.1f} MiB"),
            tell=lambda note: st.warning(plain(note)),
        )
    except UnetError as error:
        widgets.show_error(error)
        return
    finally:
        bar.empty()
    chosen(folder.name)


def add(files: dict[str, bytes]) -> None:
    """Keep uploaded weights."""
    from unet_core.models import import_weights

    try:
        folder = import_weights.import_model(files, models_dir())
    except UnetError as error:
        widgets.show_error(error)
        return
    chosen(folder.name)


def chosen(name: str) -> None:
    """Make it the model of the page."""
    st.session_state["wanted_model"] = name
    st.session_state["brought_in"] = f"{plain(name)} is there to predict with."
    st.rerun()
