"""The menu of models, and their loading."""

import streamlit as st

from pages.server import model_registry
from pages.server.model_registry import Model
from pages.server.prediction_job import Loaded
from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.hub import pull


def choose_model(models: list[Model]) -> Model | None:
    """A menu of models; the choice stands in the page's address. None where the one that it names is gone."""
    chosen = widgets.choose_name("Model", [model.name for model in models], "model")
    model = next((model for model in models if model.name == chosen), None)
    if model is not None and model.run is not None:
        widgets.show_notes(model.run)
    elif model is not None and (source := pull.source_of(model.folder)):
        words = [str(source.get(name, "")) for name in ("kind", "license") if source.get(name)]
        repo = f"{source.get('repo')}{'@' * bool(source.get('revision'))}{source.get('revision', '')}"
        st.caption(f"**{plain(repo)}** {plain(', license '.join(words))}")
    return model


def load_model(model: Model) -> Loaded:
    """The model, with a spinner where it is not in memory yet. Raises CheckpointError."""
    if model_registry.is_loaded(model):
        return model_registry.load(model)
    with st.spinner("Loading the model…"):
        return model_registry.load(model)
