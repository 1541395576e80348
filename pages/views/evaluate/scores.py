"""The scores of a dataset: their means and what these are worth, each class, and each image with its errors."""

import io
import math
import zipfile
from collections import Counter
from typing import Any

import streamlit as st

from pages.server import model_registry
from pages.server.scoring_job import Scores
from pages.ui import model_picker, widgets
from pages.ui.figures import chart_view, charts
from pages.ui.formatting import score_text
from pages.views.evaluate import errors, report, table
from unet_core.config.choices import SUBSETS
from unet_core.config.schema import ModelConfig
from unet_core.errors import UnetError
from unet_core.io.pixels import encode_png

POOLED = "All pixels counted together: large objects count more."


def show(model: model_registry.Model, scores: Scores, dataset: str = "") -> None:
    """All of it, for the images that are scored; `dataset`: the name of another one than the run's own."""
    show_means(scores)
    with st.container(horizontal=True, vertical_alignment="center", key="evaluate_trust"):
        st.markdown(explain_trust(scores), width="stretch")
        sort = table.choose_sort()
    try:
        config = model_picker.load_model(model).predictor.model.config
    except UnetError as error:
        widgets.show_error(error)
        return
    name = table.show(scores, sort, model.name, dataset)
    with st.container():
        errors.show(model, scores, name, table.predict_params(model.name, name, dataset))
    left, right = st.columns(2, gap="medium")
    with left:
        show_histogram(scores, model.name)
    with right:
        show_downloads(scores, model.name, config.num_classes)
        show_classes(scores, config)


def show_means(scores: Scores) -> None:
    """The headline numbers."""
    from unet_core.evaluation.summary import summarize

    summary = summarize(scores.images)
    low, high = summary.dice_interval
    numbers = {"Mean Dice": (score_text(summary.mean["dice"]), "Mean over images of 2 TP / (2 TP + FP + FN).")}
    if not math.isnan(low):
        text = f"95 % confidence interval of the mean Dice (bootstrap over {summary.images} images)."
        numbers["95 % interval"] = (f"{low:.3f}–{high:.3f}", text)
    numbers |= {
        "Mean IoU": (score_text(summary.mean["iou"]), "Mean over images of TP / (TP + FP + FN)."),
        "Pooled Dice": (score_text(summary.pooled["dice"]), POOLED),
        "Pooled IoU": (score_text(summary.pooled["iou"]), POOLED),
        "Precision": (score_text(summary.mean["precision"]), "Mean over images of TP / (TP + FP)."),
        "Recall": (score_text(summary.mean["recall"]), "Mean over images of TP / (TP + FN)."),
    }
    if (objects := summary.objects) is not None:
        text = (
            f"{objects.matched} of {objects.matched + objects.missed} objects were found (IoU above 0.5), "
            f"{objects.wrong} predicted ones match none."
        )
        numbers["Object F1"] = (score_text(objects.f1), text)
    with st.container(key="evaluate_numbers"):
        widgets.tiles(numbers)


def explain_trust(scores: Scores) -> str:
    """In words: how many images there are, and what speaks against their scores."""
    count, empty = len(scores.images), sum(item.counts.empty for item in scores.images)
    subsets = Counter(item.subset for item in scores.images)
    parts = ", ".join(f"{subsets[name]} {label}" for name, label in SUBSETS.labels.items() if subsets[name])
    sentences = [f"{count} image{'s' if count != 1 else ''}: {parts}."]
    if "train" in subsets:
        sentences.append("The model was **trained on** some of these images, so their scores are too good.")
    elif "val" in subsets:
        sentences.append(
            "The best epoch was **chosen on the validation images**, so their scores are slightly too good. "
            "For an unbiased score, train with a test fraction and evaluate the test images."
        )
    if empty:
        sentences.append(
            f"{empty} {'are' if empty > 1 else 'is'} **empty** (no foreground in ground truth "
            "and prediction): Dice is undefined, and not part of the means."
        )
    return " ".join(sentences)


def show_classes(scores: Scores, config: ModelConfig) -> None:
    """Dice and IoU of each class, where there are several."""
    from unet_core.evaluation.summary import by_class

    rows = by_class(scores.images)
    if len(rows) < 2:
        return
    with st.expander("Scores by class", expanded=True):
        bar: dict[str, Any] = {"format": "%.3f", "min_value": 0, "max_value": 1}
        st.dataframe(
            {
                "class": [config.class_name(row.index) for row in rows],
                "dice": [row.dice for row in rows],
                "iou": [row.iou for row in rows],
                "pixels": [row.pixels for row in rows],
                "images": [row.images for row in rows],
            },
            key="class_table",
            height="content",
            hide_index=True,
            column_config={
                "class": "Class",
                "dice": st.column_config.ProgressColumn("Dice", **bar),
                "iou": st.column_config.ProgressColumn("IoU", **bar),
                "pixels": st.column_config.NumberColumn("Ground truth pixels", format="compact"),
                "images": "Images with this class",
            },
        )


def show_histogram(scores: Scores, name: str) -> None:
    """How many images have which Dice."""
    defined = [dice for item in scores.images if not math.isnan(dice := item.scores["dice"])]
    if defined:
        chart_view.show_chart(charts.dice_histogram(defined), "histogram", f"{name}-dice", "Histogram of the Dice")


def show_downloads(scores: Scores, name: str, num_classes: int) -> None:
    """The scores as CSV, the masks as ZIP; made when their button is pressed."""
    from unet_core.evaluation.summary import to_csv

    with st.container(horizontal=True):
        st.download_button(
            "All scores (CSV)",
            lambda: to_csv(scores.images),
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
