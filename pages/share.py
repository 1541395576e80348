"""A model with its card and measurements: see all of it, then upload it to the Hugging Face Hub or download it."""

from pathlib import Path

import streamlit as st

from pages.server import model_registry
from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.views.share import contents, formats, options, page, preview, space, upload
from unet_core.errors import UnetError
from unet_core.runs import run as runs

st.title("Share")
st.html(Path(__file__).parent / "assets" / "share.css")
trained = [run for run in runs.find(runs_dir()) if run.has_best]
if not trained:
    st.info("There is no trained model yet. [Train](/train) one; it can be shared after its first epoch.")
    st.stop()
left, right = st.columns([2, 3], gap="large")
with left:
    run = widgets.choose_run("Model", trained)
    if run is None:
        st.stop()
    try:
        chosen = options.choose(run)
    except UnetError as error:
        widgets.show_error(error)
        st.stop()
model = model_registry.Model(run.id, run.best, run)
with right:
    made = contents.make(model, chosen)
    if made is not None:
        preview.show(made.items)
with left:
    with st.container():
        upload.show(made, chosen)
    with st.container():
        space.show(made, chosen)
    with st.container():
        page.show(made, chosen)
    with st.container():
        formats.show(model, chosen)
