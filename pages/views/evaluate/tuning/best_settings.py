"""The best minimum area, hole filling and test-time augmentation with their threshold, by the validation images."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.server.background_job import DONE
from pages.server.tuning.search_job import SearchJob
from pages.server.tuning.threshold_job import ThresholdJob
from pages.ui import job_progress, widgets
from pages.ui.formatting import plain

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.search import Candidate

JOB = "search_job"  # in the session: the job and what it is of


def show(job: ThresholdJob, metric: str, is_own: bool, use: Any) -> None:
    """The button, the progress, and the table; `use(metric, candidate)` writes one into the checkpoint."""
    with st.expander("Find best settings", icon=":material/manage_search:"):
        st.caption(
            "Tries test-time augmentation, minimum area and hole filling with their best threshold on the validation "
            "images. Of settings that differ by less than 0.001 the simplest is taken. Test images only report."
        )
        metric = metric if metric in ("dice", "iou") else "dice"
        request = (str(job.model.folder), job.study.config.threshold, metric)
        search: SearchJob | None = st.session_state.get(JOB) if st.session_state.get("search_for") == request else None
        if search is None:
            st.button(
                "Find best", key="search_start", icon=":material/play_arrow:", on_click=start, args=(job, request)
            )
            return
        if not search.poll().over:
            job_progress.follow(search, "cancel_search")
            return
        if search.error:
            widgets.show_error(search.error)
        if search.state != DONE or search.search is None:
            show_start(job, request)
            return
        show_result(search.search.baseline, search.search.best, search.search.candidates, metric)
        st.button(
            "Use these",
            key="search_use",
            icon=":material/lock:",
            disabled=not is_own,
            help="Writes the threshold into the checkpoint. The other settings are recorded with it and have to be set "
            "at each prediction: a model does not apply them by itself.",
            on_click=use,
            args=(metric, search.search.best),
        )


def show_start(job: ThresholdJob, request: tuple[str, float, str]) -> None:
    """The button that starts a search."""
    st.button("Find best", key="search_start", icon=":material/play_arrow:", on_click=start, args=(job, request))


def start(job: ThresholdJob, request: tuple[str, float, str]) -> None:
    """Called by the button."""
    if isinstance(before := st.session_state.get(JOB), SearchJob):
        before.cancel()
    search = SearchJob(job, request[2])
    search.start()
    st.session_state.update({JOB: search, "search_for": request})


def show_result(baseline: "Candidate", best: "Candidate", candidates: "list[Candidate]", metric: str) -> None:
    """In words what is best and what it gives on the test images, and all settings in a table."""
    from unet_core.evaluation.tuning.search import describe_candidate

    name = {"dice": "Dice", "iou": "IoU"}[metric]
    sentence = f"**Best:** {plain(describe_candidate(best))}. Mean {name} {best.validation:.3f} on validation images, "
    sentence += f"{baseline.validation:.3f} as the model is."
    if best.test is not None and baseline.test is not None:
        sentence += f" Test images: {best.test:.3f} and {baseline.test:.3f}."
    st.markdown(sentence)
    rows = sorted(candidates, key=lambda item: -item.validation)
    bar: dict[str, Any] = {"format": "%.4f", "min_value": 0, "max_value": 1}
    st.dataframe(
        {
            "score": [row.validation for row in rows],
            "threshold": [row.threshold for row in rows],
            "area": [row.min_area for row in rows],
            "holes": [row.fill_holes for row in rows],
            "tta": [row.tta for row in rows],
        },
        key="search_table",
        height=240,
        hide_index=True,
        column_config={
            "score": st.column_config.ProgressColumn(f"Mean {name} (validation)", **bar),
            "threshold": st.column_config.NumberColumn("Threshold", format="%.3f"),
            "area": "Minimum area (px)",
            "holes": "Fill holes",
            "tta": "Test-time augmentation",
        },
    )
