"""The strip of thumbnails beside the viewer: a page of them at a time, so that a thousand files stay quick."""

import streamlit as st

from pages.ui.formatting import plain
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.inference import inputs
from unet_core.io.pixels import Array, Pixels, for_display

SIDE = 160  # pixels of a thumbnail
PER_PAGE = 12


@st.cache_data(max_entries=64, show_spinner=False)
def make_thumbnail(sample: Sample) -> Array:
    """The middle square of an image of a dataset, small."""
    return cut_middle(reading.read_image(sample))


@st.cache_data(max_entries=2000, show_spinner=False)
def make_thumbnail_of(key: str, _item: inputs.Item) -> Array:
    """The same of an image on the page; `key` is that of its content."""
    return cut_middle(_item.read())


def cut_middle(image: Pixels) -> Array:
    """The middle square of an image (H, W, C), small, (side, side) or (side, side, 3) uint8."""
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    step = max(1, side // SIDE)
    small = for_display(image[top : top + side : step, left : left + side : step])
    return small[:, :, 0] if small.shape[2] == 1 else small


def show(names: list[str], items: dict[str, inputs.Item], shown: str) -> None:
    """Those around the image that is shown, each a button with its whole name in a tooltip."""
    pages = -(-len(names) // PER_PAGE)
    of_shown = names.index(shown) // PER_PAGE
    if st.session_state.get("strip_follows") != (shown, len(names)):  # another image: its page
        st.session_state.update(strip_follows=(shown, len(names)), strip_page=of_shown)
    page = min(st.session_state["strip_page"], pages - 1)
    if pages > 1:
        with st.container(horizontal=True, horizontal_alignment="distribute", gap=None, key="strip_pages"):
            turn("Back", "strip_back", page - 1, page == 0)
            turn("More", "strip_on", page + 1, page == pages - 1)
    for number in range(page * PER_PAGE, min(len(names), (page + 1) * PER_PAGE)):
        show_one(number, names[number], items[names[number]], names[number] == shown)


def turn(words: str, key: str, page: int, disabled: bool) -> None:
    """A button to another page of the strip."""
    st.button(
        words,
        key=key,
        disabled=disabled,
        type="tertiary",
        on_click=st.session_state.update,
        kwargs={"strip_page": page},
    )


def show_one(number: int, name: str, item: inputs.Item, is_shown: bool) -> None:
    """One thumbnail with its name below it; all of it is the button."""
    with st.container(key=f"thumb-{number}", gap=None):
        try:
            st.image(make_thumbnail_of(item.key, item), width="stretch", alt="")
        except UnetError:
            st.caption("No preview")
        st.button(
            plain(name),
            key=f"open-{number}",
            help=plain(name),
            type="primary" if is_shown else "tertiary",
            width="stretch",
            on_click=st.session_state.update,
            kwargs={"shown": name},
        )
