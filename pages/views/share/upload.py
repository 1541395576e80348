"""The two ways to share: upload to the Hub, followed until it is there, and a ZIP to download."""

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.server.background_job import CANCELLED
from pages.server.paths import is_public
from pages.server.push_job import PushJob
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.share.contents import Contents
from pages.views.share.options import Choices
from pages.views.share.preview import size_text
from unet_core.sharing.privacy import Leak
from unet_core.sharing.push import Plan, make_plan
from unet_core.sharing.repository import write_zip

JOB, TOKEN = "push_job", "share_token"  # in the session


def show(contents: Contents | None, choices: Choices) -> None:
    """The token, the two buttons, and what became of an upload."""
    st.text_input(
        "Access token",
        type="password",
        key=TOKEN,
        placeholder="hf_…" if is_public() or not _has_token() else "Empty: that of this machine",
        help="With write access, from huggingface.co/settings/tokens. It is used for this upload and kept nowhere.",
    )
    job: PushJob | None = st.session_state.get(JOB)
    running = job is not None and not job.poll().over
    plan = _without_allowed(contents, choices)
    has_token = is_token_there()
    label = "Upload"
    if plan is not None:
        label = (
            f"Upload {len(plan.items)} files ({size_text(plan.size)}) as {'public' if choices.public else 'private'}"
        )
    with st.container(horizontal=True):
        st.button(
            label,
            key="share_push",
            type="primary",
            icon=":material/cloud_upload:",
            disabled=plan is None or bool(plan.leaks) or running or not has_token,
            help=_missing(choices, plan, has_token),
            on_click=_start,
            args=(plan, choices.public),
        )
        st.download_button(
            "Download as ZIP",
            lambda: _zip(contents, choices.card.title) if contents else b"",
            f"{choices.card.title}.zip",
            "application/zip",
            key="share_zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            disabled=contents is None,
            help="The same files, without an account: for a colleague, or to upload by hand.",
        )
    if job is not None:
        follow(job, "share_cancel") if running else _show_result(job)


def _missing(choices: Choices, plan: Plan | None, has_token: bool) -> str | None:
    """Why the button cannot be pressed."""
    if not choices.repo:
        return "Enter a repository, owner/name."
    if plan is not None and plan.leaks:
        return "Something private was found in the files."
    return None if has_token else "Enter an access token."


def _without_allowed(contents: Contents | None, choices: Choices) -> Plan | None:
    """The plan, with what is private in it said; names of user and host can be allowed."""
    if contents is None or contents.plan is None or not contents.plan.leaks:
        return None if contents is None else contents.plan
    leaks = contents.plan.leaks
    names = sorted({leak.text for leak in leaks if leak.can_be_allowed})
    if len(names) and all(leak.can_be_allowed for leak in leaks):
        warn_of_leaks(leaks)
        if st.checkbox(plain(f"{', '.join(names)} may be seen"), key="share_allow"):
            return make_plan(contents.items, choices.repo, contents.evidence, names)
    else:
        warn_of_leaks(leaks)
    return contents.plan


def warn_of_leaks(leaks: Sequence[Leak]) -> None:
    """What is private in the files, if anything."""
    listed = "; ".join(str(leak) for leak in leaks[:5])
    if leaks and all(leak.can_be_allowed for leak in leaks):
        widgets.show_warning(f"Names of you or this machine are in the files: {listed}.")
    elif leaks:
        widgets.show_error(
            f"Private, so nothing can be uploaded: {listed}. Change the names, the description or the data."
        )


def is_token_there() -> bool:
    """Whether a token was entered, or this machine has one that may be used."""
    return bool(str(st.session_state.get(TOKEN, "")).strip()) or (_has_token() and not is_public())


def take_token() -> str:
    """The token that was entered, "" for none; it leaves the session at once."""
    token = str(st.session_state.get(TOKEN, "")).strip()
    st.session_state[TOKEN] = ""
    return token


def _has_token() -> bool:
    """Whether this machine has a token of its own."""
    from huggingface_hub import get_token

    return bool(get_token())


def _start(plan: Plan, public: bool) -> None:
    """Called by the button; the token leaves the session at once."""
    token = take_token()
    if not token and is_public():
        return  # the server's own token is for nobody else
    job = PushJob(plan, public, token or True)
    st.session_state[JOB] = job
    job.start()


def _zip(contents: Contents, title: str) -> bytes:
    """Made when its button is pressed."""
    with tempfile.TemporaryDirectory() as folder:
        write_zip(contents.items, Path(folder) / "model.zip", title)
        return io.BytesIO((Path(folder) / "model.zip").read_bytes()).getvalue()


@st.fragment(run_every=0.5)
def follow(job: PushJob, key: str) -> None:
    """The bar until the job is over; the whole page runs again then."""
    progress = job.poll()
    if progress.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.fraction, plain(job.sentence), width="stretch")
        st.button("Cancel", key=key, icon=":material/close:", on_click=job.cancel)


def _show_result(job: PushJob) -> None:
    if job.error:
        widgets.show_error(job.error)
    elif job.state == CANCELLED:
        st.info("The upload was canceled. Nothing of it can be seen on the Hub.", icon=":material/close:")
    elif job.pushed is not None:
        pushed = job.pushed
        text = "Uploaded" if pushed.changed else "Nothing had changed"
        access = "private" if pushed.private else "public"
        st.success(f"{text}: [{plain(str(job.plan.reference))}]({pushed.address}) ({access}).", icon=":material/check:")
        if job.public and pushed.private:
            widgets.show_warning("The repository existed and stays private. Make it public on its settings page.")
