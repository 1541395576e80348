"""The predicted image in the viewer, and the choice among several."""

from dataclasses import fields

import streamlit as st

from pages.components import viewer
from pages.ui import channels_shown
from pages.ui.formatting import plain
from pages.views.predict import address, uploads
from unet_core.export.result import Result
from unet_core.inference.prediction import Prediction
from unet_core.postprocessing import class_areas

BELOW = 128  # screen pixels of the first screen for the read-out, the export and the caption
MOST_CLASSES = 4  # whose areas the caption gives


def choose_image(names: list[str]) -> str:
    """Which image is shown: a menu with Previous and Next, where there are several; its name stands in the address."""
    from_address = st.session_state.get("image_of_address")  # it may not be predicted yet
    if from_address in names:
        st.session_state["shown"] = st.session_state.pop("image_of_address")
    elif st.session_state.get("shown") not in names:
        st.session_state["shown"] = names[0]

    def step(by: int) -> None:
        st.session_state["shown"] = names[(names.index(st.session_state["shown"]) + by) % len(names)]

    if len(names) > 1:
        number = names.index(st.session_state["shown"]) + 1
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="choose_image"):
            st.button("Previous", key="previous", icon=":material/chevron_left:", on_click=step, args=(-1,))
            label = f"Image ({number} of {len(names)})"
            st.selectbox(label, names, key="shown", label_visibility="collapsed", persist_state="session")
            st.button("Next", key="next", icon=":material/chevron_right:", on_click=step, args=(1,))
            st.caption(f"{number} of {len(names)}", width="content")
            st.button(
                "Remove",
                key="remove_image",
                icon=":material/delete:",
                type="tertiary",
                help="Takes this image out of the list; it can be undone.",
                on_click=uploads.remove_image,
                args=(st.session_state["shown"],),
            )
    name = str(st.session_state["shown"])
    if "image_of_address" not in st.session_state:
        address.write({"image": name if len(names) > 1 else None})
    return name


def show(
    result: Result, prediction: Prediction, name: str, threshold: float, selected: int | None, content: str
) -> viewer.ViewSettings:
    """The viewer over the mask at `threshold`; gives the threshold and the object that the visitor chose in it.

    `content` identifies the image's pixels.
    """
    usual = viewer.ViewSettings(style="outline" if prediction.num_classes == 1 else "fill")
    seeds = {field.name: getattr(usual, field.name) for field in fields(usual) if field.name in address.VIEW}
    view = viewer.show_viewer(
        result.image,
        key="viewer",
        **channels_shown.choose_view(content, result.image, result.channel_names, "predict"),
        name=name,
        summary=f"{', '.join(describe(result))}.",
        probability=None if prediction.probability16 is None else prediction.probability,
        classes=prediction.classes,
        mask=result.mask,
        mask_threshold=threshold,
        uncertainty=prediction.uncertainty,
        class_names=list_class_names(result),
        threshold=threshold,
        pixel_size=result.pixel_size,
        objects=result.objects if has_objects(result) else None,
        selected=selected,
        below=BELOW,
        on_change=take_threshold,
        **seeds | st.session_state.get("view_of_address", {}),
    )
    address.write_view(view, usual)
    return view


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


def has_objects(result: Result) -> bool:
    """Whether its connected regions are objects that can be counted, or the visitor wants them measured anyway."""
    return bool(st.session_state.get("measure_regions")) or class_areas.are_objects(result.mask, result.num_classes)


def describe(result: Result) -> list[str]:
    """Size, share of the foreground, number of objects or the largest classes."""
    height, width = result.mask.shape
    parts = [f"{width} x {height} pixels"]
    if result.num_classes == 1:
        parts.append(f"{(result.mask > 0).mean():.1%} foreground")
    if has_objects(result):
        number = len(result.objects)
        parts.append(f"{number} object{'s' if number != 1 else ''}")
    else:
        areas = class_areas.measure(result.mask, result.num_classes)
        rows = list(zip(areas["class"], areas["share"], strict=True))[:MOST_CLASSES]
        parts += [f"{result.class_name(int(index))} {share:.0%}" for index, share in rows]
    return parts


def show_caption(result: Result, note: str) -> None:
    """What there is to see, and the note of the prediction."""
    parts = [plain(part) for part in describe(result)]
    if note:
        parts.append(plain(note))
    st.caption(" · ".join(parts))
