"""Dice and IoU of every image, worst first, with its errors drawn in; how far to trust the mean."""

import io
import math
import zipfile
from typing import Any

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED, DONE
from pages.server.paths import runs_dir
from pages.server.scoring_job import Scores, ScoringJob
from pages.ui import charts, widgets
from pages.ui.formatting import plain, score_text
from pages.views.evaluate import errors
from unet_core.config.choices import SPLITS
from unet_core.errors import UnetError
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs

SOON = 0.4  # seconds in which what is small or known is there without a progress bar
MOST_TOLD = 5  # files that cannot be read, listed one by one
CLASS_COLUMNS = ("dice", "iou", "pixels", "images")
SPLIT_WORDS = {
    "held-out": "held back from training",
    "val": "validation",
    "test": "test",
    "train": "trained on",
    "all": "all",
}


@st.cache_resource(max_entries=16, show_spinner=False)
def kept(run_folder: str, version: str, split: str) -> dict[str, ScoringJob]:
    """Under "job" what was scored to its end, for all visitors."""
    return {}


def all_masks(scores: Scores, num_classes: int) -> bytes:
    """Every predicted mask as one ZIP: 0 and 255 for one class, class indices for several."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in scores.masks.items():
            file.writestr(f"{name}.png", encode_png(scores.mask(name) * 255) if num_classes == 1 else data)
    return archive.getvalue()


def job_for(model: model_registry.Model, split: str) -> ScoringJob:
    """The scores of these images, made or being made; begun anew where something else is asked for."""
    wanted = (str(model.folder), model_registry.digest(model.folder), split)
    known = kept(*wanted).get("job")
    if known is not None:
        return known
    job: ScoringJob | None = st.session_state.get("scoring")
    if job is None or job.given_up or st.session_state.get("scoring_for") != wanted:
        if job is not None:
            job.cancel()
        job = ScoringJob(model, split)
        job.start()
        st.session_state.update(scoring=job, scoring_for=wanted)
        job.wait(SOON)
    if job.state == DONE:
        kept(*wanted)["job"] = job
    return job


def again() -> None:
    """Called by the button after it was cancelled; what was predicted is kept, so that it goes on from there."""
    st.session_state.pop("scoring", None)


def follow(job: ScoringJob) -> None:
    """The bar and Cancel, until all is scored."""
    now = job.poll()
    if now.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(now.fraction, plain(now.sentence), width="stretch")
        st.button("Cancel", key="cancel_scoring", icon=":material/close:", on_click=job.cancel)


def headline(scores: Scores) -> None:
    """The means, and in words how far to trust them."""
    from unet_core.evaluation.summary import summarize

    summary = summarize(scores.each)
    widgets.tiles(
        {
            "Mean Dice": (score_text(summary.mean["dice"]), "Mean over images of 2 TP / (2 TP + FP + FN)."),
            "Mean IoU": (score_text(summary.mean["iou"]), "Mean over images of TP / (TP + FP + FN)."),
            "Pooled Dice": (score_text(summary.pooled["dice"]), "All pixels counted together: area weighs."),
            "Pooled IoU": (score_text(summary.pooled["iou"]), "All pixels counted together."),
            "Precision": (score_text(summary.mean["precision"]), "How much of what was found is right."),
            "Recall": (score_text(summary.mean["recall"]), "How much of what is there was found."),
            "Images": (str(summary.images), "Scored, the empty ones included."),
            "Empty": (str(summary.empty), "Nothing to find and nothing found: no score."),
        }
    )
    sentences = []
    low, high = summary.dice_interval
    if not math.isnan(low):
        sentences.append(
            f"With other images of this kind expect a mean Dice between **{low:.3f}** and "
            f"**{high:.3f}** (95 %, bootstrap over {summary.images} images)."
        )
    subsets = {item.subset for item in scores.each}
    if "train" in subsets:
        sentences.append("It was **trained on** some of these images, so that their scores flatter it.")
    elif "val" in subsets:
        sentences.append(
            "The validation images **chose the best epoch**, so that their scores are slightly too good; hold back "
            "test images (`test fraction`) for a score that nothing was chosen by."
        )
    if summary.empty:
        sentences.append(
            f"{summary.empty} images are **empty**: nothing to find and nothing found. They have no Dice and are left "
            "out of the means."
        )
    st.markdown(" ".join(sentences))


def classes(scores: Scores) -> None:
    """Dice and IoU of each class, where there are several."""
    from unet_core.evaluation.summary import by_class

    each = by_class(scores.each)
    if len(each) < 2:
        return
    with st.expander("Scores of each class", expanded=True):
        bar = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
        st.dataframe(
            [{"class": item.index} | {key: getattr(item, key) for key in CLASS_COLUMNS} for item in each],
            key="class_table",
            height="content",
            hide_index=True,
            column_config={"dice": bar, "iou": bar, "pixels": st.column_config.NumberColumn(format="compact")},
        )


def table(scores: Scores, model: model_registry.Model, num_classes: int) -> None:
    """Every image, worst first; a click on a row shows it."""
    from unet_core.evaluation.summary import to_csv

    rows: list[dict[str, Any]] = [
        {"image": item.id, **item.scores, "subset": item.subset, "empty": item.counts.empty} for item in scores.each
    ]
    rows.sort(key=lambda row: (math.isnan(row["dice"]), row["dice"]))
    left, right = st.columns([2, 3], gap="large")
    with left:
        defined = [row["dice"] for row in rows if not math.isnan(row["dice"])]
        st.plotly_chart(
            charts.dice_histogram(defined), key="histogram", config={"displaylogo": False}, alt="Histogram of the Dice"
        )
        bar = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1, width=130)
        number = st.column_config.NumberColumn(format="%.3f")
        event = st.dataframe(
            rows,
            key="scores_table",
            hide_index=True,
            height=380 if len(rows) > 9 else "content",
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                "image": st.column_config.TextColumn("Image", width=130),
                "dice": bar,
                "iou": bar,
                "precision": number,
                "recall": number,
                "accuracy": number,
            },
            alt=f"Scores of {len(rows)} images, the worst first",
        )
        with st.container(horizontal=True):
            st.download_button(
                "All scores (CSV)",
                lambda: to_csv(scores.each),
                f"{model.name}-scores.csv",
                "text/csv",
                key="scores_csv",
                icon=":material/download:",
                on_click="ignore",
            )
            st.download_button(
                "Predicted masks (ZIP)",
                lambda: all_masks(scores, num_classes),
                f"{model.name}-masks.zip",
                "application/zip",
                key="masks_zip",
                icon=":material/folder_zip:",
                on_click="ignore",
            )
    with right:
        names = [row["image"] for row in rows]
        picked = [names[row] for row in event.selection.rows if row < len(names)]
        if picked:
            st.session_state["judged"] = picked[0]  # it outlives another page, the table's selection does not
        judged = str(st.session_state.get("judged"))
        errors.show(model, scores, judged if judged in names else names[0])


st.title("Evaluate")
found = [run for run in runs.find(runs_dir()) if run.has_best]
if not found:
    st.info("There is no trained model yet. [Train](/train) one first; after its first epoch it can be judged here.")
    st.stop()
left, right = st.columns(2, gap="large")
with left:
    run = widgets.choose_run("Model", found)
with right:
    split = st.selectbox("Images", list(SPLITS), format_func=SPLIT_WORDS.__getitem__, key="split", bind="query-params")
model = model_registry.Model(run.id, run.best, run)
job = job_for(model, split)
now = job.poll()
if not now.over:
    st.fragment(follow, run_every=0.5)(job)
    st.stop()
if job.error:
    widgets.show_error(job.error)
if job.warning:
    widgets.show_warning(job.warning)
for message in job.scores.skipped[:MOST_TOLD]:
    widgets.show_warning(message)
if len(job.scores.skipped) > MOST_TOLD:
    with st.expander(f"{len(job.scores.skipped) - MOST_TOLD} more files that cannot be read"):
        st.markdown("\n".join(f"- {plain(message)}" for message in job.scores.skipped[MOST_TOLD:]))
if now.state == CANCELLED:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"Cancelled; {now.pictures} of {now.of_pictures} images are scored, and what is below is of those."
            if now.pictures
            else "Cancelled before an image was scored.",
            icon=":material/cancel:",
            width="stretch",
        )
        st.button("Score the rest", key="score_again", icon=":material/refresh:", on_click=again)
if job.scores.each:
    headline(job.scores)
    classes(job.scores)
    try:
        table(job.scores, model, model_registry.load(model).predictor.model.config.num_classes)
    except UnetError as error:
        widgets.show_error(error)
