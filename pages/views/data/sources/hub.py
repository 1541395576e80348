"""A dataset of the Hugging Face Hub, downloaded in the background."""

import streamlit as st

from pages.server import paths
from pages.server.background_job import CANCELLED
from pages.server.datasets.hub_download import HubDownload
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.data.sources.added import Added

JOB = "hub_download"  # in the session


def show() -> Added | None:
    """The box, the progress and what went wrong; the dataset once it is there."""
    repo = st.text_input(
        "Dataset",
        key="hub_dataset",
        placeholder="owner/name or URL",
        help="Public datasets need no account; the server's own token is never sent.",
    ).strip()
    job: HubDownload | None = st.session_state.get(JOB)
    running = job is not None and not job.poll().over
    st.button(
        "Download",
        key="hub_dataset_start",
        type="primary",
        icon=":material/cloud_download:",
        disabled=not repo or running,
        on_click=_start,
        args=(repo,),
    )
    if job is None:
        return None
    if running:
        follow(job)
    elif job.entry is not None:
        st.session_state.pop(JOB)
        return Added(job.entry.name, job.notes)
    elif job.error:
        widgets.show_error(job.error)
    elif job.state == CANCELLED:
        st.info("The download was canceled; nothing was saved.", icon=":material/close:")
    return None


def _start(repo: str) -> None:
    """Called by the button."""
    job = HubDownload(repo, paths.library())
    st.session_state[JOB] = job
    job.start()


@st.fragment(run_every=0.5)
def follow(job: HubDownload) -> None:
    """The bar until the job is over; the whole page runs again then."""
    progress = job.poll()
    if progress.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.fraction, plain(job.sentence), width="stretch")
        st.button("Cancel", key="hub_dataset_cancel", icon=":material/close:", on_click=job.cancel)
