"""One predicted picture: the viewer, its objects, what may be wrong, what can be taken home."""

from collections.abc import Iterator
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from pages.components import viewer
from pages.server import model_registry
from pages.server.prediction_job import PredictionJob
from pages.ui import charts, widgets
from pages.ui.formatting import plain
from pages.views.predict import downloads
from pages.views.predict import troubleshooting as troubleshooting_panel
from unet_core.config.schema import ModelConfig
from unet_core.data import appearance
from unet_core.errors import UnetError
from unet_core.export.result import Result
from unet_core.inference import inputs, troubleshooting
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels
from unet_core.postprocessing import objects
from unet_core.postprocessing.cleanup import clean

NOT_CHARTED = ("id", "class", "touches_border")


@dataclass(frozen=True)
class Options:
    """What is done with an answer; each is a widget, and none of them costs a forward pass."""

    min_area: int
    fill_holes: bool
    split: bool
    pixel_size: float | None
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """All that a visitor has here: the pictures, their answers, the model."""

    items: dict[str, inputs.Item]
    job: PredictionJob
    model: model_registry.Model
    config: ModelConfig
    adjust: Adjust


@st.cache_resource(max_entries=6, show_spinner=False)
def pixels(key: str, _item: inputs.Item) -> Pixels:
    """The picture itself; the latest ones are kept decoded."""
    return _item.read()


@st.cache_data(max_entries=64, show_spinner=False)
def look_of(key: str, adjust: Adjust, _image: Pixels) -> appearance.ImageStats:
    """The look of a picture as the net sees it, once for all thresholds."""
    return troubleshooting.measure(_image, adjust)


def result_of(item: inputs.Item, image: Pixels, answer: Prediction, threshold: float, options: Options) -> Result:
    """The picture with its mask as the widgets have it; its objects are found when they are asked for."""
    return Result(
        name=item.stem,
        image=image,
        mask=clean(answer.mask(threshold), options.min_area, options.fill_holes),
        num_classes=answer.num_classes,
        probability=answer.confidence if answer.probability16 is None else answer.probability16,
        class_names=options.class_names,
        pixel_size=options.pixel_size,
        threshold=None if answer.num_classes > 1 else threshold,
        split=options.split,
    )


@st.cache_resource(max_entries=8, show_spinner="Measuring the objects…")
def shown(key: tuple, _item: inputs.Item, _answer: Prediction, threshold: float, options: Options) -> Result:
    """That of the picture on the screen, with its objects; kept, since most reruns change nothing of it."""
    result = result_of(_item, pixels(_item.key, _item), _answer, threshold, options)
    _ = result.objects
    return result


def choose_options(num_classes: int) -> Options:
    """The widgets of all that follows a prediction."""
    keep = {"persist_state": "session"}
    with st.expander("Objects and units", icon=":material/straighten:"):
        left, right = st.columns(2)
        min_area = left.number_input(
            "Smallest object (pixels)", 0, 10_000_000, 0, key="min_area", help="Smaller ones are taken out.", **keep
        )
        pixel_size = right.number_input(
            "Pixel size (µm)",
            0.0,
            1000.0,
            0.0,
            format="%g",
            key="pixel_size",
            help="0 = not known: measures are in pixels.",
            **keep,
        )
        fill_holes = left.toggle("Fill holes", key="fill_holes", **keep)
        split = right.toggle(
            "Split touching objects",
            key="split_touching",
            help="Watershed on the distance to the background: for round objects.",
            **keep,
        )
        names = st.text_input(
            "Class names, with commas",
            key="class_names",
            placeholder="background, cell" if num_classes == 1 else "background, road, car, …",
            **keep,
        )
    listed = tuple(name.strip() for name in names.split(",")) if names.strip() else ()
    return Options(int(min_area), fill_holes, split, pixel_size or None, listed)


