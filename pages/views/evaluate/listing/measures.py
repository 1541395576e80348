"""Which measures are shown: the basic ones, or all, which are computed once from the masks that were kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.server.background_job import CANCELLED, DONE
from pages.server.evaluation import score_tables
from pages.server.evaluation.measuring_job import MeasuringJob
from pages.server.evaluation.score_tables import Prepared
from pages.server.scoring_job import ScoringJob
from pages.ui import job_progress, widgets
from pages.ui.formatting import plain
from unet_core.config.schema import ModelConfig

if TYPE_CHECKING:
    from unet_core.evaluation.measures.registry import Settings
    from unet_core.evaluation.tables.columns import Column

BASIC = ("dice", "iou", "precision", "recall")
ALL = (
    *BASIC,
    "hd95",
    "nsd",
    "boundary_iou",
    "object_f1_50",
    "object_ap_50",
    "object_ap_75",
    "object_mean_ap",
    "panoptic_quality",
    "count_error",
    "v_rand",
    "v_info",
    "accuracy",
)
QUICK_SECONDS = 0.4  # what is small is there within it, without a progress bar
JOB, JOB_FOR = "measuring", "measuring_for"  # in the session
SWITCH_HELP = (
    "Also distances between outlines (HD95, NSD, boundary IoU), objects (F1, AP, panoptic quality, count error), "
    "regions (V-Rand, V-Info), and what the missing Dice was lost to. They are computed once, from the predicted masks."
)


def choose_settings() -> "Settings | None":
    """The switch of all measures and what they depend on; None for the basic ones."""
    from unet_core.evaluation.measures.registry import choose_measures

    if not st.toggle("All measures", key="all_measures", bind="query-params", help=SWITCH_HELP):
        return None
    with st.container(horizontal=True):
        size = st.number_input(
            "Pixel size (µm)",
            min_value=0.0,
            value=None,
            format="%g",
            key="evaluate_pixel_size",
            placeholder="unknown",
            persist_state="session",
            width=150,
            help="With it, HD95 and the tolerance are in micrometers, else in pixels.",
        )
        unit = "µm" if size else "px"
        tolerance = st.number_input(
            f"Tolerance of NSD ({unit})",
            min_value=0.0,
            value=2.0,
            format="%g",
            key="evaluate_tolerance",
            persist_state="session",
            width=150,
            help="By how much two outlines may differ and still agree.",
        )
    return choose_measures("all", tolerance, size or None)


def choose_columns(names: Sequence[str], columns: "dict[str, Column]", has_all: bool) -> list[str]:
    """The menu of the columns of the table, by default BASIC or ALL of what there is."""
    default = [name for name in (ALL if has_all else BASIC) if name in names]
    chosen = st.multiselect(
        "Columns",
        list(names),
        default,
        format_func=lambda name: columns[name].label,
        key=f"evaluate_columns {has_all} {len(names)}",
        persist_state="session",
    )
    return [name for name in names if name in chosen]


def describe_columns(names: Sequence[str], config: ModelConfig, settings: "Settings | None") -> "dict[str, Column]":
    """How each column is called here, with its unit and tolerance."""
    from dataclasses import replace

    from unet_core.evaluation.tables.columns import describe_column

    class_names = [config.class_name(index) for index in range(config.num_classes)]
    columns = {name: describe_column(name, class_names) for name in names}
    if settings is not None:
        unit = "px" if settings.pixel_size is None else "µm"
        for name, column in columns.items():
            if column.is_length:
                columns[name] = replace(column, label=column.label.replace("HD95", f"HD95 ({unit})"))
            elif name.startswith("nsd"):
                columns[name] = replace(
                    column, label=column.label.replace("NSD", f"NSD at {settings.tolerance:g} {unit}")
                )
    return columns


def prepare(scoring: ScoringJob, num_classes: int, settings: "Settings | None") -> Prepared:
    """The scores with all measures; until these are there, their progress is shown and the basic ones are given."""
    if settings is None or score_tables.find_measured(scoring, settings) is not None:
        return score_tables.prepare(scoring, settings)
    job = find_job(scoring, num_classes, settings)
    if job.state == DONE:
        score_tables.keep_measured(scoring, settings, job.measured)
        return score_tables.prepare(scoring, settings)
    if not job.poll().over:
        st.caption("All measures are being computed. Until then the table has the basic ones.")
        job_progress.follow(job, "cancel_measuring")
    elif job.error:
        widgets.show_error(job.error)
    elif job.state == CANCELLED:
        with st.container(horizontal=True, vertical_alignment="center"):
            text = f"Canceled after {len(job.measured)} of {len(scoring.scores.images)} images."
            st.warning(plain(text), icon=":material/cancel:", width="stretch")
            st.button("Measure the rest", key="measure_again", icon=":material/refresh:", on_click=restart)
    return score_tables.prepare(scoring)


def find_job(scoring: ScoringJob, num_classes: int, settings: "Settings") -> MeasuringJob:
    """That of this session, running or over; a new one where anything differs."""
    state = st.session_state
    job: MeasuringJob | None = state.get(JOB)
    before: ScoringJob | None
    before, *rest = state.get(JOB_FOR, (None, None))
    if job is None or job.abandoned or before is not scoring or rest != [settings]:
        measured = {}
        if job is not None:
            job.cancel()
            measured = job.measured if before is scoring else {}
        job = MeasuringJob(scoring.scores, num_classes, settings, measured)
        job.start()
        state.update({JOB: job, JOB_FOR: (scoring, settings)})
        job.wait(QUICK_SECONDS)
    return job


def restart() -> None:
    """Called by the button after a cancelled job: what was measured is taken over."""
    if JOB_FOR in st.session_state:
        scoring, _ = st.session_state[JOB_FOR]
        st.session_state[JOB_FOR] = (scoring, None)
