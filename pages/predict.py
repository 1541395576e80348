"""Upload images, see their masks, measure the objects, export the results."""

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.ui import job_progress, model_picker, widgets
from pages.ui.messages import show_messages
from pages.views.predict import import_model, inputs, job, options, result, troubleshooting
from pages.views.predict.masks import Work
from unet_core.errors import UnetError
from unet_core.inference.adjustments import Adjust

st.title("Predict")
if added := st.session_state.pop("wanted_model", None):
    st.session_state["run"] = added
models = model_registry.find_models()
left, right = st.columns(2, gap="medium")
with left:
    model = model_picker.choose_model(models) if models else None
    import_model.show()
if model is None and models:
    st.stop()
if model is None:
    st.info("There is no model yet. [Train](/train) one, usable after its first epoch, or add one above.")
    st.stop()
with left:
    views, tile = options.choose_inference()
with right:
    items = {item.name: item for item in inputs.show(model).items}
if not items:
    st.info("Upload an image or pick an example to see its mask.", icon=":material/add_photo_alternate:")
    st.stop()
adjust = st.session_state.get("adjust", Adjust())
if adjust:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(f"Input adjusted: {adjust.words}", icon=":material/auto_fix_high:", color="orange")
        st.button("Undo", key="undo_adjust", type="tertiary", on_click=troubleshooting.undo)
prediction = job.find_job(model, items, views, tile, adjust)
progress, names = prediction.poll(), prediction.names_done
if not progress.over:
    job_progress.follow(prediction, "cancel", lambda: not names and bool(prediction.names_done))
if prediction.error:
    widgets.show_error(prediction.error)
if prediction.warning:
    widgets.show_warning(prediction.warning)
show_messages(list(prediction.errors.values()), "images that could not be predicted")
if progress.state == CANCELLED:
    st.warning(f"Cancelled after {len(names)} of {len(items)} images.", icon=":material/cancel:")
    st.button("Predict the rest", key="again", icon=":material/refresh:", on_click=job.restart)
if names:
    try:
        config = model_picker.load_model(model).predictor.model.config
    except UnetError as error:
        widgets.show_error(error)
        st.stop()
    result.show(Work(items, prediction, model, config, adjust))
