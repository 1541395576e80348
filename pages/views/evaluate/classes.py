"""Which class was taken for which: the confusion matrix, the scores of each class, and the images behind a cell."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.server.evaluation import score_tables
from pages.server.scoring_job import Scores
from pages.ui import model_picker, widgets
from pages.ui.figures import chart_view, evaluation_charts
from pages.ui.formatting import plain
from pages.views.evaluate import errors
from pages.views.evaluate import table as scores_table
from pages.views.evaluate.listing import filters
from pages.views.evaluate.state import Evaluation
from unet_core.config.schema import ModelConfig
from unet_core.errors import UnetError
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    from unet_core.evaluation.measures.confusion import CellImage
    from unet_core.evaluation.summary import ImageScore

CHART, TRUE, PRED, SHOWN = "confusion", "cell_true", "cell_prediction", "cell_image"
MOST_IMAGES = 200  # behind a cell that are listed
ROWS = 6
IGNORED = "Pixels that the dataset ignores count nowhere."


def show(evaluation: Evaluation) -> None:
    """All of it, for the images that are scored."""
    from unet_core.evaluation.measures.confusion import find_images, shares_of_truth, sum_tables

    scores = evaluation.scoring.scores
    try:
        config = model_picker.load_model(evaluation.model).predictor.model.config
    except UnetError as error:
        widgets.show_error(error)
        return
    names = list_names(config)
    table = sum_tables(scores.confusions.values())
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(
            "Each row is a class of the ground truth, each cell the share of its pixels predicted as the class "
            f"of the column. The diagonal is right. {IGNORED} Click a cell to list its images."
        )
        figure = evaluation_charts.draw_confusion(table.tolist(), shares_of_truth(table).tolist(), names)
        chart_view.show_chart(
            figure,
            CHART,
            f"{evaluation.model.name}-confusion",
            "Confusion matrix",
            has_toolbar=False,
            has_data=False,
            on_select=take_cell,
        )
        show_matrix_download(table.tolist(), names, evaluation.model.name)
    with right:
        show_classes(score_tables.prepare(evaluation.scoring).scores, names)
    true, pred = choose_cell(names, table.tolist())
    found = find_images(scores.confusions, true, pred)
    total = int(table[true, pred])
    words = "rightly predicted" if true == pred else f"predicted as {plain(names[pred])}"
    many = "1 image" if len(found) == 1 else f"{len(found):,} images"
    st.markdown(f"**{plain(names[true])}** {words}: {total:,} pixels in {many}.")
    if found:
        name = show_images(found[:MOST_IMAGES], len(found), evaluation, scores, f"{names[true]} → {names[pred]}")
        params = scores_table.predict_params(evaluation.model.name, name, evaluation.dataset)
        with st.container():
            errors.show(evaluation.model, scores, name, params)


def list_names(config: ModelConfig) -> list[str]:
    """Of all classes of the matrix, also the background of a binary model; equal names get their number."""
    if config.num_classes == 1 and not config.names:
        return ["background", "foreground"]
    names = [readable(config.class_name(index)) for index in range(max(2, config.num_classes))]
    return [f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names)]


def take_cell() -> None:
    """Called by a click in the matrix."""
    points = st.session_state[CHART]["selection"]["points"]
    cell: Any = next((point.get("customdata") for point in points if point.get("curve_number") == 1), None)
    if cell is not None:
        st.session_state[TRUE], st.session_state[PRED] = int(cell[0]), int(cell[1])
        st.session_state.pop(SHOWN, None)


def choose_cell(names: Sequence[str], table: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The menus of the two classes; by default the largest error."""
    numbers = range(len(names))
    wrong = [(table[true][pred], true, pred) for true in numbers for pred in numbers if true != pred]
    _, first, second = max(wrong, key=lambda cell: cell[0])
    for key, value in ((TRUE, first), (PRED, second)):
        if st.session_state.get(key) not in numbers:
            st.session_state[key] = value
    with st.container(horizontal=True, vertical_alignment="bottom", key="cell_menus"):
        chosen = [
            st.selectbox(label, numbers, format_func=names.__getitem__, key=key, width=220, persist_state="session")
            for label, key in (("Ground truth", TRUE), ("Predicted as", PRED))
        ]
    return chosen[0], chosen[1]


