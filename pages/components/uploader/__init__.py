"""Upload a dataset: a drop zone for files, folders and ZIP files, which `pages.server.uploads.datasets` receives."""

from dataclasses import dataclass

import streamlit as st

from pages.components import component, is_news, program_address, source
from pages.server.uploads import datasets as uploads

_mount = component(
    "uploader",
    "uploader/uploader.js",
    "The upload",
    html=source("uploader/uploader.html"),
    css=source("uploader/uploader.css"),
)
_TOKEN, _LATEST = "uploader token", "uploader latest"


@dataclass(frozen=True)
class Uploaded:
    """A dataset that has just arrived: its name in the library, and sentences on what was left out."""

    name: str
    notes: tuple[str, ...]


def uploader(key: str = "uploader") -> Uploaded | None:
    """Draw the upload; gives the new dataset in the one run after it has arrived, else None.

    The name comes from the browser: find it in the library, which may raise.
    """
    if not uploads.is_fresh(st.session_state.get(_TOKEN, "")):
        st.session_state[_TOKEN] = uploads.issue_token()
    base = st.get_option("server.baseUrlPath") or ""
    data = {"uploads": uploads.root_of(base), "token": st.session_state[_TOKEN], **program_address()}
    done = _mount(key=key, data=data, on_done_change=lambda: None).done
    if is_news(_LATEST, done) and isinstance(done.get("name"), str):
        notes = done.get("notes")
        return Uploaded(done["name"], tuple(map(str, notes)) if isinstance(notes, list) else ())
    return None
