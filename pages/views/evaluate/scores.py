"""The scores of a dataset: their means and what these are worth, each class, and each image with its errors."""

import io
import math
import zipfile
from typing import Any

import streamlit as st

from pages.server import model_registry
from pages.server.scoring_job import Scores
from pages.ui import charts, model_picker, widgets
from pages.ui.formatting import score_text
from pages.views.evaluate import errors
from unet_core.config.schema import ModelConfig
from unet_core.errors import UnetError
from unet_core.io.pixels import encode_png

POOLED = "All pixels counted together: large objects count more."


def show(model: model_registry.Model, scores: Scores) -> None:
    """All of it, for the images that are scored."""
    show_means(scores)
    try:
        config = model_picker.load_model(model).predictor.model.config
    except UnetError as error:
        widgets.show_error(error)
        return
    show_classes(scores, config)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        name = show_table(scores)
        show_downloads(scores, model.name, config.num_classes)
    with right:
        errors.show(model, scores, name)


def show_means(scores: Scores) -> None:
    """The means, and in words how far to trust them."""
    from unet_core.evaluation.summary import summarize

    summary = summarize(scores.images)
    widgets.tiles(
        {
            "Mean Dice": (score_text(summary.mean["dice"]), "Mean over images of 2 TP / (2 TP + FP + FN)."),
            "Mean IoU": (score_text(summary.mean["iou"]), "Mean over images of TP / (TP + FP + FN)."),
            "Pooled Dice": (
                score_text(summary.pooled["dice"]),
                POOLED,
            ),
            "Pooled IoU": (score_text(summary.pooled["iou"]), POOLED),
            "Precision": (score_text(summary.mean["precision"]), "Mean over images of TP / (TP + FP)."),
            "Recall": (score_text(summary.mean["recall"]), "Mean over images of TP / (TP + FN)."),
            "Images": (str(summary.images), "Scored images, including empty ones."),
            "Empty": (str(summary.empty), "No foreground in ground truth and prediction: Dice is undefined."),
        }
    )
    sentences = []
    if summary.objects is not None:
        sentences.append(
            f"Objects: **{summary.objects.matched}** of {summary.objects.matched + summary.objects.missed} were found "
            f"(IoU above 0.5), {summary.objects.wrong} predicted ones match none; F1 "
            f"**{score_text(summary.objects.f1)}**."
        )
    low, high = summary.dice_interval
    if not math.isnan(low):
        sentences.append(
            f"95 % confidence interval of the mean Dice: **{low:.3f} to {high:.3f}** "
            f"(bootstrap over {summary.images} images)."
        )
    subsets = {item.subset for item in scores.images}
    if "train" in subsets:
        sentences.append("The model was **trained on** some of these images, so their scores are too good.")
    elif "val" in subsets:
        sentences.append(
            "The best epoch was **chosen on the validation images**, so their scores are slightly too good. "
            "For an unbiased score, train with a test fraction and evaluate the test images."
        )
    if summary.empty:
        sentences.append(
            f"{summary.empty} image{'s are' if summary.empty > 1 else ' is'} **empty** (no foreground in ground truth "
            "and prediction) and not part of the means."
        )
    st.markdown(" ".join(sentences))


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


def show_table(scores: Scores) -> str:
    """Every image, the lowest Dice first; gives the name of the selected one, else of the last or the first."""
    rows: list[dict[str, Any]] = [
        {
            "image": item.id,
            **item.scores,
            **({} if item.objects is None else {"object_f1": item.objects.f1}),
            "subset": item.subset,
            "empty": item.counts.empty,
        }
        for item in scores.images
    ]
    rows.sort(key=lambda row: (math.isnan(row["dice"]), row["dice"]))
    defined = [row["dice"] for row in rows if not math.isnan(row["dice"])]
    st.plotly_chart(
        charts.dice_histogram(defined), key="histogram", config={"displaylogo": False}, alt="Histogram of the Dice"
    )
    bar: dict[str, Any] = {"format": "%.3f", "min_value": 0, "max_value": 1, "width": 130}
    event = st.dataframe(
        rows,
        key="scores_table",
        hide_index=True,
        height=380 if len(rows) > 9 else "content",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "image": st.column_config.TextColumn("Image", width=130),
            "dice": st.column_config.ProgressColumn("Dice", **bar),
            "iou": st.column_config.ProgressColumn("IoU", **bar),
            "precision": st.column_config.NumberColumn("Precision", format="%.3f"),
            "recall": st.column_config.NumberColumn("Recall", format="%.3f"),
            "accuracy": st.column_config.NumberColumn("Accuracy", format="%.3f"),
            "object_f1": st.column_config.NumberColumn("Object F1", format="%.3f", help="F1 over objects, IoU > 0.5"),
            "subset": "Subset",
            "empty": "Empty",
        },
        alt=f"Scores of {len(rows)} images, the lowest Dice first",
    )
    names = [row["image"] for row in rows]
    selected = [names[row] for row in event.selection.rows if row < len(names)]
    if selected:
        st.session_state["shown_image"] = selected[0]  # it outlives another page, the table's selection does not
    shown = str(st.session_state.get("shown_image"))
    return shown if shown in names else names[0]


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


def make_zip(scores: Scores, num_classes: int) -> bytes:
    """Every predicted mask as PNG: 0 and 255 for one class, class indices for several."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in scores.masks.items():
            file.writestr(f"{name}.png", encode_png(scores.mask(name) * 255) if num_classes == 1 else data)
    return archive.getvalue()
