"""Dice and IoU of every image, the lowest first, with its errors, and how far the mean can be trusted."""

from functools import partial
from pathlib import Path

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server import model_registry
from pages.server.background_job import CANCELLED
from pages.server.paths import shown
from pages.server.scoring_job import ScoringJob
from pages.ui import addresses, job_progress, widgets
from pages.ui.messages import show_messages
from pages.views.evaluate import additions, images, job, sections, table
from pages.views.evaluate.state import Evaluation
from pages.views.predict import import_model
from unet_core.config import reproduce
from unet_core.errors import UnetError


def choose() -> tuple[model_registry.Model, images.Images]:
    """The bar: which model is evaluated on which images, what can be added, and the link to this view."""
    with st.container(key="evaluate_bar"):
        title, left, right, end = st.columns([1.45, 2.7, 3.7, 2.1], gap="small", vertical_alignment="bottom")
        title.title("Evaluate", anchor=False)
        with left:
            model, any_model = import_model.choose_model()
        with right:
            chosen = images.choose(model) if model is not None else None
        with end.container(horizontal=True, horizontal_alignment="right", gap="small"):
            additions.show_button()
            if model is not None:
                shown = st.session_state.get(table.SHOWN)
                show_copy_link({addresses.MODEL: model.name} | ({table.ADDRESS: shown} if shown else {}))
    with st.container():  # it has its place also where it is empty
        if not any_model:
            st.info(
                "There is no model yet. [Train](/train) one; it can be evaluated after its first epoch. Or add one "
                "from a file or the Hugging Face Hub.",
                icon=":material/model_training:",
            )
        additions.show()
        if model is not None:
            images.show_refusal(model)
    if model is None or chosen is None:
        st.stop()
    return model, chosen


def follow(scoring: ScoringJob, chosen: images.Images) -> None:
    """Its progress, what went wrong, and what is to be known of the scores."""
    progress = scoring.poll()
    if not progress.over:
        job_progress.follow(scoring, "cancel_scoring")
        st.stop()
    additions.show_notes(chosen)
    if scoring.error:
        widgets.show_error(scoring.error)
        if scoring.hint:
            st.info(scoring.hint, icon=":material/model_training:")
        if scoring.nothing_left:
            choose_all = partial(images.choose_all, chosen)
            st.button("Evaluate all its images", key="choose_all", icon=":material/select_all:", on_click=choose_all)
    if scoring.warning:
        widgets.show_warning(scoring.warning)
    show_messages(scoring.scores.skipped, "files that cannot be read", widgets.show_warning)
    show_messages(scoring.scores.warnings, "remarks on the data", widgets.show_warning)
    if chosen.root is not None:
        images.show_known(scoring.scores)
    if scoring.offer is not None:
        job.show_offer(scoring.offer)
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
    model, chosen = choose()
    try:
        if model.run is not None and chosen.root is None and (problem := images.explain_missing(model.run)):
            images.show_missing(problem)
            st.stop()
        scoring = job.find_job(model, chosen.split, chosen.root)
    except UnetError as error:
        widgets.show_error(error)
        st.stop()
    with st.container(gap="small"):  # it has its place also where it is empty
        follow(scoring, chosen)
    if scoring.scores.images:
        sections.show(Evaluation(model, scoring, chosen.dataset))
        with st.expander("Show code", icon=":material/code:"):
            root = chosen.root or (model.run.config.data.root if model.run is not None else "")
            st.code(reproduce.evaluation_code(shown(model.path), shown(root), chosen.split), language="python")
