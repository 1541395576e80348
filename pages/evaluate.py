"""Dice and IoU of every image, the lowest first, with its errors, and how far the mean can be trusted."""

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.server.paths import runs_dir
from pages.ui import job_progress, widgets
from pages.ui.messages import show_messages
from pages.views.evaluate import job, scores
from unet_core.config import reproduce
from unet_core.config.choices import SPLITS
from unet_core.runs import run as runs

SPLIT_LABELS = {
    "held-out": "Held-out (not trained on)",
    "all": "All",
    "train": "Training",
    "val": "Validation",
    "test": "Test",
}

st.title("Evaluate")
trained = [run for run in runs.find(runs_dir()) if run.has_best]
if not trained:
    st.info("There is no trained model yet. [Train](/train) one; it can be evaluated after its first epoch.")
    st.stop()
left, right = st.columns(2, gap="medium")
with left:
    run = widgets.choose_run("Model", trained)
with right:
    split = st.selectbox("Images", list(SPLITS), format_func=SPLIT_LABELS.__getitem__, key="split", bind="query-params")
if run is None:
    st.stop()
model = model_registry.Model(run.id, run.best, run)
scoring = job.find_job(model, split)
progress = scoring.poll()
if not progress.over:
    job_progress.follow(scoring, "cancel_scoring")
    st.stop()
if scoring.error:
    widgets.show_error(scoring.error)
if scoring.warning:
    widgets.show_warning(scoring.warning)
show_messages(scoring.scores.skipped, "files that cannot be read", widgets.show_warning)
show_messages(scoring.scores.warnings, "remarks on the data", widgets.show_warning)
if progress.state == CANCELLED:
    with st.container(horizontal=True, vertical_alignment="center"):
        message = f"Cancelled after {progress.images} of {progress.of_images} images; the scores below are of those."
        st.warning(
            message if progress.images else "Cancelled before any image was scored.",
            icon=":material/cancel:",
            width="stretch",
        )
        st.button("Score the rest", key="score_again", icon=":material/refresh:", on_click=job.restart)
if scoring.scores.images:
    scores.show(model, scoring.scores)
    with st.expander("Show code", icon=":material/code:"):
        st.code(reproduce.evaluation_code(str(run.folder), run.config.data.root, split), language="python")
