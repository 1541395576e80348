"""The menu of models."""

import streamlit as st

from pages.server.model_registry import Model
from pages.ui import widgets


def choose(found: list[Model]) -> Model:
    """A menu of models; the choice stands in the page's address."""
    chosen = st.selectbox("Model", [model.name for model in found], key="run", bind="query-params")
    model = next(model for model in found if model.name == chosen)
    if model.run is not None:
        widgets.show_notes(model.run)
    return model
