"""What would be uploaded, before it is: the model card as people will see it, its source, and every file."""

import re
from collections.abc import Sequence

import streamlit as st

from pages.ui.formatting import plain
from unet_core.sharing.model_card import CURVES, SCORES, strip_metadata
from unet_core.sharing.repository import CARD, Item

CURVES_LINK = re.compile(rf"!\[([^\]]*)\]\({re.escape(CURVES)}\)")
LONGEST_TEXT = 20_000  # characters of a file that are shown


def show(items: Sequence[Item]) -> None:
    """The three views of the files."""
    card, source, files = st.tabs(["Model card", "Card source", f"Files ({len(items)})"], key="share_preview")
    text = next(item.text or "" for item in items if item.name == CARD)
    with card, st.container(border=True, key="share_card"):
        _show_card(text, items)
    with source:
        st.code(text, language=None, wrap_lines=True)  # the colors of Markdown are too faint for WCAG AA
    with files:
        _show_files(items)


def size_text(size: int) -> str:
    """Bytes for people.

    >>> size_text(900), size_text(15_000), size_text(7_900_000)
    ('900 B', '15.0 kB', '7.9 MB')
    """
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _show_card(text: str, items: Sequence[Item]) -> None:
    """The card as the Hub shows it; its headings are one level lower, below the title of the page.

    Code is wrapped: a block that scrolls sideways cannot be reached by keyboard.
    """
    curves = {item.name: item.data for item in items if item.name == CURVES}
    body = strip_metadata(text).replace(f"[{SCORES}]({SCORES})", SCORES)  # a link that leads nowhere on this page
    for number, part in enumerate(body.split("```")):
        if number % 2:
            language, _, code = part.partition("\n")
            st.code(code.rstrip("\n"), language=language, wrap_lines=True)
            continue
        before, *rest = CURVES_LINK.split(re.sub(r"(?m)^#", "##", part), maxsplit=1)
        st.markdown(before)
        if rest:
            st.image(curves[CURVES], width="stretch", alt=rest[0])
            st.markdown(rest[1])


def _show_files(items: Sequence[Item]) -> None:
    """Names and sizes; text files can be opened."""
    st.dataframe(
        {"File": [item.name for item in items], "Size": [size_text(item.size) for item in items]},
        hide_index=True,
        height="content",
        key="share_files",
        alt=f"{len(items)} files with their sizes",
    )
    texts = [item.name for item in items if item.text is not None]
    name = st.selectbox("Content of", texts, key="share_file")
    text = next((item.text or "" for item in items if item.name == name), "")
    if len(text) > LONGEST_TEXT:
        st.caption(plain(f"The first {LONGEST_TEXT:,} of {len(text):,} characters."))
    st.code(text[:LONGEST_TEXT], language=None, wrap_lines=True)