@st.fragment
def show(work: Work) -> None:
    """The chosen picture; only this part runs again when something in it changes."""
    if st.session_state.get("adjust", work.adjust) != work.adjust:
        st.rerun()  # a remedy was chosen in here, and the whole page must predict anew
    names = list(work.job.names_done)
    if st.session_state.get("shown") not in names:
        st.session_state["shown"] = names[0]
    if len(names) > 1:
        browse(names)
    name = st.session_state["shown"]
    item, answer = work.items[name], work.job.answer(name)
    options = choose_options(answer.num_classes)
    start = st.session_state.setdefault("threshold", work.config.threshold)
    key = (work.model.name, item.key, work.job.tta, work.job.tile, repr(work.adjust), start, options)
    try:
        result = shown(key, item, answer, start, options)
        found = result.objects
    except UnetError as error:
        widgets.show_error(error)
        return
    picked = st.session_state.get("picked") if st.session_state.get("picked_in") == (name, start, options) else None
    view = viewer.show_viewer(
        result.image,
        key="viewer",
        name=name,
        probability=None if answer.probability16 is None else answer.probability,
        classes=answer.classes,
        mask=result.mask,
        mask_threshold=start,
        uncertainty=answer.uncertainty,
        class_names=names_of(result),
        threshold=start,
        pixel_size=options.pixel_size,
        objects=found,
        selected=picked,
        on_change=follow,
    )
    if answer.num_classes == 1 and view.threshold != start:
        st.session_state["threshold"] = view.threshold
        st.rerun(scope="fragment")
    if view.selected != picked and view.selected:
        st.session_state.update(picked=view.selected, picked_in=(name, start, options))
        picked = view.selected
    caption(result, work, name)
    seen = troubleshooting.Observation(
        result.image,
        result.mask,
        None if answer.probability16 is None else answer.probability,
        start,
        work.adjust,
        look_of(item.key, work.adjust, result.image),
    )
    troubleshooting_panel.show(seen, troubleshooting_panel.known_of(work.model, work.config.threshold))
    left, right = st.columns([5, 2], gap="medium")
    with left:
        measures(found, picked, (name, start, options))
    with right:
        downloads.show(result, len(names), lambda: all_results(work, start, options))


def follow() -> None:
    """Called before the rerun that a change in the viewer causes: mask and measures are then made once."""
    told = (st.session_state.get("viewer") or {}).get("settings") or {}
    threshold = told.get("threshold")
    if isinstance(threshold, int | float) and 0 <= threshold <= 1:
        st.session_state["threshold"] = float(threshold)


def names_of(result: Result) -> list[str]:
    """Of each class, for the viewer; [] for a binary one that nobody has named."""
    if result.num_classes == 1:
        return list(result.class_names) if len(result.class_names) == 2 else []
    return [result.class_name(index) for index in range(result.num_classes)]


def browse(names: list[str]) -> None:
    """Which picture is shown: a menu with a step back and forth."""

    def step(by: int) -> None:
        st.session_state["shown"] = names[(names.index(st.session_state["shown"]) + by) % len(names)]

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Previous", key="previous", icon=":material/chevron_left:", on_click=step, args=(-1,))
        st.selectbox(f"Image, {len(names)} in all", names, key="shown", width=420, persist_state="session")
        st.button("Next", key="next", icon=":material/chevron_right:", on_click=step, args=(1,))


def caption(result: Result, work: Work, name: str) -> None:
    """The standing in a line: size, share, what was done to the picture, notes."""
    height, width = result.mask.shape
    number = len(result.objects)
    parts = [f"{width} x {height} pixels", f"{number} object{'s' if number != 1 else ''}"]
    if result.num_classes == 1:
        parts.insert(1, f"{(result.mask > 0).mean():.1%} foreground")
    if note := work.job.notes.get(name):
        parts.append(plain(note))
    st.caption(" · ".join(parts))


def measures(found: objects.Objects, picked: int | None, place: tuple) -> None:
    """The table of the objects; a row marks its object in the picture, an object in the picture its row."""
    if not len(found):
        st.info("No object: the mask is empty at this threshold and smallest size.", icon=":material/search_off:")
        return

    def pick() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        st.session_state.update(picked=int(rows[0]) + 1 if rows else None, picked_in=place)

    key = f"objects-{picked}-{hash(place)}"
    selected = {"selection": {"rows": [picked - 1]}} if picked else None
    st.dataframe(
        found.table,
        key=key,
        hide_index=True,
        height=320,
        on_select=pick,
        selection_mode="single-row",
        selection_default=selected,
        column_config={
            column: st.column_config.NumberColumn(format="%.4g")
            for column, values in found.table.items()
            if values.dtype.kind == "f"
        },
        alt=f"Table of {len(found)} objects",
    )
    columns = [column for column in found.table if column not in NOT_CHARTED]
    chosen = st.selectbox("Histogram of", columns, key="histogram_of", persist_state="session")
    figure = go.Figure(go.Histogram(x=found.table[chosen], marker={"color": charts.BLUE}))
    figure.update_layout(
        height=220,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        bargap=0.05,
        xaxis={"title": chosen.replace("_", " ")},
        yaxis={"title": "objects"},
    )
    st.plotly_chart(figure, key="object_histogram", config={"displaylogo": False}, alt=f"Histogram of {chosen}")


def all_results(work: Work, threshold: float, options: Options) -> Iterator[Result]:
    """Each picture with its mask, made one at a time."""
    for name in work.job.names_done:
        item = work.items[name]
        yield result_of(item, item.read(), work.job.answer(name), threshold, options)
