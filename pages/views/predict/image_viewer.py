"""The predicted image in the viewer, and the choice among several."""

import streamlit as st

from pages.components import viewer
from pages.ui import channels_shown
from pages.ui.formatting import plain
from unet_core.export.result import Result
from unet_core.inference.prediction import Prediction


def choose_image(names: list[str]) -> str:
    """Which image is shown: a menu with Previous and Next, where there are several."""
    if st.session_state.get("shown") not in names:
        st.session_state["shown"] = names[0]

    def step(by: int) -> None:
        st.session_state["shown"] = names[(names.index(st.session_state["shown"]) + by) % len(names)]

    if len(names) > 1:
        number = names.index(st.session_state["shown"]) + 1
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button("Previous", key="previous", icon=":material/chevron_left:", on_click=step, args=(-1,))
            st.selectbox(f"Image ({number} of {len(names)})", names, key="shown", width=420, persist_state="session")
            st.button("Next", key="next", icon=":material/chevron_right:", on_click=step, args=(1,))
    return str(st.session_state["shown"])


def show(
    result: Result, prediction: Prediction, name: str, threshold: float, selected: int | None, content: str
) -> viewer.ViewSettings:
    """The viewer over the mask at `threshold`; gives the threshold and the object that the visitor chose in it.

    `content` identifies the image's pixels.
    """
    return viewer.show_viewer(
        result.image,
        key="viewer",
        **channels_shown.choose_view(content, result.image, result.channel_names, "predict"),
        name=name,
        probability=None if prediction.probability16 is None else prediction.probability,
        classes=prediction.classes,
        mask=result.mask,
        mask_threshold=threshold,
        uncertainty=prediction.uncertainty,
        class_names=list_class_names(result),
        threshold=threshold,
        pixel_size=result.pixel_size,
        objects=result.objects,
        selected=selected,
        on_change=take_threshold,
    )


def take_threshold() -> None:
    """Called before the rerun that a change in the viewer causes: mask and measurements are then made once."""
    settings = (st.session_state.get("viewer") or {}).get("settings") or {}
    threshold = settings.get("threshold")
    if isinstance(threshold, int | float) and 0 <= threshold <= 1:
        st.session_state["threshold"] = float(threshold)


def list_class_names(result: Result) -> list[str]:
    """Of each class, for the viewer; [] for a binary mask without names."""
    if result.num_classes == 1:
        return list(result.class_names) if len(result.class_names) == 2 else []
    return [result.class_name(index) for index in range(result.num_classes)]


def show_caption(result: Result, note: str) -> None:
    """Size, share of the foreground, number of objects, and the note of the prediction."""
    height, width = result.mask.shape
    number = len(result.objects)
    parts = [f"{width} x {height} pixels", f"{number} object{'s' if number != 1 else ''}"]
    if result.num_classes == 1:
        parts.insert(1, f"{(result.mask > 0).mean():.1%} foreground")
    if note:
        parts.append(plain(note))
    st.caption(" · ".join(parts))
