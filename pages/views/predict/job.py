"""The prediction of a session: started where images or settings changed, else the one that runs or is done."""

from functools import partial

import streamlit as st

from pages.server import model_registry
from pages.server.prediction_job import InputImage, PredictionJob
from unet_core.errors import UnetError
from unet_core.inference import inputs
from unet_core.inference.adjustments import Adjust

QUICK_SECONDS = 0.4  # what is small or cached is there within it, without a progress bar


def find_job(
    model: model_registry.Model, items: dict[str, inputs.Item], views: str, tile: int | None, adjust: Adjust
) -> PredictionJob:
    """The running or finished job of just these images and settings; a new one where anything differs."""
    keys = tuple(content_key(item) for item in items.values())
    request = (model.name, model_registry.read_digest(model), tuple(items), keys, views, tile, adjust)
    job: PredictionJob | None = st.session_state.get("job")
    if job is None or job.abandoned or st.session_state.get("job_for") != request:
        if job is not None:
            job.cancel()
        images = [
            InputImage(name, key, item.read, adjust, partial(getattr, item, "channel_names"))
            for (name, item), key in zip(items.items(), keys, strict=True)
        ]
        job = model_registry.submit(model, images, views, tile)
        st.session_state.update(job=job, job_for=request)
        job.wait(QUICK_SECONDS)
    return job


def content_key(item: inputs.Item) -> str:
    """What identifies its content; the error of a file that cannot be read, which is shown when its turn comes."""
    try:
        return item.key
    except UnetError as error:
        return str(error)


def restart() -> None:
    """Called by the button after a cancelled job."""
    st.session_state.pop("job", None)
