"""The visitor of this session on a public server: known by a cookie, or else for as long as the session lasts."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.server.visitors import identity, setup
from unet_core.io import owners
from unet_core.runs import run as runs

NO_COOKIE = (
    "This browser keeps no cookie of this server: your runs, datasets and uploads are lost when you reload the page. "
    "Open the app in a tab of its own, or allow its cookies."
)
OF_SERVER = "This run belongs to the server: you can use it, but not change it."


def read_session() -> identity.Session | None:
    """The session whose page runs in this thread; None without one."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return None
    is_there = bool(st.context.headers)  # a browser sends some; none are known while it is away
    return identity.Session(context.session_id, st.context.cookies.get(identity.COOKIE, "") if is_there else None)


def show_notice() -> None:
    """On each page: that nothing outlives the session, where that is so."""
    if identity.session_header():
        st.caption(f":material/info: {NO_COOKIE}")


def is_own(run: runs.Run) -> bool:
    """Whether the visitor may change a run; where not, the page says so."""
    if owners.is_own(run.folder):
        return True
    st.caption(OF_SERVER)
    return False


setup.install()
identity.read_session_by(read_session)
