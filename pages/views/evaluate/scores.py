"""The scores of a dataset: their means and what these are worth, and the list of images with their errors."""

import io
import math
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from pages.server.evaluation.score_tables import Prepared
from pages.server.scoring_job import Scores
from pages.ui import model_picker, widgets
from pages.ui.formatting import score_text
from pages.views.evaluate import errors, report
from pages.views.evaluate import table as scores_table
from pages.views.evaluate.listing import distribution, filters, measures
from pages.views.evaluate.state import Evaluation
from unet_core.config.choices import SUBSETS
from unet_core.errors import UnetError
from unet_core.evaluation.intervals import ENOUGH
from unet_core.io.pixels import encode_png

if TYPE_CHECKING:
    from unet_core.evaluation.summary import ImageScore, Summary
    from unet_core.evaluation.tables.columns import Column

POOLED = "All pixels counted together: large objects count more."
KINDS = "Kinds of images that are not among these are not covered."
NO_FORECAST = f"It is no forecast for another dataset. {KINDS}"
BOUND = (
    "95 % interval of the mean Dice of all images of which these are a random sample (Gaffke 2005). In simulations it "
    "held the true mean in 99 % of cases."
)
BOOTSTRAP = (
    "The usual 95 % interval (percentile bootstrap over images), for comparison. Of few images it is too narrow: in "
    "simulations with 20 to 60 images it held the true mean in 75 to 93 % of cases."
)
MEAN_HELP = "Each image counts once. Images where the measure is undefined are left out."
POOLED_HELP = "The pixels (or objects) of all images counted together. There is none of distances and regions."


def show(evaluation: Evaluation) -> None:
    """All of it, for the images that are scored."""
    from unet_core.evaluation.tables.rows import select

    scoring, model = evaluation.scoring, evaluation.model
    numbers, trust = st.container(), st.container(key="evaluate_trust")
    try:
        config = model_picker.load_model(model).predictor.model.config
    except UnetError as error:
        widgets.show_error(error)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="evaluate_controls"):
        search, sorts = (st.container(width="content", horizontal=True, vertical_alignment="center") for _ in range(2))
        menu = st.popover("Measures", icon=":material/tune:", key="measures_menu")
    with menu:
        settings = measures.choose_settings()
    with st.container():  # the progress has its place also where there is none
        prepared = measures.prepare(scoring, config.num_classes, settings)
    table, columns = prepared.table, measures.describe_columns(list(prepared.table.values), config, settings)
    with menu:
        names = measures.choose_columns(list(table.values), columns, table.has_causes)
    with sorts:
        sort, reverse = filters.choose_sort(columns)
    with search:
        chosen = filters.choose(table, scoring)
    with numbers:
        show_means(prepared.summary)
    trust.markdown(explain_trust(prepared))
    rows = select(table, chosen, sort, reverse).tolist()
    with st.container(key="evaluate_list", gap="small"):
        name = show_list(evaluation, prepared, rows, names, columns, sort, config.num_classes)
    with st.container():
        if name:
            errors.show(model, scoring.scores, name, scores_table.predict_params(model.name, name, evaluation.dataset))
    left, right = st.columns(2, gap="medium")
    with left:
        distribution.show(scoring, prepared, columns, model.name)
    with right:
        show_all_means(prepared, columns)
        show_downloads(scoring.scores, prepared.scores, model.name, config.num_classes)


def show_list(
    evaluation: Evaluation,
    prepared: Prepared,
    rows: list[int],
    names: list[str],
    columns: "dict[str, Column]",
    sort: str,
    num_classes: int,
) -> str:
    """The table of the images that pass the filters; gives the name of the image to show, "" for none."""
    if not rows:
        st.info("No image passes these filters.", icon=":material/filter_alt_off:")
        st.button("Clear filters", key="clear_filters", on_click=filters.drop_all)
        return ""
    name = scores_table.show(evaluation, prepared, rows, names, columns, sort, num_classes)
    scores_table.show_pages(len(rows), len(prepared.table))
    return name


