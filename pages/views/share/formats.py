"""The model as a file for other programs: made by a thread of the server, then offered for download."""

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.server.export.job import ExportJob
from pages.ui import job_progress, widgets
from pages.ui.formatting import plain
from pages.views.share.options import Choices
from pages.views.share.preview import size_text
from unet_core.export.model.bioimage_about import About
from unet_core.export.model.files import FORMATS

JOBS = "export_jobs"  # in the session, by format


def show(model: model_registry.Model, choices: Choices) -> None:
    """One format at a time: what it is for, a button that makes it, then one that downloads it."""
    with st.expander("Other programs", icon=":material/extension:", expanded=bool(st.session_state.get(JOBS))):
        name = st.selectbox("Format", list(FORMATS), key="export_format", format_func=lambda name: FORMATS[name].label)
        chosen = FORMATS[name]
        st.caption(f"{chosen.description[0].upper()}{chosen.description[1:]}.")
        job = find_job(model, name, choices)
        if job is None:
            st.button(
                "Make the file",
                key="export_make",
                icon=":material/play_arrow:",
                on_click=_start,
                args=(model, name, choices),
                help="Takes some ten seconds: the file is compared with the model before you get it.",
            )
        elif not job.poll().over:
            job_progress.follow(job, "export_cancel")
        else:
            _show_result(job, chosen.suffix, choices.card.title)


def find_job(model: model_registry.Model, name: str, choices: Choices) -> ExportJob | None:
    """The export of these weights with these words, if there is one in the session."""
    stored = st.session_state.get(JOBS, {}).get(name)
    return stored[1] if stored is not None and stored[0] == _key(model, name, choices) else None


def onnx_of(model: model_registry.Model, choices: Choices) -> bytes:
    """The ONNX file where it was made, b"" where not."""
    job = find_job(model, "onnx", choices)
    return job.content.data if job is not None and job.content is not None else b""


def _start(model: model_registry.Model, name: str, choices: Choices) -> None:
    card = choices.card
    job = ExportJob(model, name, About(card.title, card.description, license=card.license))
    st.session_state.setdefault(JOBS, {})[name] = (_key(model, name, choices), job)
    job.start()
    job.wait(0.3)  # what is missing is known at once


def _forget(name: str) -> None:
    st.session_state.get(JOBS, {}).pop(name, None)


def _show_result(job: ExportJob, suffix: str, title: str) -> None:
    content = job.content
    if content is None:
        if job.error:
            widgets.show_error(job.error)
        elif job.state == CANCELLED:
            st.info("The export was canceled.", icon=":material/close:")
        st.button("Try again", key="export_again", icon=":material/refresh:", on_click=_forget, args=(job.format_name,))
        return
    for note in content.notes:
        widgets.show_warning(note)
    st.download_button(
        f"Download {FORMATS[job.format_name].label} ({size_text(len(content.data))})",
        content.data,
        f"{title}{suffix}",
        key="export_download",
        icon=":material/download:",
        on_click="ignore",
    )
    if content.difference is not None:
        st.caption(plain(f"Largest difference of a probability from the model: {content.difference:.1e}."))
    if job.format_name == "onnx":
        st.caption("It is part of the upload and of the ZIP.")


def _key(model: model_registry.Model, name: str, choices: Choices) -> tuple[object, ...]:
    """What a file depends on: the weights, and of a BioImage package the words in it."""
    card = choices.card
    words = (card.title, card.description, card.license) if name == "bioimage" else ()
    return model.folder, model_registry.read_digest(model), *words
