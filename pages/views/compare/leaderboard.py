"""All runs of one dataset, the highest validation Dice first, with the note which of their scores can be compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.ui import dataset_picker, widgets
from pages.views.train import sweep_results
from unet_core.evaluation.compare import side_by_side
from unet_core.io.filenames import readable
from unet_core.runs import run as runs

PLACE = "Among the runs that were validated on the same images; runs with the same Dice share a place."
ROW, MOST_ROWS = 35, 12  # pixels of a row, rows that are shown without scrolling


def show(existing: Sequence[runs.Run]) -> None:
    """The menu of datasets and the table."""
    groups = side_by_side.group_by_dataset(existing)
    if not groups:
        return
    st.subheader("Leaderboard", anchor=False)
    labels = label_datasets(list(groups))
    chosen = st.selectbox(
        "Dataset of the leaderboard",
        list(labels.values()),
        key="leaderboard_dataset",
        bind="query-params",
        help="Runs are listed by the dataset that they were trained on. The newest run's comes first.",
    )
    root = next(root for root, label in labels.items() if label == chosen)
    comparison = side_by_side.rank(groups[root], sweep_results.read_history)
    for sentence in comparison.warnings:
        widgets.show_warning(sentence)
    if not comparison.warnings:  # also where there is nothing to say: the table's toolbar would cover the menu
        text = "All were validated on the same images, so their scores can be compared."
        st.caption(text if len(comparison.entries) > 1 else "One run so far.")
    show_table(comparison)


def label_datasets(roots: Sequence[str]) -> dict[str, str]:
    """What each folder is called: its name in the list of datasets, else its last part; told apart where equal."""
    names = dataset_picker.names_by_root()
    labels: dict[str, str] = {}
    for root in roots:
        name = names.get(root) or readable(Path(root).name)
        number = sum(label == name or label.startswith(f"{name} (") for label in labels.values())
        labels[root] = f"{name} ({number + 1})" if number else name
    return labels


def list_extra(comparison: side_by_side.Comparison) -> Mapping[str, Mapping[str, Any]]:
    """Columns beside those of a sweep's table, by run."""
    return {
        entry.row.run: {
            "model size": entry.model_mib,
            "validation images": None if entry.val_images is None else f"{entry.val_images} (set {entry.val_set})",
        }
        for entry in comparison.entries
    }


def show_table(comparison: side_by_side.Comparison) -> None:
    """A row for each run, with its place among those that were validated on the same images."""
    extra = list_extra(comparison)
    places, number = comparison.places, len(comparison.entries)
    score: dict[str, Any] = {"format": "%.3f", "min_value": 0, "max_value": 1}
    st.dataframe(
        [
            {
                "place": places.get(row.run),
                "name": row.name,
                "best Dice": row.val_dice,
                "IoU at best": row.val_iou,
                **extra[row.run],
                "minutes": row.seconds and row.seconds / 60,
                "parameters": row.parameters,
                "epochs": row.epochs,
                "state": row.state,
                "run": f"/train?view=Live&run={row.run}",
            }
            for row in comparison.rows
        ],
        hide_index=True,
        key="leaderboard_table",
        placeholder="–",
        height=ROW * (min(number, MOST_ROWS) + 1) + 3,
        alt=f"Leaderboard of {number} runs, the highest validation Dice first",
        column_config=sweep_results.make_columns()
        | {
            "place": st.column_config.NumberColumn("Place", width=60, help=PLACE),
            "best Dice": st.column_config.ProgressColumn("Best Dice", **score),
            "epochs": st.column_config.NumberColumn("Epochs done"),
        },
    )