def show_means(summary: "Summary") -> None:
    """The headline numbers."""
    bound, (low, high) = summary.bound, summary.dice_interval
    mean = "Mean over the images where it is defined of "
    numbers = {"Mean Dice": (score_text(summary.mean["dice"]), f"{mean}2 TP / (2 TP + FP + FN).")}
    if bound.too_few:
        text = f"There are {bound.values} images with a Dice. From fewer than {ENOUGH} no interval follows."
        numbers["95 % interval"] = ("too few images", text)
    else:
        numbers["95 % interval"] = (f"{bound.low:.3f}–{bound.high:.3f}", f"{BOUND} {NO_FORECAST}")
        numbers["Bootstrap interval"] = (f"{low:.3f}–{high:.3f}", BOOTSTRAP)
    numbers |= {
        "Mean IoU": (score_text(summary.mean["iou"]), f"{mean}TP / (TP + FP + FN)."),
        "Pooled Dice": (score_text(summary.pooled["dice"]), POOLED),
        "Pooled IoU": (score_text(summary.pooled["iou"]), POOLED),
    }
    if (objects := summary.objects) is not None:
        text = (
            f"Objects of all images together: {objects.matched} of {objects.matched + objects.missed} were found "
            f"(IoU above 0.5), {objects.wrong} predicted ones match none."
        )
        numbers["Pooled object F1"] = (score_text(objects.f1), text)
    with st.container(key="evaluate_numbers"):
        widgets.tiles(numbers)


def explain_trust(prepared: Prepared) -> str:
    """In words: how many images there are, what speaks against their scores, and what the interval is."""
    count, empty = len(prepared.table), int(prepared.table.empty.sum())
    subsets = Counter(prepared.table.subsets)
    parts = ", ".join(f"{subsets[name]:,} {label}" for name, label in SUBSETS.labels.items() if subsets[name])
    sentences = [f"{count:,} image{'s' if count != 1 else ''}: {parts}."]
    if "train" in subsets:
        sentences.append("The model was **trained on** some of these images, so their scores are too good.")
    elif "val" in subsets:
        remedy = "choose **Test** in Images" if "test" in subsets else "train with a test share and evaluate its images"
        sentences.append(
            "The best epoch was **chosen on the validation images**, so their scores are slightly too good. "
            f"For an unbiased score, {remedy}."
        )
    if empty:
        sentences.append(
            f"{empty:,} {'are' if empty > 1 else 'is'} **empty** (no foreground in ground truth "
            "and prediction): Dice is undefined, and not part of the means."
        )
    bound = prepared.summary.bound
    if bound.too_few:
        sentences.append(f"There are **too few images** for an interval of the mean ({ENOUGH} with a Dice are needed).")
    else:
        sentences.append(f"The interval is **no forecast** for another dataset. {KINDS}")
    return " ".join(sentences)


def show_all_means(prepared: Prepared, columns: "dict[str, Column]") -> None:
    """Each measure over images and pooled, and how many images are left out."""
    from unet_core.evaluation.tables.means import list_means

    rows = list_means(prepared.table, prepared.summary, list(columns))
    with st.expander("Means of all images", expanded=True):
        st.dataframe(
            [
                {
                    "measure": columns[row.name].label,
                    "mean": None if math.isnan(row.mean) else row.mean,
                    "pooled": None if row.pooled is None or math.isnan(row.pooled) else row.pooled,
                    "undefined": row.undefined,
                }
                for row in rows
            ],
            key="means_table",
            hide_index=True,
            height=35 * (min(len(rows), 9) + 1) + 3,
            placeholder="–",
            column_config={
                "measure": "Measure",
                "mean": st.column_config.NumberColumn("Mean over images", format="%.4f", help=MEAN_HELP),
                "pooled": st.column_config.NumberColumn("Pooled", format="%.4f", help=POOLED_HELP),
                "undefined": st.column_config.NumberColumn("Undefined images", help="Left out of the mean"),
            },
            alt="Means of the measures",
        )


def show_downloads(scores: Scores, images: "list[ImageScore]", name: str, num_classes: int) -> None:
    """The scores of the images as CSV, the masks as ZIP; made when their button is pressed."""
    from unet_core.evaluation.summary import to_csv

    with st.container(horizontal=True):
        st.download_button(
            "All scores (CSV)",
            lambda: to_csv(images),
            f"{name}-scores.csv",
            "text/csv",
            key="scores_csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Predicted masks (ZIP)",
            lambda: make_zip(scores, num_classes),
            f"{name}-masks.zip",
            "application/zip",
            key="masks_zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        report.show(scores, name)


def make_zip(scores: Scores, num_classes: int) -> bytes:
    """Every predicted mask as PNG: 0 and 255 for one class, class indices for several."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in scores.masks.items():
            file.writestr(f"{name}.png", encode_png(scores.mask(name) * 255) if num_classes == 1 else data)
    return archive.getvalue()
