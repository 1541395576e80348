"""Upload images, see their masks, measure the objects, export the results.

The viewer comes first; model, images and settings stand in a side column that folds away once there is a result.
"""

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.server.paths import is_public
from pages.ui import addresses, job_progress, model_picker, undo, widgets
from pages.ui.formatting import plain
from pages.ui.messages import show_messages
from pages.views.home import first_run
from pages.views.predict import address, import_model, inputs, job, layout, options, result, troubleshooting, uploads
from pages.views.predict.masks import Work
from unet_core.errors import UnetError
from unet_core.inference.adjustments import Adjust

SHARED = "Whoever has this link can see the uploaded images for up to 24 hours; after that it has the settings alone."
SETTINGS_ALONE = "The link has the settings alone: nobody else sees the images that you have uploaded."

address.read()
uploads.restore()
bar, side, view = layout.make()
with side:
    model, any_model = import_model.choose_model()
    with st.container():  # it has its place however much it shows, as the parts above
        found = inputs.show(model) if model else None
    items = {item.name: item for item in found.items} if found else {}
    if model is not None:
        views, tile = options.choose_inference()
        chosen = options.choose_options(*options.read_classes(str(model.folder), model_registry.read_digest(model)))
    import_model.show()
if model is None:
    layout.show_side(bar, has_result=False)
    with view:
        layout.ask_for_model(any_model)
    st.stop()
problems = uploads.list_problems()
with view:
    first_run.show_hint("predict")
    with st.container():
        undo.show(uploads.REMOVED, "", most=1)
    with st.container():
        if problem := st.session_state.get("upload_problem"):
            widgets.show_warning(problem)
        show_messages(problems, "problems", most=1 if items else 5)
        for note in found.notes if found else ():
            st.caption(plain(note))
    if not items:
        layout.show_side(bar, has_result=False)
        layout.ask_for_images(model)
        st.stop()
    if st.session_state.get("image_of_address") not in items:
        st.session_state.pop("image_of_address", None)
    adjust = st.session_state.get("adjust", Adjust())
    address.write({"adjust": address.encode_adjust(adjust)})
    prediction = job.find_job(model, items, views, tile, adjust)
    progress, names = prediction.poll(), prediction.names_done
    layout.show_side(bar, has_result=True, summary=layout.summarize(len(names), progress, len(problems)))
    with bar:
        words = SETTINGS_ALONE if is_public() else SHARED
        show_copy_link({addresses.MODEL: model.name}, words if "upload" in st.session_state else "")
    with st.container():  # it has its place also where it is empty: what moves is loaded anew by the browser
        if adjust:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(f"Input adjusted: {adjust.words}", icon=":material/auto_fix_high:", color="orange")
                st.button("Undo", key="undo_adjust", type="tertiary", on_click=troubleshooting.undo)
        if not progress.over:
            job_progress.follow(prediction, "cancel", lambda: not names and bool(prediction.names_done))
        if prediction.error:
            widgets.show_error(prediction.error)
        if prediction.warning:
            widgets.show_warning(prediction.warning)
        show_messages(list(prediction.errors.values()), "images that could not be predicted", most=1)
        if progress.state == CANCELLED:
            with st.container(horizontal=True, vertical_alignment="center"):
                message = f"Canceled after {len(names)} of {len(items)} images."
                st.warning(message, icon=":material/cancel:", width="stretch")
                st.button("Predict the rest", key="again", icon=":material/refresh:", on_click=job.restart)
    if names:
        try:
            config = model_picker.load_model(model).predictor.model.config
        except UnetError as error:
            widgets.show_error(error)
            st.stop()
        result.show(Work(items, prediction, model, config, adjust), chosen)
