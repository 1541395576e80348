"""The scoring of a session: started where model or images changed, else the one that runs or is done."""

import os
from pathlib import Path

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import DONE
from pages.server.scoring_job import ScoringJob
from unet_core.config.schema import DataConfig
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe
from unet_core.runs import run_data

STATE_SECONDS = 30
QUICK_SECONDS = 0.4  # what is small or cached is there within it, without a progress bar


@st.cache_resource(max_entries=16, show_spinner=False)
def finished(run_folder: str, version: str, split: str, root: str, state: str) -> dict[str, ScoringJob]:
    """Under "job" what was scored to its end, for all visitors."""
    return {}


@st.cache_data(max_entries=16, ttl=STATE_SECONDS, show_spinner=False)
def read_state(folder: bytes, recipe: Recipe) -> str:
    """Changes where a file of a dataset or a repair does; the files are looked at every half a minute."""
    from unet_core.data.checks import cache

    return cache.digest_of(cache.stat_files(Path(os.fsdecode(folder))), {}, recipe)


def find_job(model: model_registry.Model, split: str, root: Path | None = None, key: str = "scoring") -> ScoringJob:
    """The job that scores these images of the run's dataset, or of the one in the folder `root`, running or done.

    A new one where anything differs; the session keeps one for each `key`. Raises DataError where that folder or its
    recipe cannot be read.
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
        job = ScoringJob(model, split, root)
        job.start()
        st.session_state.update({key: job, f"{key}_for": request})
        job.wait(QUICK_SECONDS)
    if job.state == DONE:
        finished(*request)["job"] = job
    return job


def restart(key: str = "scoring") -> None:
    """Called by the button after a cancelled job; what was predicted is cached, so that it continues from there."""
    st.session_state.pop(key, None)
