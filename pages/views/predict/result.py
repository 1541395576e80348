"""One predicted image: what may be wrong with it, the viewer, its export, its measurements."""

from functools import partial

import streamlit as st

from pages.server.paths import shown
from pages.ui import addresses, widgets
from pages.views.predict import address, downloads, image_viewer, measurements, thumbnails, troubleshooting
from pages.views.predict.masks import Work, all_results, measure_result, read_remarks
from pages.views.predict.options import Options
from unet_core.config import reproduce
from unet_core.errors import UnetError


@st.fragment
def show(work: Work, options: Options) -> None:
    """The chosen image; only this part runs again when something in it changes."""
    if st.session_state.get("adjust", work.adjust) != work.adjust:
        st.rerun()  # a remedy was chosen in here, and the whole page must predict again
    names = [name for name in work.job.names_done if name in work.items]
    if set(st.session_state.get("removed", ())) & set(names):
        st.rerun()  # an image was removed in here
    with st.container():
        name = image_viewer.choose_image(names)
    if len(work.items) == 1:
        show_image(work, options, name, names)
        return
    with st.container(key="viewer_and_strip"):
        with st.container(key="viewer_part"):
            show_image(work, options, name, names)
        with st.container(key="strip"):
            thumbnails.show(names, work.items, name)


def show_image(work: Work, options: Options, name: str, names: list[str]) -> None:
    """All of one image."""
    item, prediction = work.items[name], work.job.prediction(name)
    threshold = st.session_state.setdefault("threshold", work.config.threshold)
    key = (work.model.name, item.key, work.job.tta, work.job.tile, repr(work.adjust), threshold, options)
    try:
        result = measure_result(key, item, prediction, threshold, options)
        remarks = read_remarks(item.key, item)
    except UnetError as error:
        widgets.show_error(error)
        return
    address.write({"threshold": None if threshold == work.config.threshold else f"{threshold:g}"})
    scope = (name, threshold, options)
    selected = st.session_state.get("picked") if st.session_state.get("picked_in") == scope else None
    with st.container():  # it has its place also where it is empty: what moves is loaded anew by the browser
        troubleshooting.show(work, item, result, prediction)
    view = image_viewer.show(result, prediction, name, threshold, selected, item.key)
    if prediction.num_classes == 1 and view.threshold != threshold:
        st.session_state["threshold"] = view.threshold
        st.rerun(scope="fragment")
    if view.selected != selected and view.selected:
        st.session_state.update(picked=view.selected, picked_in=scope)
        selected = view.selected
    results = partial(all_results, work, threshold, options)
    downloads.show(result, view, len(names), results)
    image_viewer.show_caption(result, " ".join(filter(None, (work.job.notes.get(name, ""), remarks))))
    measurements.show(result, selected, scope)
    if st.button("Evaluate this model", key="evaluate", icon=":material/analytics:"):
        st.switch_page("evaluate.py", query_params={addresses.MODEL: work.model.name})
    with st.expander("Show code", icon=":material/code:"):
        used = threshold if prediction.num_classes == 1 else None
        code = reproduce.prediction_code(shown(work.model.path), work.job.tta, work.job.tile, used)
        st.code(code, language="python", wrap_lines=True)
