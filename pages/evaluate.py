"""Dice and IoU of every image, worst first, with its errors drawn in; how far to trust the mean."""

import io
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages import charts, models, widgets
from pages.places import runs_dir
from pages.text import plain, score_text
from unet_core import images, overlay, runs, samples
from unet_core.config import SPLITS
from unet_core.errors import UnetError

if TYPE_CHECKING:
    from unet_core.evaluation import ImageScore

CLASS_COLUMNS = ("dice", "iou", "pixels", "images")
SPLIT_WORDS = {
    "held-out": "held back from training",
    "val": "validation",
    "test": "test",
    "train": "trained on",
    "all": "all",
}


class Scores:
    """The scores of one checkpoint on one choice of images, kept for all visitors."""

    def __init__(self) -> None:
        self.each: list[ImageScore] = []
        self.skipped: list[str] = []
        self.samples: dict[str, samples.Sample] = {}
        self.masks: dict[str, bytes] = {}  # what was predicted, PNG of class indices
        self.complete = False


@st.cache_resource(max_entries=16, show_spinner=False)
def kept(run_folder: str, version: str, split: str) -> Scores:
    return Scores()


def model_of(run: runs.Run) -> models.Model:
    return models.Model(run.id, run.best, run)


def all_masks(scores: Scores, num_classes: int) -> bytes:
    """Every predicted mask as one ZIP: 0 and 255 for one class, class indices for several."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in scores.masks.items():
            mask = images.decode(data, name)[:, :, 0]
            file.writestr(f"{name}.png", images.encode_png(mask * 255) if num_classes == 1 else data)
    return archive.getvalue()


def compute(run: runs.Run, split: str) -> Scores:
    """Score every image, with a progress bar, or take what was scored before."""
    predictor, warning, version = models.predictor(model_of(run))
    if warning:
        widgets.show_warning(warning)
    known = kept(str(run.folder), version, split)
    if known.complete:
        return known
    from unet_core import evaluation

    fresh = Scores()
    bar = st.progress(0.0, "Reading the images…")
    chosen = evaluation.select(samples.find(Path(run.config.data.root), run.config.data.layout), run.split(), split)
    total = sum(map(len, chosen.values()))

    def keep(name: str, mask: images.Array) -> None:
        fresh.masks[name] = images.encode_png(mask)

    fresh.samples = {sample.id: sample for group in chosen.values() for sample in group}
    for number, item in enumerate(evaluation.evaluate(predictor, chosen, run.data, keep), 1):
        (fresh.skipped if isinstance(item, str) else fresh.each).append(item)
        bar.progress(min(1.0, number / total), f"{number} of {total} images")
    bar.empty()
    known.__dict__.update(fresh.__dict__, complete=True)
    return known


def headline(scores: Scores) -> None:
    """The means, and in words how far to trust them."""
    from unet_core import evaluation

    summary = evaluation.summarise(scores.each)
    widgets.tiles(
        {
            "Mean Dice": (score_text(summary.mean_dice), "Mean over images of 2 TP / (2 TP + FP + FN)."),
            "Mean IoU": (score_text(summary.mean_iou), "Mean over images of TP / (TP + FP + FN)."),
            "Pooled Dice": (score_text(summary.pooled_dice), "All pixels counted together: area weighs."),
            "Pooled IoU": (score_text(summary.pooled_iou), "All pixels counted together."),
            "Precision": (score_text(summary.mean_precision), "How much of what was found is right."),
            "Recall": (score_text(summary.mean_recall), "How much of what is there was found."),
            "Images": (str(summary.images), "Scored, the empty ones included."),
            "Empty": (str(summary.empty), "Nothing to find and nothing found: no score."),
        }
    )
    sentences = []
    if not math.isnan(summary.dice_low):
        sentences.append(
            f"With other images of this kind expect a mean Dice between **{summary.dice_low:.3f}** and "
            f"**{summary.dice_high:.3f}** (95 %, bootstrap over {summary.images} images)."
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
    from unet_core import evaluation

    each = evaluation.by_class(scores.each)
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


def worst_first(item: "ImageScore") -> tuple[bool, float]:
    dice = item.scores["dice"]
    return math.isnan(dice), dice


def table(scores: Scores, run: runs.Run, num_classes: int) -> None:
    """Every image, worst first; a click on a row shows it."""
    from unet_core import evaluation

    rows = [
        {"image": item.id, **item.scores, "subset": item.subset, "empty": item.counts.empty}
        for item in sorted(
            scores.each, key=lambda item: (item.scores["dice"] != item.scores["dice"], item.scores["dice"])
        )
    ]
    left, right = st.columns([3, 2], gap="large")
    with left:
        bar = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
        number = st.column_config.NumberColumn(format="%.3f")
        event = st.dataframe(
            rows,
            key="scores_table",
            hide_index=True,
            height=520,
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                "image": st.column_config.TextColumn("Image", width="medium"),
                "dice": bar,
                "iou": bar,
                "precision": number,
                "recall": number,
                "accuracy": number,
            },
        )
        st.download_button(
            "All scores (CSV)",
            evaluation.to_csv(scores.each),
            f"{run.id}-scores.csv",
            "text/csv",
            key="scores_csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Predicted masks (ZIP)",
            lambda: all_masks(scores, num_classes),
            f"{run.id}-masks.zip",
            "application/zip",
            key="masks_zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
    with right:
        defined = [row["dice"] for row in rows if not math.isnan(row["dice"])]
        st.plotly_chart(charts.dice_histogram(defined), key="histogram", config={"displaylogo": False})
        picked = event.selection.rows
        show_errors(scores, run, rows[picked[0] if picked and picked[0] < len(rows) else 0], num_classes)


def show_errors(scores: Scores, run: runs.Run, row: dict, num_classes: int) -> None:
    """One image: what was found, found wrongly and missed."""
    from unet_core.data import load

    sample = scores.samples[row["image"]]
    predictor, *_ = models.predictor(model_of(run))
    image = images.read(sample.image, sample.page)
    pred = images.decode(scores.masks[sample.id], sample.id)[:, :, 0]
    pictures, *_ = load([sample], run.data, predictor.model.config)
    drawn = overlay.draw_errors(image, pred, pictures.target(pictures[0].raw_mask), num_classes, 0.6)
    st.image(drawn, width="stretch", output_format="JPEG", alt=f"Errors on {sample.id}", caption=plain(sample.id))
    if num_classes == 1:
        st.caption(":green[■] found  :red[■] found wrongly  :blue[■] missed")
    else:
        st.caption(":red[■] wrong class")


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
try:
    scores = compute(run, split)
    for message in scores.skipped:
        widgets.show_warning(message)
    headline(scores)
    classes(scores)
    table(scores, run, models.predictor(model_of(run))[0].model.config.num_classes)
except UnetError as error:
    widgets.show_error(error)
