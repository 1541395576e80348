"""The model that this server offers to everybody, without any training; nothing where none is named."""

import streamlit as st

from pages.server.hub import default_model
from pages.ui import addresses, widgets
from pages.ui.formatting import plain


def show() -> None:
    """A link to Predict with it, or why it is not there."""
    if problem := default_model.problem():
        widgets.show_warning(problem)
    folder = default_model.find()
    if folder is None:
        return
    with st.container(border=True, key="default_model", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(folder.name)}** is ready: upload images and get their masks.", width="stretch")
        st.page_link(
            "predict.py",
            label="Predict with this model",
            icon=":material/image_search:",
            query_params={addresses.MODEL: folder.name},
        )
