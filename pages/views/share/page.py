"""A page that costs nothing: the model in a folder of plain files that runs in the visitor's own browser."""

import streamlit as st

from pages.server.background_job import CANCELLED
from pages.server.sharing.page_job import PageJob
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.share.contents import Contents
from pages.views.share.options import Choices
from pages.views.share.preview import size_text

JOB = "page_job"  # in the session
ABOUT = (
    "Plain files for any web server, or a free static Space of the Hugging Face Hub. Visitors drop an image and the "
    "model runs in their own browser: no image leaves it, and no server computes. Unpack the ZIP and upload the folder."
)


def show(contents: Contents | None, choices: Choices) -> None:
    """The button, how far the work is, and the ZIP."""
    job: PageJob | None = st.session_state.get(JOB)
    if job is not None and contents is not None and _is_of_other(job, contents, choices):
        job.cancel()
        job = st.session_state[JOB] = None
    with st.expander("A page that costs nothing", icon=":material/public:", expanded=job is not None):
        st.caption(ABOUT)
        running = job is not None and not job.poll().over
        st.button(
            "Make the page",
            key="share_page",
            icon=":material/public:",
            disabled=contents is None or running,
            help="License, title and description are those above. It takes some seconds.",
            on_click=_start,
            args=(contents, choices),
        )
        if job is None:
            return
        if running:
            _follow(job)
        else:
            _show_result(job, choices)


def _is_of_other(job: PageJob, contents: Contents, choices: Choices) -> bool:
    """Whether another model or other texts were chosen since."""
    before, now = job.evidence, contents.evidence
    return (before.folder, before.images, job.options) != (now.folder, now.images, choices.card)


def _start(contents: Contents, choices: Choices, allowed: tuple[str, ...] = ()) -> None:
    job = st.session_state[JOB] = PageJob(contents.evidence, choices.card, allowed)
    job.start()


@st.fragment(run_every=0.5)
def _follow(job: PageJob) -> None:
    """The bar until the job is over; the whole page runs again then."""
    progress = job.poll()
    if progress.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.fraction, plain(job.sentence), width="stretch")
        st.button("Cancel", key="page_cancel", icon=":material/close:", on_click=job.cancel)


def _show_result(job: PageJob, choices: Choices) -> None:
    if job.error:
        widgets.show_error(job.error.replace("give it with --runtime FILE", "run unet-studio publish with --runtime"))
    elif job.state == CANCELLED:
        st.info("The page was canceled.", icon=":material/close:")
    elif job.leaks:
        _show_leaks(job, choices)
    else:
        st.download_button(
            f"Download the page as ZIP ({size_text(job.size)})",
            job.read,
            f"{choices.card.title}-page.zip",
            "application/zip",
            key="share_page_zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )


def _show_leaks(job: PageJob, choices: Choices) -> None:
    """What is private in the page; names of user and host can be allowed."""
    listed = "; ".join(str(leak) for leak in job.leaks[:5])
    names = tuple(sorted({leak.text for leak in job.leaks}))
    if not all(leak.can_be_allowed for leak in job.leaks):
        widgets.show_error(
            f"Private, so the page was not made: {listed}. Change the names, the description or the data."
        )
        return
    widgets.show_warning(f"Names of you or this machine are in the page: {listed}.")
    contents = Contents(job.evidence, [], None)
    st.button(
        plain(f"Make it: {', '.join(names)} may be seen"),
        key="share_page_allow",
        on_click=_start,
        args=(contents, choices, names),
    )
