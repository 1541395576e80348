"""Dice and IoU of every image, the lowest first, with its errors, and how far the mean can be trusted."""

from pathlib import Path

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.server.paths import runs_dir, shown
from pages.server.scoring_job import ScoringJob
from pages.ui import addresses, job_progress, widgets
from pages.ui.messages import show_messages
from pages.views.evaluate import images, job, sections, table
from pages.views.evaluate.state import Evaluation
from unet_core.config import reproduce
from unet_core.errors import UnetError
from unet_core.runs import run as runs


def choose() -> tuple[runs.Run, images.Images]:
    """The bar: which model is evaluated on which images, and the link to this view."""
    trained = [run for run in runs.find(runs_dir()) if run.has_best]
    title, left, right, end = st.columns([1.4, 3, 4, 1.35], gap="small", vertical_alignment="bottom")
    title.title("Evaluate", anchor=False)
    if not trained:
        st.info("There is no trained model yet. [Train](/train) one; it can be evaluated after its first epoch.")
        st.stop()
    with left:
        run = widgets.choose_run("Model", trained)
    with right:
        chosen = images.choose()
    if run is None or chosen is None:
        st.stop()
    with end:
        shown = st.session_state.get(table.SHOWN)
        show_copy_link({addresses.MODEL: run.id} | ({table.ADDRESS: shown} if shown else {}))
    return run, chosen


def follow(scoring: ScoringJob, chosen: images.Images) -> None:
    """Its progress, what went wrong, and what is to be known of the scores."""
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


st.html(Path(__file__).parent / "assets" / "evaluate.css")
with st.container(key="evaluate", gap="small"):
    with st.container(key="evaluate_bar"):
        run, chosen = choose()
    try:
        if chosen.root is None and (problem := images.explain_missing(run)):
            images.show_missing(problem)
            st.stop()
        model = model_registry.Model(run.id, run.best, run)
        scoring = job.find_job(model, chosen.split, chosen.root)
    except UnetError as error:
        widgets.show_error(error)
        st.stop()
    with st.container(gap="small"):  # it has its place also where it is empty
        follow(scoring, chosen)
    if scoring.scores.images:
        sections.show(Evaluation(model, run, scoring, chosen.dataset))
        with st.expander("Show code", icon=":material/code:"):
            root = run.config.data.root if chosen.root is None else str(chosen.root)
            st.code(reproduce.evaluation_code(shown(run.folder), shown(root), chosen.split), language="python")
