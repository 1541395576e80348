"""Suspected label errors: places where the model is sure, stable under test-time augmentation, and disagrees."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.server.analysis import pictures
from pages.server.analysis.dataset_jobs import SuspectsJob
from pages.views.evaluate.analysis import jobs
from pages.views.evaluate.analysis.jobs import estimate
from pages.views.evaluate.state import Evaluation
from unet_core.evaluation.analysis.suspects import HIDDEN, to_csv
from unet_core.evaluation.label_errors import Suspect
from unet_core.io.filenames import readable

JOB = "suspects_job"
PAGE = 20
ROW = 100  # pixels
VIEWS = 4  # predictions of an image
ABOUT = (
    "Places where the model is sure, stable under test-time augmentation, and the ground truth disagrees. Some are "
    "errors of the model: look at each before you change a mask."
)
KINDS = {"unlabeled": "Not labeled", "not seen": "Not predicted", "class": "Other class"}


def show(evaluation: Evaluation, open_image: Callable[[str], None]) -> None:
    """What is looked for, the button that starts it, then the list; `open_image` is called with an image's name."""
    scores = evaluation.scoring.scores
    st.markdown(ABOUT)
    if any(item.subset == "train" for item in scores.images):
        st.warning(HIDDEN, icon=":material/warning:")
    job = jobs.find(evaluation.scoring, JOB, SuspectsJob)
    if job is None or (job.poll().over and job.state != "done"):
        if job is not None:
            jobs.follow(evaluation.scoring, JOB, job)
            jobs.show_cancelled(job)
        offer(evaluation)
        return
    if jobs.follow(evaluation.scoring, JOB, job):
        show_list(evaluation, job, open_image)


def offer(evaluation: Evaluation) -> None:
    """The button, and how long it takes."""
    scoring = evaluation.scoring
    count = len(scoring.scores.images)
    about = estimate(scoring.scores.pace, VIEWS * count)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Look for label errors",
            key="find_suspects",
            type="primary",
            icon=":material/search:",
            on_click=jobs.start,
            args=(scoring, JOB, lambda: SuspectsJob(evaluation.model, scoring.scores)),
        )
        st.caption(
            f"Predicts {count:,} images in {VIEWS} views each{about}.",
            width="content",
        )


def show_list(evaluation: Evaluation, job: SuspectsJob, open_image: Callable[[str], None]) -> None:
    """A page of places with their crops; a selected row opens its image."""
    scores, suspects = evaluation.scoring.scores, job.suspects
    if not suspects:
        st.success("No place disagrees: predictions and ground truth are the same in all images.")
        return
    subsets = {item.id: item.subset for item in scores.images}
    with st.container(horizontal=True, vertical_alignment="center"):
        of_all = f" of {job.total:,}" if job.total > len(suspects) else ""
        st.markdown(f"{len(suspects):,}{of_all} places, the most suspect at the top.", width="content")
        st.download_button(
            "All places (CSV)",
            lambda: to_csv(suspects, subsets).encode(errors="surrogateescape"),
            f"{evaluation.model.name}-suspects.csv",
            "text/csv",
            key="suspects_csv",
            icon=":material/download:",
            on_click="ignore",
        )
    pages = -(-len(suspects) // PAGE)
    number = min(st.session_state.get("suspects_page") or 1, pages)
    first = (number - 1) * PAGE
    shown = suspects[first : first + PAGE]
    event = st.dataframe(
        make_rows(evaluation, job, shown, first),
        key=f"suspects_table {number}",
        hide_index=True,
        row_height=ROW,
        height=4 * ROW + 40,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "rank": st.column_config.NumberColumn("Rank", width=60),
            "image_crop": st.column_config.ImageColumn("Image", width=115),
            "truth_crop": st.column_config.ImageColumn("Ground truth", width=115),
            "pred_crop": st.column_config.ImageColumn("Prediction", width=115),
            "kind": st.column_config.TextColumn("Disagreement", width=120),
            "score": st.column_config.ProgressColumn("Score", format="%.3f", min_value=0, max_value=1, width=100),
            "place": st.column_config.TextColumn("Place (x, y; size in px)", width=170),
            "image": st.column_config.TextColumn("Image name"),
        },
        alt=f"Suspected label errors {first + 1} to {first + len(shown)} of {len(suspects)}",
    )
    if pages > 1:
        st.pagination(pages, key="suspects_page")
    selected = [row for row in event.selection.rows if row < len(shown)]
    chosen = f"{number} {selected[0]}" if selected else ""
    if chosen and chosen != st.session_state.get("suspect_opened"):
        open_image(shown[selected[0]].image)
    st.session_state["suspect_opened"] = chosen
    if selected:
        item = shown[selected[0]]
        st.caption(f"Opened below: the place is at x {item.left}, y {item.top}, {item.width} x {item.height} px.")


def make_rows(evaluation: Evaluation, job: SuspectsJob, shown: Sequence[Suspect], first: int) -> list[dict[str, Any]]:
    """The rows of a page, from the rank `first` + 1 on."""
    masks = {name: job.mask(name) for name in {item.image for item in shown}}
    crops = pictures.make_crops(evaluation.scoring.scores, masks, shown)
    return [
        {
            "rank": first + number,
            "image_crop": crop[0],
            "truth_crop": crop[1],
            "pred_crop": crop[2],
            "kind": KINDS[item.kind],
            "score": item.score,
            "place": f"{item.left}, {item.top}; {item.width} x {item.height}",
            "image": readable(item.image),
        }
        for number, (item, crop) in enumerate(zip(shown, crops, strict=True), 1)
    ]
