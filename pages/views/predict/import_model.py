"""Add a model from elsewhere: one of the Hugging Face Hub, an uploaded checkpoint, weights of another program."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.server import model_registry
from pages.server.hub import default_model
from pages.server.model_registry import Model
from pages.server.paths import is_public, models_dir
from pages.server.visitors import quotas
from pages.ui import model_picker, widgets
from pages.ui.formatting import plain
from pages.views.predict import hub_model
from unet_core.errors import HubError, UnetError
from unet_core.hub import repo_id
from unet_core.hub.known import KNOWN


def choose_model() -> tuple[Model | None, bool]:
    """The menu of all models, with one that was just added or that the address names; and whether there is any."""
    if added := st.session_state.pop("wanted_model", None):
        st.session_state["run"] = added
    with st.container():
        if missing := default_model.problem():
            widgets.show_warning(missing)
    models = model_registry.find_models()
    read_address(models)
    # Each part has its place, however much it shows: a widget below that moved would be made anew by the browser, and
    # Streamlit's frontend then forgets that its value belongs into the address.
    with st.container():
        model = model_picker.choose_model(models) if models else None
    return model, bool(models)


def read_address(models: list[Model]) -> None:
    """Where the address names a model of the Hub: choose it where it is downloaded, else look at it."""
    named = st.session_state.get("run") or st.query_params.get("run") or ""
    if "/" not in named or named in (model.name for model in models) or named == st.session_state.get("hub_asked"):
        return
    st.session_state["hub_asked"] = named
    try:
        reference = repo_id.parse(named)
    except HubError:
        return
    if reference.folder_name in (model.name for model in models):
        with suppress(StreamlitAPIException):  # its widget exists already and puts the value there itself
            st.query_params["run"] = reference.folder_name
        st.session_state["run"] = reference.folder_name
        return
    st.session_state["hub_model"] = str(reference)
    hub_model.start_look(str(reference))


def show(expanded: bool = False) -> None:
    """Download or upload; nothing of torch is imported before a button was pressed."""
    show_added()
    with st.expander("Add a model", icon=":material/upload:", expanded=expanded or hub_model.is_busy()):
        folder = hub_model.show()
        kinds = ".safetensors" if is_public() else ".safetensors, .pth, .pt"
        files = st.file_uploader(
            f"Or upload a checkpoint: a ZIP, its files, or weights of another program ({kinds})",
            accept_multiple_files=True,
            key="weights",
        )
        if st.button("Add model", key="add_model", icon=":material/add:", disabled=not files):
            add({file.name: file.getvalue() for file in files})
        if not is_public():  # visitors cannot add files of these kinds
            st.caption(describe_known())
    if folder is not None:
        select(folder.name, st.session_state.pop("hub_notes", ()))


def describe_known() -> str:
    """Trained models of others, with the link to the file that can be uploaded here."""
    lines = [
        f"- [{model.name}]({model.page}): {model.segments}, in {model.images}. License {model.license}. "
        f"[Download the file]({model.file}) and upload it here."
        for model in KNOWN
    ]
    return "\n".join(["No model yet? Trained models of others:", *lines])


def show_added() -> None:
    """That a model was just added, and what is assumed of it."""
    if message := st.session_state.pop("model_added", None):
        st.toast(message, icon=":material/check:")
        for note in st.session_state.pop("model_notes", ()):
            widgets.show_warning(note)


def add(files: dict[str, bytes]) -> None:
    """Import uploaded weights."""
    from unet_core.models import import_weights

    notes: list[str] = []
    try:
        quotas.check_model_files(list(files))
        quotas.check_room(sum(map(len, files.values())))
        folder = import_weights.import_model(files, models_dir(), tell=notes.append)
    except UnetError as error:
        widgets.show_error(error)
        return
    select(folder.name, notes)


def select(name: str, notes: Sequence[str] = ()) -> None:
    """Make it the model of the page, and show what is assumed of it."""
    st.session_state["model_notes"] = list(notes)
    st.session_state["wanted_model"] = name
    st.session_state["model_added"] = f"{plain(name)} added."
    st.rerun()
