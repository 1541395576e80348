"""The view "Robustness": Dice against the severity of blur, noise and so on, and the mask of such an image."""

import streamlit as st

from pages.components import viewer
from pages.server import model_registry
from pages.server.analysis.dataset_jobs import RobustnessJob
from pages.server.background_job import DONE
from pages.ui import model_picker
from pages.ui.figures import analysis_charts, chart_view
from pages.ui.formatting import duration_text, plain, score_text
from pages.views.evaluate import errors
from pages.views.evaluate.analysis import jobs, kinds
from pages.views.evaluate.state import Evaluation
from unet_core import metrics
from unet_core.evaluation.analysis.corruptions import CORRUPTIONS, SEVERITIES, corrupt, format_level
from unet_core.evaluation.analysis.robustness import IMAGES, bring_back, describe, list_steps, to_csv
from unet_core.io.filenames import readable
from unet_core.io.pixels import Array, Pixels

JOB = "robustness_job"
ABOUT = (
    "Images are made worse in known ways, at five severities each, and predicted again. Intensities are relative to "
    "the range of each image. Severities of two corruptions cannot be compared."
)


def show(evaluation: Evaluation) -> None:
    """The button that starts it, the growing curves, one corrupted image, and the scores by kind of image."""
    st.markdown(ABOUT)
    with st.container():
        choose(evaluation)
    with st.container():  # each part has its place also where the one before is empty
        show_bench(evaluation)
    with st.container():
        kinds.show(evaluation)


def show_bench(evaluation: Evaluation) -> None:
    """What is measured so far, or the result."""
    job = jobs.find(evaluation.scoring, JOB, RobustnessJob)
    if job is None:
        return
    if not job.poll().over:
        show_progress(job)
        return
    is_done = jobs.follow(evaluation.scoring, JOB, job)
    if not is_done:
        jobs.show_cancelled(job)
    if any(point.dice.size for point in job.points()):
        show_result(evaluation, job)
        show_corrupted(evaluation, job)


def choose(evaluation: Evaluation) -> None:
    """Which corruptions, how many images, how long it takes, and the button."""
    scoring = evaluation.scoring
    most = len(scoring.scores.images)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = st.multiselect(
            "Corruptions",
            list(CORRUPTIONS),
            default=list(CORRUPTIONS),
            format_func=lambda name: CORRUPTIONS[name].label,
            key="corruptions",
            placeholder="All",
            help="\n".join(
                f"- **{entry.label}**: {entry.description} "
                f"({format_level(name, 1)} to {format_level(name, SEVERITIES)})"
                for name, entry in CORRUPTIONS.items()
            ),
        )
        names = names or list(CORRUPTIONS)
        number = int(
            st.number_input(
                "Images",
                1,
                most,
                min(IMAGES, most),
                key=f"robustness_images {most}",
                width=130,
                help="Drawn at random.",
            )
        )
        st.button(
            "Measure robustness",
            key="measure_robustness",
            type="primary",
            icon=":material/play_arrow:",
            on_click=jobs.start,
            args=(scoring, JOB, lambda: RobustnessJob(evaluation.model, scoring.scores, names, number)),
        )
    predictions = number * len(list_steps(names))
    st.caption(f"{predictions:,} predictions{jobs.estimate(scoring.scores.pace, predictions)}.")


@st.fragment(run_every=1.0)
def show_progress(job: RobustnessJob) -> None:
    """The progress bar, and the curves as they grow; the whole page runs again when it is over."""
    progress = job.poll()
    if progress.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        fraction = job.fraction
        left = f", about {duration_text(progress.seconds * (1 / fraction - 1))} left" if fraction else ""
        st.progress(fraction, plain(progress.sentence) + left, width="stretch")
        st.button("Cancel", key=f"cancel {JOB}", icon=":material/close:", on_click=job.cancel)
    points = job.points()
    if points and points[0].dice.size:
        chart_view.show_chart(
            analysis_charts.draw_robustness(points, has_intervals=False),
            "robustness_live",
            "robustness-so-far",
            "Mean Dice against severity, so far",
            has_toolbar=False,
            has_data=False,
        )


def show_result(evaluation: Evaluation, job: RobustnessJob) -> None:
    """One sentence, the curves, and the table to download."""
    points = job.points()
    sentence = describe(points)
    number = len(points[0].dice)
    left_out = job.poll().of_images - number if job.state == DONE else 0
    notes = f" {left_out} without foreground left out." if left_out else ""
    few = " Under 15 images there is no interval." if points[0].interval.too_few else ""
    st.markdown(f"**{plain(sentence)}** {number} image{'s' if number != 1 else ''}.{notes}{few}")
    chart_view.show_chart(
        analysis_charts.draw_robustness(points, has_intervals=True),
        "robustness",
        f"{evaluation.model.name}-robustness",
        sentence,
        has_data=False,
    )
    st.download_button(
        "Table (CSV)",
        lambda: to_csv(points),
        f"{evaluation.model.name}-robustness.csv",
        "text/csv",
        key="robustness_csv",
        icon=":material/download:",
        on_click="ignore",
    )


@st.fragment
def show_corrupted(evaluation: Evaluation, job: RobustnessJob) -> None:
    """One image at a chosen severity, with the errors of its mask."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(job.samples)
        name = st.selectbox("Image", names, format_func=readable, key="robustness_image", width=320)
        corruption = st.selectbox(
            "Corruption", job.names, format_func=lambda key: CORRUPTIONS[key].label, key="robustness_name", width=200
        )
        severity = st.slider("Severity", 0, SEVERITIES, 3, key="robustness_severity", width=260)
    scores = evaluation.scoring.scores
    loaded = model_picker.load_model(evaluation.model)
    image, channel_names = errors.read_image(scores.samples[name], scores.digests[name])
    fitted, _ = loaded.predictor.fit(image, channel_names, name)
    shown, mask = predict(evaluation.model, fitted, name, corruption, severity)
    truth = scores.truth(name)
    classes = loaded.predictor.model.config.num_classes
    dice = metrics.scores(metrics.count(mask, truth, classes))["dice"]
    level = format_level(corruption, severity) or "as it is"
    st.markdown(f"**{plain(name)}** · {CORRUPTIONS[corruption].label}, {level}: Dice {score_text(dice)}")
    binary = classes == 1
    viewer.show_viewer(
        shown,
        key="corrupted",
        name=name,
        mask=mask if binary else None,
        classes=None if binary else mask,
        truth=truth,
        class_names=() if binary else loaded.predictor.model.config.names,
        mode="errors",
        style="outline" if binary else "fill",
    )


def predict(
    model: model_registry.Model, image: Pixels, name: str, corruption: str, severity: int
) -> tuple[Pixels, Array]:
    """The corrupted image (H, W, C) in the size of the image, and its mask (H, W), in the queue of all predictions."""
    worse = corrupt(image, corruption, severity, name)
    predictor = model_registry.load(model).predictor
    with model_registry.DEVICE_LOCK.turn(object()):
        mask = predictor.mask(worse)
    height, width = image.shape[:2]
    return bring_back(worse, height, width), bring_back(mask, height, width)
