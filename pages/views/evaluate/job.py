"""The scoring of a session: started where model or images changed, else the one that runs or is done.

What takes long is scored only after its button was pressed (`show_offer`).
"""

import os
from pathlib import Path

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import DONE
from pages.server.evaluation.offers import Offer
from pages.server.scoring_job import ScoringJob
from pages.ui.formatting import duration_text
from unet_core.config.schema import DataConfig
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe
from unet_core.runs import run_data

STATE_SECONDS = 30
QUICK_SECONDS = 0.4  # what is small or cached is there within it, without a progress bar
JOB = "scoring"  # in the session; beside it what it is of, and what the user has asked for


@st.cache_resource(max_entries=16, show_spinner=False)
def finished(run_folder: str, version: str, split: str, root: str, state: str) -> dict[str, ScoringJob]:
    """Under "job" what was scored to its end, for all visitors."""
    return {}


@st.cache_data(max_entries=16, ttl=STATE_SECONDS, show_spinner=False)
def read_state(folder: bytes, recipe: Recipe) -> str:
    """Changes where a file of a dataset or a repair does; the files are looked at every half a minute."""
    from unet_core.data.checks import cache

    return cache.digest_of(cache.stat_files(Path(os.fsdecode(folder))), {}, recipe)


def find_job(model: model_registry.Model, split: str, root: Path | None = None, key: str = JOB) -> ScoringJob:
    """The job that scores these images of the run's dataset, or of the one in the folder `root`, running or done.

    A new one where anything differs; the session keeps one for each `key`. What takes long and was not asked for is
    only offered by it. Raises DataError where that folder or its recipe cannot be read.
    """
    if root is not None:
        state = read_state(os.fsencode(root), recipes.of(DataConfig(root=str(root))))
    else:  # the warnings speak of repairs that are other ones now
        state = " ".join(run_data.find_changes(model.run.data)) if model.run is not None else ""
    request = (str(model.folder), model_registry.read_digest(model), split, str(root or ""), state)
    if (done := finished(*request).get("job")) is not None:
        return done
    job: ScoringJob | None = st.session_state.get(key)
    if job is None or job.abandoned or st.session_state.get(f"{key}_for") != request:
        if job is not None:
            job.cancel()
        job = ScoringJob(model, split, root, asked=st.session_state.get(f"{key}_asked") == request)
        job.start()
        st.session_state.update({key: job, f"{key}_for": request})
        job.wait(QUICK_SECONDS)
    if job.state == DONE and job.offer is None:
        finished(*request)["job"] = job
    return job


def restart(key: str = JOB) -> None:
    """Called by the button after a cancelled job; what was predicted is cached, so that it continues from there."""
    st.session_state.pop(key, None)


def accept(key: str = JOB) -> None:
    """Called by the button of an offer."""
    st.session_state[f"{key}_asked"] = st.session_state.get(f"{key}_for")
    restart(key)


def show_offer(offer: Offer, key: str = JOB) -> None:
    """How much there is to score, why it is not scored at once, and the button that does it."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_offer"):
        st.info(explain_offer(offer), icon=":material/timer:", width="stretch")
        st.button(
            f"Score {count_images(offer.total)}",
            key="score_offered" if key == JOB else f"score_offered_{key}",
            type="primary",
            icon=":material/play_arrow:",
            on_click=accept,
            args=(key,),
        )


def explain_offer(offer: Offer) -> str:
    """That in words.

    >>> explain_offer(Offer(664, 600, 40.0, 50.0))
    'More than 200 images are scored only on request. 600 of 664 images are not scored yet; that takes about 50 s.'
    >>> explain_offer(Offer(30, 30, 2340.0))
    'More than 100 megapixels are scored only on request. 30 images (2,340 megapixels) are not scored yet.'
    """
    number = "" if offer.images == offer.total else f"{offer.images:,} of "
    number += count_images(offer.total)
    size = f" ({offer.megapixels:,.0f} megapixels)" if "megapixels" in offer.reason else ""
    time = "" if offer.seconds is None else f"; that takes about {duration_text(offer.seconds)}"
    are = "is" if offer.images == 1 else "are"
    return f"{offer.reason} scored only on request. {number}{size} {are} not scored yet{time}."


def count_images(number: int) -> str:
    """
    >>> count_images(1), count_images(5000)
    ('1 image', '5,000 images')
    """
    return f"{number:,} image{'s' * (number != 1)}"
