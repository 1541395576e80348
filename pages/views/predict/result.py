"""One predicted image: the viewer, what may be wrong with it, its objects, its downloads."""

import streamlit as st

from pages.ui import widgets
from pages.views.predict import downloads, image_viewer, measurements, troubleshooting
from pages.views.predict.masks import Work, all_results, measure_result, read_remarks
from pages.views.predict.options import choose_options
from unet_core.config import reproduce
from unet_core.errors import UnetError


@st.fragment
def show(work: Work) -> None:
    """The chosen image; only this part runs again when something in it changes."""
    if st.session_state.get("adjust", work.adjust) != work.adjust:
        st.rerun()  # a remedy was chosen in here, and the whole page must predict again
    names = list(work.job.names_done)
    name = image_viewer.choose_image(names)
    item, prediction = work.items[name], work.job.prediction(name)
    options = choose_options(prediction.num_classes)
    threshold = st.session_state.setdefault("threshold", work.config.threshold)
    key = (work.model.name, item.key, work.job.tta, work.job.tile, repr(work.adjust), threshold, options)
    try:
        result = measure_result(key, item, prediction, threshold, options)
        remarks = read_remarks(item.key, item)
    except UnetError as error:
        widgets.show_error(error)
        return
    scope = (name, threshold, options)
    selected = st.session_state.get("picked") if st.session_state.get("picked_in") == scope else None
    view = image_viewer.show(result, prediction, name, threshold, selected)
    if prediction.num_classes == 1 and view.threshold != threshold:
        st.session_state["threshold"] = view.threshold
        st.rerun(scope="fragment")
    if view.selected != selected and view.selected:
        st.session_state.update(picked=view.selected, picked_in=scope)
        selected = view.selected
    image_viewer.show_caption(result, " ".join(filter(None, (work.job.notes.get(name, ""), remarks))))
    troubleshooting.show(work, item, result, prediction)
    left, right = st.columns([5, 2], gap="medium")
    with left:
        measurements.show(result.objects, selected, scope)
    with right:
        downloads.show(result, len(names), lambda: all_results(work, threshold, options))
        with st.expander("Show code", icon=":material/code:"):
            model = work.model.folder if work.model.run is None else work.model.run.folder
            used = threshold if prediction.num_classes == 1 else None
            code = reproduce.prediction_code(str(model), work.job.tta, work.job.tile, used)
            st.code(code, language="python", wrap_lines=True)
