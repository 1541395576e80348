"""Which threshold a model should have: its curve on validation images, what it gives on test images, and its use."""

import math
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.server import model_registry
from pages.server.background_job import CANCELLED, DONE
from pages.server.tuning.threshold_job import ThresholdJob
from pages.ui import job_progress, widgets
from pages.ui.figures import chart_view, threshold_charts
from pages.ui.formatting import plain
from pages.views.evaluate.job import QUICK_SECONDS, read_state
from pages.views.evaluate.state import Evaluation
from pages.views.evaluate.tuning import best_settings, calibration
from pages.views.evaluate.tuning.part_scores import show_scores
from unet_core.config.choices import TUNED_METRICS
from unet_core.config.model import ModelConfig
from unet_core.data.recipe import recipes
from unet_core.errors import UnetError
from unet_core.io import owners
from unet_core.runs import run_data

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.frozen import Record
    from unet_core.evaluation.tuning.search import Candidate
    from unet_core.evaluation.tuning.study import Study

STEP = 0.005  # of the slider: the grid of `histograms.THRESHOLDS`
SLIDER, METRIC, POOLED = "tuned_threshold", "tuned_metric", "tuned_pooled"
MESSAGE, CHANGED = "tuned_message", "tuned_changed"  # in the session: an error, and that the whole page is to follow
NO_RUN = (
    "This model is not one of a run here, so its validation images are not known. Choose on a folder of images that it "
    "was not trained on: `unet-studio threshold MODEL DATA`."
)


@st.cache_resource(max_entries=16, show_spinner=False)
def finished(folder: str, version: str, state: str) -> dict[str, ThresholdJob]:
    """Under "job" the study of these weights, for all visitors."""
    return {}


def show(evaluation: Evaluation) -> None:
    """The study of the run's model, counted first where that was not done."""
    model = evaluation.model
    if model.run is None:
        st.info(NO_RUN, icon=":material/info:")
        return
    job = find_job(model)
    if not job.poll().over:
        st.caption("The validation and test images are predicted once; then every threshold is answered at once.")
        job_progress.follow(job, "cancel_threshold")
        return
    if job.error:
        widgets.show_error(job.error)
        return
    if job.poll().state == CANCELLED:
        st.button("Continue", key="threshold_again", icon=":material/refresh:", on_click=restart)
        return
    with st.container():
        show_messages(model, job.study)
    with st.container():
        show_study(model, job)


def find_job(model: model_registry.Model) -> ThresholdJob:
    """The job that studies these weights on the files as they are now; a new one where anything differs."""
    request = request_for(model)
    if (done := finished(*request).get("job")) is not None:
        return done
    job: ThresholdJob | None = st.session_state.get("threshold_job")
    if job is None or job.abandoned or st.session_state.get("threshold_for") != request:
        if job is not None:
            job.cancel()
        job = ThresholdJob(model)
        job.start()
        st.session_state.update(threshold_job=job, threshold_for=request)
        job.wait(QUICK_SECONDS)
    if job.state == DONE:
        finished(*request)["job"] = job
    return job


def request_for(model: model_registry.Model) -> tuple[str, str, str]:
    """What a study depends on: the checkpoint as it is, the files of the dataset and their repairs."""
    if model.run is None:
        raise ValueError(f"{model.name} is not the model of a run")
    data = model.run.data
    state = f"{read_state(os.fsencode(data.root), recipes.of(data))} {' '.join(run_data.find_changes(data))}"
    return str(model.folder), model_registry.read_digest(model), state


def find_record(model: model_registry.Model) -> "Record | None":
    """How the threshold of a model was chosen; its files are read once for each of their states."""
    return read_record(str(model.folder), model_registry.read_digest(model))


@st.cache_data(max_entries=32, show_spinner=False)
def read_record(folder: str, digest: str) -> "Record | None":
    """The same of the checkpoint folder with this digest."""
    from unet_core.evaluation.tuning import frozen

    return frozen.read_record(Path(folder))


def restart() -> None:
    """Called by the button after a cancelled job."""
    st.session_state.pop("threshold_job", None)


def show_messages(model: model_registry.Model, study: "Study") -> None:
    """What came of the latest change, how the model's threshold was chosen, and what is to be known of the data."""
    if message := st.session_state.pop(MESSAGE, ""):
        widgets.show_error(message)
    if (record := find_record(model)) is not None:
        st.success(plain(record.sentence), icon=":material/lock:")
    if study.is_binary and study.caution:
        widgets.show_warning(study.caution)
    if study.is_binary and study.test is None:
        st.info(
            "This run has no test images, so the gain is not checked on images that the threshold was not chosen on. "
            "Train with a test split to report it.",
            icon=":material/info:",
        )


def show_study(model: model_registry.Model, job: ThresholdJob) -> None:
    """The curve with its slider, and whether probabilities mean what they say."""
    study = job.study
    if not study.is_binary:
        st.info(
            f"This model has {study.config.num_classes} classes: each pixel gets the most probable one, so there is no "
            "threshold to choose.",
            icon=":material/info:",
        )
        calibration.show(study, model.name, None)
        return
    name = f"{model.folder} {study.config.threshold}"
    if st.session_state.get("tuned_model") != name or SLIDER not in st.session_state:  # dropped by another view
        st.session_state.update({"tuned_model": name, SLIDER: max(study.current, STEP)})
    show_choice(model, job)


