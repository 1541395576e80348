"""The files of the chosen model, made once for each choice: scores first, then card, curves and the rest."""

from typing import NamedTuple

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED, DONE
from pages.server.scoring_job import ScoringJob
from pages.ui import job_progress, widgets
from pages.ui.messages import show_messages
from pages.views.evaluate import job
from pages.views.share import formats
from pages.views.share.options import Choices
from unet_core.errors import UnetError
from unet_core.sharing.evidence import Evidence, ScoredImage
from unet_core.sharing.push import Plan, make_plan
from unet_core.sharing.repository import Item, make_items

DATA_MISSING = "The images cannot be scored, so the card has no scores of them."


class Contents(NamedTuple):
    """What is shared; `plan` is None as long as no repository is named."""

    evidence: Evidence
    items: list[Item]
    plan: Plan | None


def make(model: model_registry.Model, choices: Choices) -> Contents | None:
    """The files; None while images are scored, which is shown, or where something is wrong, which is said."""
    try:
        scoring = job.find_job(model, "held-out")
    except UnetError as error:
        return _build(model, choices, None, str(error))
    progress = scoring.poll()
    if not progress.over:
        st.caption("Scoring the images that the model was not trained on, for the model card…")
        job_progress.follow(scoring, "cancel_scoring")
        return None
    if progress.state == CANCELLED:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"Scoring was canceled after {progress.images} of {progress.of_images} images. The card has no scores "
                "of single images.",
                icon=":material/cancel:",
                width="stretch",
            )
            st.button("Score the images", key="score_again", icon=":material/refresh:", on_click=job.restart)
    elif scoring.error:
        widgets.show_warning(f"{DATA_MISSING} {scoring.error}")
    if scoring.offer is not None:
        job.show_offer(scoring.offer)
        return _build(model, choices, None, "")
    show_messages([*scoring.scores.skipped, *scoring.scores.warnings], "remarks on the data", widgets.show_warning, 1)
    return _build(model, choices, scoring if progress.state == DONE else None, scoring.error)


def _build(model: model_registry.Model, choices: Choices, scoring: ScoringJob | None, problem: str) -> Contents | None:
    try:
        evidence = _gather(model, scoring, problem)
        onnx = formats.onnx_of(model, choices)
        items = _items(str(model.folder), model_registry.read_digest(model), choices, evidence, onnx)
        plan = make_plan(items, choices.repo, evidence) if choices.repo else None
    except UnetError as error:
        widgets.show_error(error)
        return None
    return Contents(evidence, items, plan)


def _gather(model: model_registry.Model, scoring: ScoringJob | None, problem: str) -> Evidence:
    from unet_core.data.discovery import content_hash
    from unet_core.sharing.evidence import gather

    assert model.run is not None
    images, notes = [], []
    if scoring is not None:
        scores = scoring.scores
        for score in scores.images:
            sample = scores.samples[score.id]
            images.append(ScoredImage(score, content_hash(sample.image, sample.page)))
        notes = [*scores.skipped, *scores.warnings]
    return gather(model.run, images, problem, notes)


def _items(folder: str, version: str, choices: Choices, evidence: Evidence, onnx: bytes) -> list[Item]:
    """From the session where nothing has changed: digests and the curves take half a second."""
    counts = len(evidence.images), len(evidence.events), len(onnx)
    key = (folder, version, choices.card, choices.repo, counts, evidence.notes)
    stored = st.session_state.get("share_items")
    if stored is None or stored[0] != key:
        stored = st.session_state["share_items"] = (
            key,
            make_items(evidence, choices.card, choices.repo, onnx),
        )
    items: list[Item] = stored[1]
    return items
