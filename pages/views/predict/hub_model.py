"""A model of the Hugging Face Hub: what it is comes first, its files after a button was pressed."""

from pathlib import Path

import streamlit as st

from pages.server.background_job import CANCELLED
from pages.server.hub.model_jobs import HubLook, HubPull
from pages.server.paths import models_dir
from pages.server.visitors import quotas
from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.config.choices import NORMALIZATIONS
from unet_core.errors import UnetError
from unet_core.hub import access
from unet_core.models.foreign import OWN

LOOK, PULL = "hub_look", "hub_pull"  # jobs in the session
REFUSED = "hub_refused"  # in the session: why a download did not start; shown once


def show() -> Path | None:
    """The box, what a model holds, the download; the folder of the model once it is there."""
    if is_busy() and "hub_model" in st.session_state:  # sent again: a box that is made anew would be shown empty
        st.session_state["hub_model"] = st.session_state["hub_model"]
    name = st.text_input(
        "Hugging Face Hub model",
        key="hub_model",
        placeholder="owner/name, owner/name@revision or URL",
        help="Models of UNet Studio, and U-Nets of segmentation_models.pytorch (ResNet-18, -34, -50), milesial and "
        "mateuszbuda as `.safetensors`. Public models need no account.",
    ).strip()
    with st.container(horizontal=True, vertical_alignment="center"):
        running = any(job is not None and not job.poll().over for job in map(st.session_state.get, (LOOK, PULL)))
        st.button(
            "Look up",
            key="fetch",
            icon=":material/search:",
            disabled=not name or running,
            on_click=start_look,
            args=(name,),
        )
        with st.popover("Access token", icon=":material/key:"):
            _ask_for_token()
    with st.container():
        if st.session_state.get(PULL) is not None:
            return _follow_pull()
        _follow_look()
    return None


def start_look(name: str) -> None:
    """Called by the button, and for a model that the address names: look at it, off the page's thread."""
    st.session_state.pop(PULL, None)
    job = HubLook(name, st.session_state.get("hub_token", ""))
    st.session_state[LOOK] = job
    job.start()


def is_busy() -> bool:
    """Whether there is something to see of a look or a download."""
    return any(st.session_state.get(job) is not None for job in (LOOK, PULL))


def _ask_for_token() -> None:
    st.text_input(
        "Access token",
        key="hub_token",
        type="password",
        autocomplete="off",
        help="For private or gated models. It is sent to the Hub with this request, and neither stored nor logged.",
    )
    if access.has_own_token():
        st.caption("Left empty, the HF\\_TOKEN of this machine is used.")


def _follow_look() -> None:
    """What there is to see of a look."""
    job: HubLook | None = st.session_state.get(LOOK)
    if job is None:
        return
    if not job.poll().over:
        _follow(job)
    elif job.error:
        widgets.show_error(job.error)
    elif job.offer is not None:
        _show_offer(job)


def _show_offer(job: HubLook) -> None:
    offer = job.offer
    if offer is None:
        return
    if message := st.session_state.pop(REFUSED, None):
        widgets.show_error(message)
    recognized = offer.recognized
    gated = ", gated" * offer.is_gated + ", private" * offer.is_private
    channels, classes = recognized.config.in_channels, recognized.config.num_classes
    st.markdown(
        f"**{plain(str(offer.reference))}**{gated}  \n{plain(recognized.kind.title)}, {channels} input "
        f"channel{'s' * (channels > 1)}, {'binary' if classes == 1 else f'{classes} classes'}  \n"
        f"License: {plain(offer.license) or 'not stated'}"
    )
    lines = [f"- {plain(name)}, {size:,} bytes" for name, size in offer.files.items()]
    number = len(offer.left_out)
    left = f"\n\nNot downloaded: {number} other file{'s' * (number > 1)}." if number else ""
    st.caption("\n".join(lines) + left)
    for note in recognized.notes:
        widgets.show_warning(note)
    normalization = ""
    if recognized.kind is not OWN:
        names = [name for name in NORMALIZATIONS if name != "imagenet" or recognized.config.in_channels == 3]
        assumed = recognized.config.normalization
        normalization = st.selectbox(
            "Intensity normalization",
            names,
            names.index(assumed),
            key="hub_normalization",
            help="\n".join(f"- `{name}`: {NORMALIZATIONS[name]}" for name in names),
        )
    with st.container(horizontal=True):
        st.button(
            f"Download {offer.size / 1e6:.1f} MB",
            key="hub_start",
            type="primary",
            icon=":material/cloud_download:",
            on_click=_start_pull,
            args=(job, normalization),
        )
        st.button("Close", key="hub_close", type="tertiary", on_click=st.session_state.pop, args=(LOOK, None))


def _start_pull(look: HubLook, normalization: str) -> None:
    """Called by the button."""
    if look.offer is None:
        return
    try:
        quotas.check_room(look.offer.size)
    except UnetError as error:
        st.session_state[REFUSED] = str(error)
        return
    job = HubPull(look.offer, models_dir(), st.session_state.get("hub_token", ""), normalization)
    st.session_state[PULL] = job
    job.start()


def _follow_pull() -> Path | None:
    """What there is to see of a download; the folder of the model once it is there."""
    job: HubPull = st.session_state[PULL]
    if not job.poll().over:
        _follow(job)
    elif job.folder is not None:
        st.session_state.pop(PULL)
        st.session_state.pop(LOOK, None)
        st.session_state["hub_notes"] = job.notes
        return job.folder
    else:
        st.session_state.pop(PULL)
        if job.error:
            widgets.show_error(job.error)
        elif job.state == CANCELLED:
            st.info("The download was canceled. Nothing of it was kept.", icon=":material/close:")
        _follow_look()
    return None


@st.fragment(run_every=0.5)
def _follow(job: HubLook | HubPull) -> None:
    """The bar until the job is over; the whole page runs again then."""
    progress = job.poll()
    if progress.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.fraction, plain(job.sentence), width="stretch")
        st.button("Cancel", key="hub_cancel", icon=":material/close:", on_click=job.cancel)