@st.fragment
def show_choice(model: model_registry.Model, job: ThresholdJob) -> None:
    """Only this part runs again when the threshold is dragged: every number is answered from counts."""
    from unet_core.evaluation.tuning.regions import REGION_THRESHOLDS
    from unet_core.evaluation.tuning.study import describe_loss

    if st.session_state.pop(CHANGED, False):
        st.rerun()
    study = job.study
    part = study.validation
    regions = part.regions
    metrics = [name for name in TUNED_METRICS if name != "v_rand" or regions is not None]
    with st.container(horizontal=True, vertical_alignment="bottom", key="threshold_bar"):
        metric = st.selectbox("Choose by", metrics, format_func=TUNED_METRICS.labels.__getitem__, key=METRIC, width=240)
        pooled = st.toggle(
            "Pooled", key=POOLED, help="All pixels counted together, in place of the mean over images.", value=False
        )
        best = study.best(metric, pooled)
        st.button(
            f"Best ({best:g})",
            key="threshold_best",
            icon=":material/target:",
            help=f"The threshold with the highest score on the {len(part.names)} {study.chosen_on}.",
            on_click=st.session_state.update,
            kwargs={SLIDER: best},
        )
        selected = read_slider(study)
        show_actions(model, job, selected, metric)
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        st.slider("Threshold", STEP, 1 - STEP, step=STEP, format="%.3f", key=SLIDER)
        marks = [("model", study.config.threshold), ("selected", selected)]
        chart_view.show_chart(
            threshold_charts.draw_curve(
                part.curve, pooled, None if regions is None else (REGION_THRESHOLDS, regions), marks
            ),
            "threshold_curve",
            f"{model.name}-threshold",
            f"Scores of the {len(part.names)} {study.chosen_on} against the threshold",
        )
    with right:
        if loss := describe_loss(study, metric, best):
            widgets.show_warning(f"Best is {best:g}. {loss}")
        record = find_record(model)
        base = study.current if record is None else record.trained
        show_scores("Validation", f"{len(part.names)} {study.chosen_on}", part, base, selected, pooled)
        if (test := study.test) is not None:
            words = f"{len(test.names)} images that nothing was chosen on"
            show_scores("Test", words, test, base, selected, pooled)
    best_settings.show(job, metric, is_own(model), partial(freeze_searched, model, job))
    calibration.show(study, model.name, selected)


def read_slider(study: "Study") -> float:
    """The threshold of the slider, exactly one of the grid."""
    return round(float(st.session_state.get(SLIDER, study.current)) / STEP) / round(1 / STEP)


def show_actions(model: model_registry.Model, job: ThresholdJob, selected: float, metric: str) -> None:
    """The buttons that change the checkpoint, for those who may change its run."""
    may_change = is_own(model)
    st.button(
        "Use this threshold",
        key="threshold_use",
        type="primary",
        icon=":material/lock:",
        disabled=not may_change or math.isclose(selected, job.study.config.threshold),
        help="Written into the checkpoint with the date and the scores: prediction, evaluation and exports use it."
        if may_change
        else "Only the owner of a run may change it.",
        on_click=use,
        args=(model, job, metric),
    )
    record = find_record(model)
    if record is not None:
        st.button(
            f"Back to {record.trained:g}",
            key="threshold_back",
            icon=":material/undo:",
            disabled=not may_change,
            help="The threshold of the training.",
            on_click=take_back,
            args=(model, job),
        )


def is_own(model: model_registry.Model) -> bool:
    """Whether who looks may change the run of a model."""
    return model.run is not None and owners.is_own(model.run.folder)


def use(model: model_registry.Model, job: ThresholdJob, metric: str) -> None:
    """Called by the button: freeze the threshold of the slider."""
    freeze(model, job, read_slider(job.study), metric)


def freeze(
    model: model_registry.Model, job: ThresholdJob, limit: float, metric: str, searched: "Candidate | None" = None
) -> None:
    """Write a threshold into the checkpoint; `searched` is what a search gave it with."""
    from unet_core.evaluation.tuning import frozen

    try:
        frozen.freeze(model.folder, job.study, limit, metric, model.run, searched)
    except UnetError as error:
        st.session_state[MESSAGE] = str(error)
    follow_model(model, job)


def freeze_searched(model: model_registry.Model, job: ThresholdJob, metric: str, best: "Candidate") -> None:
    """Called by the button of a search by `metric`: its threshold, with what it was found with."""
    freeze(model, job, best.threshold, metric, best)


def take_back(model: model_registry.Model, job: ThresholdJob) -> None:
    """Called by the button: the threshold of the training again."""
    from unet_core.evaluation.tuning import frozen

    try:
        frozen.unfreeze(model.folder, model.run)
    except UnetError as error:
        st.session_state[MESSAGE] = str(error)
    follow_model(model, job)


def follow_model(model: model_registry.Model, job: ThresholdJob) -> None:
    """The study of the same weights with the threshold that they have now: nothing is counted again."""
    from unet_core.models.checkpoint import load_config

    config: ModelConfig = load_config(model.folder)
    job.follow_model(config)
    finished(*request_for(model))["job"] = job
    st.session_state[CHANGED] = True
