"""One image of the gallery in the viewer, with its mask, what was measured of it and what was found."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import streamlit as st

from pages.components import viewer
from pages.server.datasets import thumbnails
from pages.ui import channels_shown, widgets
from pages.ui.figures import data_charts
from pages.ui.formatting import key_text, plain
from pages.views.data import left_out, pairs, state
from pages.views.data.state import Dataset
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import ERROR, INFO, WARNING
from unet_core.data.checks.registry import CHECKS
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.io import channels
from unet_core.io.filenames import readable
from unet_core.io.pixels import Array, Pixels

OPENED = "data_image"
BADGES: dict[str, tuple[Literal["red", "orange", "gray"], str]] = {
    ERROR: ("red", ":material/error:"),
    WARNING: ("orange", ":material/warning:"),
    INFO: ("gray", ":material/info:"),
}


def open_image(name: str | None) -> None:
    """For buttons: show an image, or with None the gallery; kept in the address."""
    st.session_state[OPENED] = name
    if name is None or name != readable(name):  # an address cannot hold bytes that are not UTF-8
        st.query_params.pop("image", None)
    else:
        st.query_params["image"] = name


def show(dataset: Dataset, facts: SampleFacts, names: Sequence[str]) -> None:
    """The image with buttons to its neighbors among `names`, as they are filtered and sorted."""
    position = names.index(facts.id) if facts.id in names else -1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All images", key="close_image", icon=":material/grid_view:", on_click=open_image, args=(None,))
        before = names[position - 1] if position > 0 else None
        after = names[position + 1] if 0 <= position < len(names) - 1 else None
        for label, icon, name in (("Previous", "chevron_left", before), ("Next", "chevron_right", after)):
            st.button(
                label,
                key=f"image_{label.lower()}",
                icon=f":material/{icon}:",
                disabled=name is None,
                on_click=open_image,
                args=(name,),
            )
        st.button(
            "Change mask",
            key="change_mask",
            icon=":material/link:",
            on_click=pairs.look_up,
            args=(facts,),
            help="Opens Pairs, where another mask file can be chosen for this image.",
        )
        st.button(
            "Leave out",
            key="leave_out",
            icon=":material/block:",
            on_click=drop,
            args=(dataset, facts.id, after or before),
            help="Not used for training, validation or tests. The file stays where it is; undo it in Mask Doctor.",
        )
        number = f" ({position + 1:,} of {len(names):,})" if position >= 0 else ""
        st.markdown(f"**{plain(readable(facts.id))}**{number}", width="content")
    show_findings(dataset, facts.id)
    show_viewer(dataset, facts)
    st.caption(" · ".join(plain(word) for word in describe(facts)))


def show_findings(dataset: Dataset, name: str) -> None:
    """What was found of this image, in a few words each; Mask Doctor says more."""
    findings = dataset.findings_of.get(name, ())
    if findings:
        with st.container(horizontal=True):
            for finding in findings:
                color, icon = BADGES[finding.severity]
                st.badge(CHECKS[finding.check].title, color=color, icon=icon)


def drop(dataset: Dataset, name: str, following: str | None) -> None:
    """Called by the button: leave the image out and show the next one."""
    state.change(dataset.root, lambda recipe: left_out.leave_out(recipe, name))
    open_image(following)


def show_viewer(dataset: Dataset, facts: SampleFacts) -> None:
    """The viewer, or why the image cannot be read."""
    try:
        sample = dataset.samples.get(facts.id)
        if sample is None:
            st.info("This image is no longer in the folder.", icon=":material/sync:")
            return
        look = dataset.look()
        image, mask, problem, names = read(sample, look, thumbnails.key_of(sample, look))
    except UnetError as error:
        widgets.show_error(error)
        return
    if problem:
        widgets.show_warning(problem)
    colors, content = dataset.colors, f"{facts.record} {key_text(facts.id)}"
    if image.shape[2] in (1, 3):
        shown = channels_shown.choose_contrast(content, image, "data")
    else:
        shown = channels_shown.choose_view(content, image, names, "data")
    viewer.show_viewer(
        image,
        key="data_viewer",
        **shown,
        name=readable(facts.id),
        summary=f"{', '.join(describe(facts))}.",
        truth=mask,
        class_names=dataset.class_names,
        colors=np.array([channels_shown.from_hex(color) for color in colors], np.uint8),
        color=colors[1],
        mode="truth" if mask is not None else "image",
        style="both",
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def read(_sample: Sample, _look: thumbnails.Look, key: str) -> tuple[Pixels, Array | None, str, tuple[str, ...]]:
    """Image, mask, why there is no mask, names of the channels; `key` changes with any of them. Raises ImageError."""
    image, mask, problem = thumbnails.read_pair(_sample, _look)
    return image, mask, problem, channels.describe((_sample.image, *_sample.channel_files)).names


def describe(facts: SampleFacts) -> list[str]:
    """What was measured of an image, in words."""
    if facts.problem or not facts.width:
        return [facts.image]
    words = [facts.image, f"{facts.width} x {facts.height} px", facts.dtype]
    words.append(f"{facts.channels} channel{'s' * (facts.channels != 1)}")
    if facts.classes:
        words.append(f"foreground {data_charts.percent_text(facts.foreground)}")
        words.append(f"{facts.objects:,} object{'s' * (facts.objects != 1)}")
    words += [f"subset {facts.subset}"] if facts.subset else []
    words += [f"group {facts.group}"] if facts.group else []
    words += [f"mask {readable(mask)}" for mask in facts.masks[:2]]
    return words
