"""The images of a visitor: on the server's disk under a key that stands in the address, so that a reload finds them.

In the session: `brought` (the images as they were found), `upload` (where the files lie; None for examples), `removed`
(names of images that the visitor does not want), `upload_problem` (why files are not there).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.server.paths import uploads_dir
from pages.server.uploads.store import GoneError, Upload, UploadStore
from pages.ui import undo
from pages.views.predict import address
from unet_core.data.layouts import Sample
from unet_core.errors import DataError
from unet_core.inference import inputs
from unet_core.io.filenames import readable

GONE = (
    "The images of this address are no longer on the server: uploads are removed a day after they were used last, or "
    "when newer ones need the space. Upload them again."
)
ALL = "all"  # in the address: every example
CLEARED, REMOVED = "cleared images", "removed image"  # kinds of `undo`


@cache
def store_at(root: Path) -> UploadStore:
    """One for all visitors."""
    return UploadStore(root)


def store() -> UploadStore:
    return store_at(uploads_dir())


def restore() -> None:
    """Take the uploads that the address names into the session; what is gone is told."""
    upload: Upload | None = st.session_state.get("upload")
    named = st.query_params.get("upload", "")
    key = upload.key if upload else named
    if not key:
        return
    try:
        current = store().get(key)
    except GoneError:
        forget()
        st.session_state["upload_problem"] = GONE
        address.write({"upload": None})
        return
    if upload is None:
        keep(current)
    address.write({"upload": key})


def add(files: Sequence[UploadedFile]) -> None:
    """Store new files beside those that are there, and draw the page anew with an empty uploader."""
    upload: Upload | None = st.session_state.get("upload")
    contents = [(file.name, file.getbuffer()) for file in files]
    try:
        upload = store().add(contents, upload, st.session_state.get("visitor", ""))
    except DataError as error:
        st.session_state["upload_problem"] = str(error)
    else:
        st.session_state.pop("upload_problem", None)
        st.session_state.pop("adjust", None)  # what was tried on others
        undo.forget(CLEARED)
        before = {item.name for item in found.items} if (found := st.session_state.get("brought")) else set()
        keep(upload)
        new = [item.name for item in st.session_state["brought"].items if item.name not in before]
        if before and new:
            st.session_state["image_of_address"] = new[0]  # is shown once it is predicted
    release(files)
    empty_uploaders()
    st.rerun()


def keep(upload: Upload) -> None:
    """Make these the images of the page."""
    found = inputs.drop_unreadable(inputs.gather(upload.files))
    ids = (upload.key, str(len(upload.files)))
    st.session_state.update(
        brought=found, brought_ids=ids, upload=upload, removed=list(upload.removed), visitor=upload.visitor
    )
    st.session_state["side"] = None  # it folds away once there is something to see
    address.write({"upload": upload.key, "example": None, "of": None})


def keep_examples(samples: Sequence[Sample], name: str, dataset: str = "") -> None:
    """Make images of a dataset those of the page; in the address stand `name` and, of another one than the run's own,
    `dataset`.
    """
    forget()
    ids = ("example", *(sample.id for sample in samples))
    found = inputs.from_samples(samples)
    st.session_state.update(brought=found, brought_ids=ids, side=None, example_shown=(name, dataset))
    address.write({"upload": None, "example": name, "of": dataset or None})


def release(files: Sequence[UploadedFile]) -> None:
    """Free the memory of files that are on the disk now: Streamlit would keep it as long as the session lives."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def empty_uploaders() -> None:
    """By a new key."""
    st.session_state["intake_number"] = st.session_state.get("intake_number", 0) + 1


def forget() -> None:
    """Without images; what was tried on them is forgotten too."""
    undo.forget(REMOVED)
    for name in ("brought", "brought_ids", "upload", "removed", "upload_problem", "adjust", "example_shown"):
        st.session_state.pop(name, None)


def clear() -> None:
    """Called by the button; uploads stay on the server for `undo`, until others are added or they are a day old."""
    upload: Upload | None = st.session_state.get("upload")
    names = ("brought", "brought_ids", "upload", "removed", "adjust", "threshold", "example_shown")
    before = {name: st.session_state[name] for name in names if name in st.session_state}
    params = {name: st.query_params.get(name) for name in ("upload", "example", "of", "image")}
    undo.forget(CLEARED)
    forget()
    empty_uploaders()
    discard = partial(store().remove, upload.key) if upload is not None else None
    undo.remember(CLEARED, "Images cleared", partial(_bring_back, before, params), discard)
    address.write(dict.fromkeys(params))


def _bring_back(before: Mapping[str, Any], params: Mapping[str, str | None]) -> None:
    """Raises DataError where the uploads are gone."""
    upload: Upload | None = before.get("upload")
    if upload is not None:
        try:
            store().get(upload.key)
        except GoneError:
            raise DataError("The uploads are no longer on the server. Upload them again.") from None
    forget()
    st.session_state.update(before)
    address.write(params)


def remove_image(name: str) -> None:
    """Called by the button: the visitor does not want this image."""
    set_removed([*st.session_state.get("removed", ()), name])
    undo.remember(REMOVED, f"{readable(name)} removed", partial(_bring_back_image, name))


def _bring_back_image(name: str) -> None:
    set_removed([other for other in st.session_state.get("removed", ()) if other != name])
    st.session_state["image_of_address"] = name  # is shown again once it is predicted


def set_removed(names: Sequence[str]) -> None:
    """Called by the buttons: the images that the visitor does not want; [] brings all back."""
    st.session_state["removed"] = list(names)
    upload: Upload | None = st.session_state.get("upload")
    if upload is not None:
        try:
            st.session_state["upload"] = store().set_removed(upload, names)
        except GoneError:
            return  # told by the next run


def without_removed(found: inputs.Inputs) -> inputs.Inputs:
    """The images that the visitor wants."""
    removed = set(st.session_state.get("removed", ()))
    return replace(found, items=[item for item in found.items if item.name not in removed])


def list_problems() -> list[str]:
    """A sentence for each file that cannot be used."""
    found: inputs.Inputs | None = st.session_state.get("brought")
    return found.problems if found else []
