"""Dice and IoU of every image, the lowest first, with its errors, and how far the mean can be trusted."""

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.server.paths import runs_dir
from pages.ui import job_progress, widgets
from pages.ui.messages import show_messages
from pages.views.evaluate import images, job, scores
from unet_core.config import reproduce
from unet_core.errors import UnetError
from unet_core.runs import run as runs

st.title("Evaluate")
trained = [run for run in runs.find(runs_dir()) if run.has_best]
if not trained:
    st.info("There is no trained model yet. [Train](/train) one; it can be evaluated after its first epoch.")
    st.stop()
left, right = st.columns(2, gap="medium")
with left:
    run = widgets.choose_run("Model", trained)
with right:
    chosen = images.choose()
if run is None or chosen is None:
    st.stop()
model = model_registry.Model(run.id, run.best, run)
try:
    scoring = job.find_job(model, chosen.split, chosen.root)
except UnetError as error:
    widgets.show_error(error)
    st.stop()
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
if chosen.root is not None:
    images.show_known(scoring.scores)
if progress.state == CANCELLED:
    with st.container(horizontal=True, vertical_alignment="center"):
        message = f"Canceled after {progress.images} of {progress.of_images} images; the scores below are of those."
        st.warning(
            message if progress.images else "Canceled before any image was scored.",
            icon=":material/cancel:",
            width="stretch",
        )
        st.button("Score the rest", key="score_again", icon=":material/refresh:", on_click=job.restart)
if scoring.scores.images:
    scores.show(model, scoring.scores)
    with st.expander("Show code", icon=":material/code:"):
        root = run.config.data.root if chosen.root is None else str(chosen.root)
        st.code(reproduce.evaluation_code(str(run.folder), root, chosen.split), language="python")
