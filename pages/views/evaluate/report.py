"""The report on an evaluation as one HTML file: made by a thread of the server, then offered for download."""

import streamlit as st

from pages.server.background_job import CANCELLED
from pages.server.evaluation.report_job import ReportJob
from pages.server.scoring_job import Scores
from pages.ui import job_progress, widgets

JOB = "report_job"  # in the session, with what it is of
QUICK_SECONDS = 0.5
HELP = "Scores, worst images, model and data as one file that opens in any browser, to send to somebody."


def show(scores: Scores, name: str) -> None:
    """A button that makes the report, its progress, then a button that downloads it."""
    if scores.record is None:
        return
    job = _find(scores)
    if job is not None and not job.poll().over:
        with st.container():
            job_progress.follow(job, "report_cancel")
    elif job is not None and job.content:
        st.download_button(
            f"Download report ({len(job.content) / 1e6:.1f} MB)",
            job.content,
            f"{name}-report.html",
            "text/html",
            key="report_download",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )
    else:
        st.button(
            "Report (HTML)",
            key="report_make",
            icon=":material/description:",
            on_click=_start,
            args=(scores,),
            help=HELP,
        )
        if job is not None and job.state != CANCELLED:
            widgets.show_error(job.error)


def _find(scores: Scores) -> ReportJob | None:
    """The report on these scores, as many as there are now, if there is one in the session."""
    stored = st.session_state.get(JOB)
    if stored is None or stored[0] is not scores or stored[1] != len(scores.images):
        return None
    job: ReportJob = stored[2]
    return job


def _start(scores: Scores) -> None:
    if scores.record is not None:
        job = ReportJob(scores, scores.record)
        st.session_state[JOB] = (scores, len(scores.images), job)
        job.start()
        job.wait(QUICK_SECONDS)