def show_images(found: "Sequence[CellImage]", count: int, evaluation: Evaluation, scores: Scores, words: str) -> str:
    """The images behind a cell, those with the most of its pixels first; gives the name of the one to show."""
    ids = [item.id for item in found]
    with st.container(horizontal=True, vertical_alignment="center"):
        if count > len(found):
            st.caption(f"The {len(found)} images with the most of these pixels are listed.", width="content")
        st.button(
            "List these images",
            key="list_cell",
            icon=":material/filter_alt:",
            help="Opens the view Images with these images alone",
            on_click=filters.open_list,
            args=(evaluation.scoring, words, ids),
        )
    event = st.dataframe(
        [{"image": readable(item.id), "pixels": item.pixels, "share": item.share} for item in found],
        key=f"cell_images {hash((words, *ids))}",
        hide_index=True,
        height=35 * (min(len(found), ROWS) + 1) + 3,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        column_config={
            "image": st.column_config.TextColumn("Image"),
            "pixels": st.column_config.NumberColumn("Pixels", format="localized"),
            "share": st.column_config.ProgressColumn(
                "Share of the true class in this image", format="percent", min_value=0, max_value=1
            ),
        },
        alt=f"Images with pixels {words}",
    )
    return ids[next((row for row in event.selection.rows if row < len(ids)), 0)]


def show_classes(images: "Sequence[ImageScore]", names: Sequence[str]) -> None:
    """Dice, IoU, precision and recall of each class: over images, and pooled; the last row is their mean."""
    from unet_core.evaluation.measures.confusion import average_classes
    from unet_core.evaluation.summary import by_class

    means, pooled = average_classes([item.counts for item in images]), by_class(images)
    rows = [
        {
            "class": names[item.index],
            "dice": _cell(item.mean["dice"]),
            "pooled_dice": _cell(item.pooled["dice"]),
            "iou": _cell(item.mean["iou"]),
            "pooled_iou": _cell(item.pooled["iou"]),
            "precision": _cell(item.mean["precision"]),
            "recall": _cell(item.mean["recall"]),
            "images": counted.images,
            "undefined": item.undefined["dice"],
            "pixels": counted.pixels,
        }
        for item, counted in zip(means, pooled, strict=True)
    ]
    if len(rows) > 1:
        of_numbers = ("dice", "pooled_dice", "iou", "pooled_iou", "precision", "recall")
        rows.append(
            {"class": "Mean of the classes", **{name: _mean([row[name] for row in rows]) for name in of_numbers}}
        )
    score: dict[str, Any] = {"format": "%.3f"}
    st.dataframe(
        rows,
        key="class_table",
        hide_index=True,
        height=35 * (min(len(rows), 14) + 1) + 3,
        placeholder="–",
        column_config={
            "class": st.column_config.TextColumn("Class", width=120, pinned=True),
            "dice": st.column_config.NumberColumn("Dice", help="Mean over images", **score),
            "pooled_dice": st.column_config.NumberColumn("Pooled Dice", help="Dice of all pixels together", **score),
            "iou": st.column_config.NumberColumn("IoU", help="Mean over images", **score),
            "pooled_iou": st.column_config.NumberColumn("Pooled IoU", help="IoU of all pixels together", **score),
            "precision": st.column_config.NumberColumn("Precision", help="Mean over images", **score),
            "recall": st.column_config.NumberColumn("Recall", help="Mean over images", **score),
            "images": st.column_config.NumberColumn("Images", help="Images whose ground truth has this class"),
            "undefined": st.column_config.NumberColumn(
                "Undefined", help="Images without this class in ground truth and prediction: left out of the means"
            ),
            "pixels": st.column_config.NumberColumn("Pixels", format="compact", help="Of the ground truth"),
        },
        alt="Scores of the classes",
    )


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value


def _mean(values: Sequence[Any]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


def show_matrix_download(table: Sequence[Sequence[int]], names: Sequence[str], name: str) -> None:
    """The matrix in pixels as CSV."""
    st.download_button(
        "Matrix in pixels (CSV)",
        lambda: write_matrix(table, names),
        f"{name}-confusion.csv",
        "text/csv",
        key="confusion_csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def write_matrix(table: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    r"""The matrix as CSV, rows are the ground truth.

    >>> write_matrix([[5, 1], [0, 2]], ["background", "cell, round"])
    'ground truth \\ prediction,background,"cell, round"\nbackground,5,1\n"cell, round",0,2\n'
    """
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ground truth \\ prediction", *names])
    writer.writerows([name, *row] for name, row in zip(names, table, strict=True))
    return out.getvalue()
