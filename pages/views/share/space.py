"""Publish the model as an app of its own: a Space of the Hugging Face Hub with this app and the model."""

import streamlit as st

from pages.server.paths import is_public
from pages.server.push_job import PushJob
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.share import upload
from pages.views.share.contents import Contents
from pages.views.share.options import Choices
from pages.views.share.preview import size_text
from unet_core.errors import UnetError
from unet_core.sharing.push import Plan
from unet_core.sharing.repository import CARD

JOB, NAME = "space_job", "share_space"  # in the session
ABOUT = (
    "This app with this model, in public mode, built by the Hub from this version of UNet Studio. It needs a paid plan "
    "of the owner. Free: run it on this machine, on Streamlit Community Cloud, or as a page without a server "
    "(`unet-studio publish RUN --static DIR`)."
)


def show(contents: Contents | None, choices: Choices) -> None:
    """The name of the Space, what it would hold, the button, and what became of it."""
    job: PushJob | None = st.session_state.get(JOB)
    with st.expander("Publish as a Space", icon=":material/rocket_launch:", expanded=job is not None):
        st.caption(ABOUT)
        name = st.text_input(
            "Space",
            key=NAME,
            placeholder="owner/name",
            help="It is created where there is none, as private or public as chosen above. License: as above.",
        ).strip()
        plan = _plan(contents, choices, name) if contents is not None and name else None
        if contents is not None and plan is not None:
            _show_files(plan)
            plan = _without_allowed(plan, contents, choices, name)
        running = job is not None and not job.poll().over
        has_token = upload.is_token_there()
        access = "public" if choices.public else "private"
        st.button(
            f"Publish as {access} Space",
            key="share_publish",
            icon=":material/rocket_launch:",
            disabled=plan is None or bool(plan.leaks) or running or not has_token,
            help=None if has_token else "Enter an access token above.",
            on_click=_start,
            args=(plan, choices.public),
        )
        if job is not None:
            upload.follow(job, "space_cancel") if running else _show_result(job)


def _without_allowed(plan: Plan, contents: Contents, choices: Choices, name: str) -> Plan | None:
    """The plan, with what is private in it said; names of user and host can be allowed."""
    upload.warn_of_leaks(plan.leaks)
    names = sorted({leak.text for leak in plan.leaks if leak.can_be_allowed})
    if not names or not all(leak.can_be_allowed for leak in plan.leaks):
        return plan
    if st.checkbox(plain(f"{', '.join(names)} may be seen"), key="space_allow"):
        return _plan(contents, choices, name, tuple(names))
    return plan


def _plan(contents: Contents, choices: Choices, name: str, allowed: tuple[str, ...] = ()) -> Plan | None:
    """From the session where nothing has changed: all files of the app are read and searched for it."""
    from unet_core.sharing.space.publish import plan_files
    from unet_core.sharing.space.readme import SpaceOptions

    pushed: PushJob | None = st.session_state.get(upload.JOB)
    model = pushed.plan.reference.repo if pushed is not None and pushed.pushed is not None else ""
    weights = next(item.digest for item in contents.items if item.name.endswith(".safetensors"))
    key = (name, choices.card.license, model, weights, allowed)
    plans: dict[object, Plan] = st.session_state.setdefault("space_plans", {})
    if key not in plans:
        try:
            plan = plan_files(contents.evidence, name, SpaceOptions(license=choices.card.license, model=model), allowed)
        except UnetError as error:
            widgets.show_error(error)
            return None
        if not allowed:
            plans.clear()
        plans[key] = plan
    return plans[key]


def _show_files(plan: Plan) -> None:
    """Every file of it; those that came with UNet Studio by number."""
    own = [item for item in plan.items if item.name not in plan.stock]
    rest = [item for item in plan.items if item.name in plan.stock]
    names = [item.name for item in own] + [f"UNet Studio: {len(rest)} files"]
    sizes = [item.size for item in own] + [sum(item.size for item in rest)]
    st.dataframe(
        {"File": names, "Size": [size_text(size) for size in sizes]},
        hide_index=True,
        height="content",
        key="space_files",
        alt=f"{len(plan.items)} files of the Space with their sizes",
    )
    with st.popover("README of the Space", icon=":material/description:"):
        st.code(next(item.text or "" for item in own if item.name == CARD), language=None, wrap_lines=True)


def _start(plan: Plan, public: bool) -> None:
    """Called by the button; the token leaves the session at once."""
    token = upload.take_token()
    if not token and is_public():
        return  # the server's own token is for nobody else
    job = st.session_state[JOB] = PushJob(plan, public, token or True)
    job.start()


def _show_result(job: PushJob) -> None:
    if job.error:
        widgets.show_error(job.error)
    elif job.pushed is None:
        st.info("Publishing was canceled. Nothing of it can be seen on the Hub.", icon=":material/close:")
    else:
        st.success(
            f"Published: [{plain(str(job.plan.reference))}]({job.pushed.address}). The Hub builds the Space now, which "
            "takes some minutes.",
            icon=":material/check:",
        )
