"""The progress bar of a background job, with its Cancel button."""

from collections.abc import Callable

import streamlit as st

from pages.server.background_job import BackgroundJob
from pages.ui.formatting import plain


@st.fragment(run_every=0.5)
def follow(job: BackgroundJob, key: str, has_news: Callable[[], bool] = lambda: False) -> None:
    """The bar until the job is over; the whole page runs again then, or where `has_news` says so."""
    progress = job.poll()
    if progress.over or has_news():
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.fraction, plain(progress.sentence), width="stretch")
        st.button("Cancel", key=key, icon=":material/close:", on_click=job.cancel)
