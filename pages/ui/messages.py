"""Many messages at once: the first few in full, the others folded."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.server import paths
from pages.ui import widgets
from pages.ui.formatting import plain

MOST_SHOWN = 5


def show_messages(
    messages: Sequence[str], noun: str, show: Callable[[object], None] = widgets.show_error, most: int = MOST_SHOWN
) -> None:
    """Each in a box by `show`, those beyond `most` as a list under "3 more problems" (`noun`, in the plural)."""
    for message in messages[:most]:
        show(message)
    if len(messages) > most:
        with st.expander(f"{len(messages) - most} more {noun}"):
            st.markdown("\n".join(f"- {plain(paths.shorten(message))}" for message in messages[most:]))
