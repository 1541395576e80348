"""The dataset in numbers and figures: sizes, types, classes, objects, intensities, and how its folder was read."""

from collections import Counter

import plotly.graph_objects as go
import streamlit as st

from pages.ui import widgets
from pages.ui.figures import chart_view, charts, data_charts
from pages.ui.formatting import plain
from pages.views.data import classes, state
from pages.views.data.state import Dataset
from unet_core.config.choices import LAYOUTS
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.summary import totals
from unet_core.io.filenames import readable


def show(dataset: Dataset) -> None:
    """Tiles, how the folder was read, classes, figures."""
    facts = [item for item in dataset.scan.facts if not item.problem]
    widgets.tiles(tiles(dataset, facts))
    show_layout(dataset)
    if not dataset.is_measured:
        st.info("Figures appear when the scan is done.", icon=":material/hourglass_top:")
        return
    if dataset.scan.num_classes:
        classes.show(dataset)
    show_figures(dataset, facts)


def tiles(dataset: Dataset, facts: list[SampleFacts]) -> dict[str, tuple[str, str]]:
    """{label: (value, help)}"""
    scan = dataset.scan
    numbers = {"Images": (f"{len(scan.facts):,}", "With a mask, after what the recipe leaves out.")}
    if not dataset.is_measured:
        return numbers
    objects = sum(item.objects for item in facts)
    numbers |= {
        "Size": (totals.describe_sizes(facts), "Width x height."),
        "Channels": (totals.describe_kinds([str(item.channels or "") for item in facts]), "Of an image."),
        "Bit depth": (totals.describe_kinds([item.dtype for item in facts]), "Type of the pixels as stored."),
        "Classes": (str(max(2, scan.num_classes)) if scan.num_classes else "–", "With the background."),
        "Objects": (f"{objects:,}", "Numbered objects, else connected areas of a class other than the background."),
    }
    if any(item.classes for item in facts):
        middle = sorted(item.foreground for item in facts)[len(facts) // 2]
        numbers["Foreground"] = (data_charts.percent_text(middle), "Median share of an image that is not background.")
    if unreadable := len(scan.facts) - len(facts):
        numbers["Not usable"] = (str(unreadable), "Images that cannot be read, or whose mask does not fit.")
    return numbers


def show_figures(dataset: Dataset, facts: list[SampleFacts]) -> None:
    """Two beside each other; a figure without data is not drawn."""
    drawn = figures(dataset.version, dataset, facts)
    for start in range(0, len(drawn), 2):
        for column, (title, figure, note) in zip(st.columns(2, gap="medium"), drawn[start : start + 2], strict=False):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{title}**")
                key = f"data_{title.lower().replace(' ', '_')}"
                name = f"{dataset.root.name}-{title}"
                chart_view.show_chart(figure, key, name, f"{title}, of {len(facts)} images", has_toolbar=False)
                if note:
                    st.caption(note)


@st.cache_resource(max_entries=4, show_spinner="Drawing the figures…")
def figures(version: str, _dataset: Dataset, _facts: list[SampleFacts]) -> list[tuple[str, go.Figure, str]]:
    """(title, figure, note)"""
    dataset, facts = _dataset, _facts
    drawn: list[tuple[str, go.Figure, str]] = []
    if (intensities := totals.total_intensities(facts)) is not None:
        note = f"Without {intensities.left_out} images of another type." if intensities.left_out else ""
        names = channel_names(dataset, len(intensities.shares))
        drawn.append(("Intensities", data_charts.draw_intensities(intensities, names), note))
    if any(item.classes for item in facts):
        shares = [100 * item.foreground for item in facts]
        empty = sum(not share for share in shares)
        note = f"{empty} image{'s have' if empty > 1 else ' has'} no foreground." if empty else ""
        drawn.append(("Foreground", data_charts.draw_counts(shares, "foreground (% of the image)"), note))
    diameters = totals.diameters(facts)
    if len(diameters):
        figure = data_charts.draw_diameters(*totals.bin_logarithmically(diameters))
        median = diameters[len(diameters) // 2]
        drawn.append(("Object sizes", figure, f"Diameter of a disk of the same area; median {median:.0f} px."))
        counts = [item.objects for item in facts]
        drawn.append(("Objects per image", data_charts.draw_counts(counts, "objects", charts.GREEN), ""))
    sizes = Counter((item.width, item.height) for item in facts if item.width)
    if len(sizes) > 1:
        drawn.append(("Image sizes", data_charts.draw_sizes(sizes), "Larger points stand for more images."))
    return drawn


def channel_names(dataset: Dataset, number: int) -> list[str]:
    """Names of the channels, by the header of the first image; red, green and blue where they are that."""
    if number == 1:
        return ["gray"]
    names = _header_names(dataset)
    if len(names) == number:
        return [plain(name) for name in names]
    return ["red", "green", "blue"] if number == 3 else []


def _header_names(dataset: Dataset) -> tuple[str, ...]:
    from unet_core.errors import UnetError
    from unet_core.io import channels

    try:
        sample = next(iter(dataset.samples.values()))
        return channels.describe((sample.image, *sample.channel_files)).names
    except (UnetError, StopIteration):
        return ()


def show_layout(dataset: Dataset) -> None:
    """The layout, its reason, and what the mask values mean."""
    scan = dataset.scan
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**How the folder was read**: layout `{scan.layout}`")
        if reason := scan.reason or LAYOUTS.get(scan.layout, ""):
            st.caption(plain(readable(reason)))
        if scan.coding is not None:
            st.caption(f"Masks: {plain(scan.coding.describe())}")
        if scan.notes:
            st.caption("\n".join(f"- {plain(readable(note))}" for note in scan.notes))
        choose_layout(dataset)


def choose_layout(dataset: Dataset) -> None:
    """A button for each other layout that reads something in the folder."""
    scan, root = dataset.scan, dataset.root
    others = [name for name in scan.candidates if name != scan.layout]
    fixed = dataset.recipe.get("layout")
    if not others and fixed is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Other layouts that fit:" if others else "Set by hand:", width="content")
        for name in others:
            st.button(
                name,
                key=f"layout {name}",
                help=plain(LAYOUTS.get(name, "")) or None,
                on_click=state.set_setting,
                args=(root, "layout", name),
            )
        if fixed is not None:
            st.button(
                "Detect the layout",
                key="layout auto",
                icon=":material/undo:",
                on_click=state.set_setting,
                args=(root, "layout", None),
            )
