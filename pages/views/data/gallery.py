"""A page of thumbnails with their masks outlined, filtered and sorted; a button below each opens it in the viewer."""

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any

import streamlit as st

from pages.server.datasets import thumbnails
from pages.server.datasets.thumbnails import STYLES, Thumbnail
from pages.ui.formatting import key_text, plain
from pages.views.data import image_view, left_out
from pages.views.data.repair import doctor
from pages.views.data.state import Dataset
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.summary import gallery
from unet_core.data.summary.gallery import SORTS, Filter
from unet_core.io.filenames import readable

PAGE = 24
WIDTH = 175  # pixels of a control
ALL, WITH_PROBLEMS, LEFT_OUT = "All images", "With problems", "Left out"
SHOWN = (ALL, WITH_PROBLEMS, LEFT_OUT)
SUBSETS = {"": "All", "train": "Training", "val": "Validation", "test": "Test"}
STYLE_LABELS = {"outlines": "Outlines", "filled": "Filled", "none": "No masks"}
LONGEST = 80  # letters of a name on a button; they wrap
MOST_LETTERS = 90  # of why an image cannot be shown


def show(dataset: Dataset) -> None:
    """The opened image, else the page of thumbnails."""
    opened = st.session_state.get(image_view.OPENED, st.query_params.get("image"))
    facts = {item.id: item for item in dataset.scan.facts}
    if opened in facts:
        image_view.show(dataset, facts[opened], [item.id for item in choose(dataset, quiet=True)])
        return
    shown = choose(dataset)
    if st.session_state.get("gallery_shown") == LEFT_OUT:
        left_out.show(dataset)
    elif not shown:
        st.info("No image passes this filter.", icon=":material/filter_alt_off:")
    else:
        show_page(dataset, shown)


def choose(dataset: Dataset, quiet: bool = False) -> list[SampleFacts]:
    """The images that pass the filters, sorted; `quiet` takes the controls as they were and draws none."""
    if not quiet:
        draw_controls(dataset)
    state, root = st.session_state, key_text(str(dataset.root))
    chosen = Filter(
        text=state.get("gallery_text") or "",
        subset=state.get(f"gallery_subset {root}") or "",
        group=state.get(f"gallery_group {root}") or "",
        class_index=state.get(f"gallery_class {root}"),
        ids=dataset.with_problems if state.get("gallery_shown") == WITH_PROBLEMS else None,
    )
    return gallery.select(dataset.scan.facts, chosen, state.get("gallery_sort") or "name")


def draw_controls(dataset: Dataset) -> None:
    """Search, filters, sort and the style of the masks. What does not occur in the dataset is not offered."""
    facts, root = dataset.scan.facts, key_text(str(dataset.root))

    def choose_one(label: str, options: Sequence[Any], labels: Callable[[Any], str], key: str, **more: Any) -> None:
        st.selectbox(
            label,
            options,
            format_func=labels,
            key=key,
            width=WIDTH,
            persist_state="session",
            on_change=to_first_page,
            args=(dataset,),
            **more,
        )

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Search",
            key="gallery_text",
            placeholder="File name",
            width=WIDTH,
            persist_state="session",
            on_change=to_first_page,
            args=(dataset,),
        )
        choose_one("Show", SHOWN, str, "gallery_shown")
        sorts = list(SORTS) if dataset.is_measured else ["name", "group"]
        choose_one("Sort by", sorts, lambda key: SORTS[key].label, "gallery_sort")
        subsets = ["", *sorted({item.subset for item in facts} - {""})]
        if len(subsets) > 1:
            choose_one("Subset", subsets, lambda name: SUBSETS.get(name, name), f"gallery_subset {root}")
        groups = ["", *sorted({item.group for item in facts} - {""})]
        if len(groups) > 1:
            choose_one("Group", groups, lambda name: readable(name) or "All", f"gallery_group {root}")
        if dataset.is_measured and dataset.scan.num_classes > 1:
            names = dataset.class_names
            choose_one(
                "Class in the mask",
                range(len(names)),
                lambda index: names[index],
                f"gallery_class {root}",
                index=None,
                placeholder="Any",
            )
        choose_one("Masks", STYLES, STYLE_LABELS.__getitem__, "gallery_style")


def to_first_page(dataset: Dataset) -> None:
    """Called by the filters and the sort."""
    st.session_state[page_key(dataset)] = 1


def page_key(dataset: Dataset) -> str:
    """The key of the page's number."""
    return f"gallery_page {key_text(str(dataset.root))}"


def show_page(dataset: Dataset, shown: Sequence[SampleFacts]) -> None:
    """The thumbnails of one page, and the choice of the page."""
    pages = gallery.count_pages(shown, PAGE)
    number = min(st.session_state.get(page_key(dataset)) or 1, pages)
    items = gallery.page_of(shown, number, PAGE)
    samples = dataset.samples
    known = [item for item in items if item.id in samples]
    with st.spinner("Reading the images of this page…", show_time=False):
        look = dataset.look(st.session_state.get("gallery_style") or STYLES[0])
        drawn = dict(
            zip(
                (item.id for item in known),
                thumbnails.make_all([samples[item.id] for item in known], look),
                strict=True,
            )
        )
    show_grid(dataset, items, drawn)
    first = (number - 1) * PAGE + 1
    st.caption(f"{first:,} to {first + len(items) - 1:,} of {len(shown):,} images")
    if pages > 1:
        st.pagination(pages, key=page_key(dataset), persist_state="session")


def show_grid(dataset: Dataset, items: Sequence[SampleFacts], drawn: dict[str, Thumbnail]) -> None:
    """A cell for each image, in as many columns as the window holds."""
    with st.container(horizontal=True, key="gallery_grid"):
        for item in items:
            with st.container(width=190, gap="xxsmall", key=f"cell {key_text(item.id)}"):
                show_cell(dataset, item, drawn.get(item.id))


def show_cell(dataset: Dataset, item: SampleFacts, thumbnail: Thumbnail | None) -> None:
    """The image, and a button with the name that opens it."""
    name = readable(item.id)
    if thumbnail is not None and thumbnail.data:
        st.image(thumbnail.data, width=190, alt=f"{name}, with its mask")
    else:
        problem = thumbnail.problem if thumbnail is not None else "The file is gone."
        problem = readable(problem.replace(f"{dataset.root}/", ""))
        st.caption(f":material/broken_image: {plain(shorten(problem, MOST_LETTERS, placeholder='…'))}")
    is_marked = item.id in dataset.with_problems
    titles = ", ".join(doctor.title_of(finding, counts=False) for finding in dataset.findings_of.get(item.id, ()))
    most = LONGEST - 4 * is_marked
    short = name if len(name) <= most else f"…{name[-most:]}"
    st.button(
        plain(short),
        key=f"open {key_text(item.id)}",
        type="tertiary",
        icon=":material/error:" if is_marked else None,
        help=plain(f"{name} ({titles})" if titles else name),
        on_click=image_view.open_image,
        args=(item.id,),
        wrap=True,
    )
