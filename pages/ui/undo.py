"""What was removed in this session, each with a button that brings it back; and the trash that outlives a session."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.errors import UnetError
from unet_core.io.trash import Removed

REMOVALS = "removals"  # in the session: those of `Removal` that can be undone
ERROR = "undo_error"  # in the session: by kind, why the latest undo failed; stays until the next click
MOST_SHOWN = 3  # messages of a kind; older removals are in the trash
MOST_LISTED = 50  # of the trash
MEBI = 2**20
KEPT = "It is kept for 24 hours."


@dataclass(frozen=True)
class Removal:
    """Something that was removed: its kind ("run", "dataset", …), what to say, and what brings it back."""

    number: int
    kind: str
    text: str
    restore: Callable[[], Any]
    discard: Callable[[], Any] | None


def remember(kind: str, text: str, restore: Callable[[], Any], discard: Callable[[], Any] | None = None) -> None:
    """For callbacks: from now on `show` offers to undo a removal. `text` is plain, without a period.

    `discard` removes for good what was kept for the undo; without it that is done by time.
    """
    removals = st.session_state.setdefault(REMOVALS, [])
    number = 1 + max((item.number for item in removals), default=0)
    removals.append(Removal(number, kind, text, restore, discard))


def forget(kind: str) -> None:
    """For callbacks: what was removed of a kind can no longer be undone, since something else has taken its place."""
    for item in [item for item in st.session_state.get(REMOVALS, []) if item.kind == kind]:
        _dismiss(item)


def show(kind: str, note: str = KEPT, most: int = MOST_SHOWN) -> None:
    """The latest removals of a kind with their buttons; nothing where there are none."""
    if message := st.session_state.get(ERROR, {}).get(kind):
        widgets.show_error(message)
    items = [item for item in st.session_state.get(REMOVALS, []) if item.kind == kind]
    for item in reversed(items[-most:]):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"removal-{kind}-{item.number}"
        ):
            st.markdown(f":material/delete: {plain(item.text)}. {note}", width="content")
            st.button("Undo", key=f"undo-{kind}-{item.number}", on_click=_undo, args=(item,), icon=":material/undo:")
            st.button(
                "Delete now" if item.discard else "Dismiss",
                key=f"dismiss-{kind}-{item.number}",
                type="tertiary",
                on_click=_dismiss,
                args=(item,),
                help="Deletes it permanently." if item.discard else "Hides this message.",
            )


def _undo(item: Removal) -> None:
    errors = st.session_state.setdefault(ERROR, {})
    errors.pop(item.kind, None)
    _forget(item)
    try:
        item.restore()
    except UnetError as error:
        errors[item.kind] = str(error)


def _dismiss(item: Removal) -> None:
    _forget(item)
    if item.discard is not None:
        item.discard()


def _forget(item: Removal) -> None:
    st.session_state[REMOVALS] = [other for other in st.session_state.get(REMOVALS, []) if other != item]
    st.session_state.get(ERROR, {}).pop(item.kind, None)


def show_trash(
    kind: str,
    items: Sequence[Removed],
    size: Callable[[str], int],
    restore: Callable[[str], Any],
    empty: Callable[[], None],
) -> None:
    """What can be restored, also after a restart: a folded list; nothing where the trash is empty.

    `size` gives the bytes of an item, or of all for "".
    """
    if not items:
        return
    title = f"Recently deleted ({len(items)})"
    with st.expander(title, icon=":material/delete:", key=f"trash-{kind}", on_change="rerun") as opened:
        if not opened.open:
            return
        st.caption(f"Deleted {kind}s are kept for 24 hours, or until the disk is nearly full. They take disk space.")
        for item in items[:MOST_LISTED]:
            with st.container(horizontal=True, vertical_alignment="center", key=f"trash-{kind}-{item.key}"):
                label = item.notes.get("label")
                name = plain(f"{label} ({item.name})" if label else item.name)
                when = datetime.fromtimestamp(item.removed_at).strftime("%Y-%m-%d %H:%M")
                taken = "a link" if "link" in item.notes else f"{size(item.key) / MEBI:,.1f} MiB"
                st.markdown(f"{name} · deleted {when} · {taken}", width="stretch")
                st.button(
                    "Restore",
                    key=f"restore-{kind}-{item.key}",
                    icon=":material/undo:",
                    help=f"Restores {name}.",
                    on_click=_restore,
                    args=(kind, item.key, restore),
                )
        with st.popover("Delete all permanently…", icon=":material/delete_forever:", key=f"empty-{kind}"):
            st.markdown(f"Delete all of these permanently ({size('') / MEBI:,.1f} MiB)? This cannot be undone.")
            st.button(
                "Delete permanently", key=f"empty-{kind}-sure", type="primary", on_click=_empty, args=(kind, empty)
            )


def _restore(kind: str, key: str, restore: Callable[[str], Any]) -> None:
    errors = st.session_state.setdefault(ERROR, {})
    errors.pop(kind, None)
    try:
        restore(key)
    except UnetError as error:
        errors[kind] = str(error)


def _empty(kind: str, empty: Callable[[], None]) -> None:
    empty()
    st.session_state[REMOVALS] = [other for other in st.session_state.get(REMOVALS, []) if other.kind != kind]
