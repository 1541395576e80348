"""The view "Errors": where the missing Dice went, the images that lose most by a cause, suspected label errors."""

import streamlit as st

from pages.server.analysis import pictures
from pages.server.analysis.causes_job import CausesJob
from pages.server.background_job import CANCELLED
from pages.ui.figures import analysis_charts, chart_view
from pages.ui.formatting import key_text, plain, score_text
from pages.views.evaluate import errors, table
from pages.views.evaluate.analysis import jobs, suspects
from pages.views.evaluate.state import Evaluation
from unet_core.evaluation.analysis.causes import LABELS, describe_losses
from unet_core.evaluation.error_analysis import ErrorAnalysis
from unet_core.io.filenames import readable

CAUSES, SUSPECTS = "By cause", "Suspected label errors"
JOB = "causes_job"
PAGE = 12
WIDTH = 190  # pixels of a thumbnail
LONGEST = 40  # letters of a name; they wrap
OPENED = "fault_opened"  # in the session: the image that the user chose in one of the lists


def show(evaluation: Evaluation) -> None:
    """One of the two lists, and below it the image that was opened."""
    chosen = st.segmented_control(
        "List",
        [CAUSES, SUSPECTS],
        default=CAUSES,
        key="errors_list",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
        on_change=st.session_state.pop,
        args=(OPENED, None),
    )
    with st.container():
        if chosen == SUSPECTS:
            suspects.show(evaluation, open_image)
        else:
            show_causes(evaluation)
    with st.container():
        show_opened(evaluation)


def show_causes(evaluation: Evaluation) -> None:
    """The analysis of the scored images, which starts by itself: it needs no prediction."""
    scoring = evaluation.scoring
    job = jobs.find(scoring, JOB, CausesJob) or jobs.start(scoring, JOB, lambda: CausesJob(scoring.scores))
    if not jobs.follow(scoring, JOB, job):
        jobs.show_cancelled(job)
        if job.state == CANCELLED:
            st.button("Analyze the rest", key="causes_again", on_click=st.session_state.pop, args=(JOB, None))
        return
    shares = job.shares
    sentence = describe_losses(shares)
    st.markdown(sentence)
    if not sum(shares.values()) > 0:
        return
    chart_view.show_chart(
        analysis_charts.draw_losses(shares, LABELS), "losses", f"{evaluation.model.name}-errors", sentence
    )
    show_gallery(evaluation, job)


def show_gallery(evaluation: Evaluation, job: CausesJob) -> None:
    """The images that lose most by the chosen cause, a page of them."""
    analyses, shares, images = job.analyses, job.shares, job.ranked
    causes = sorted((cause for cause in LABELS if images[cause]), key=lambda cause: -shares[cause])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cause = st.selectbox(
            "Images that lose most to",
            causes,
            format_func=lambda name: f"{LABELS[name]} ({shares[name]:.3f})",
            key="cause",
            width=300,
            help="In parentheses: the Dice that it costs on average over all images.",
        )
        names = images[cause]
        st.caption(f"{len(names):,} of {len(analyses):,} images have this fault.", width="content")
    pages = -(-len(names) // PAGE)
    number = min(st.session_state.get(f"causes_page {cause}") or 1, pages)
    shown = names[(number - 1) * PAGE : number * PAGE]
    scores = evaluation.scoring.scores
    with st.container(horizontal=True, key="causes_grid"):
        for name, picture in zip(shown, pictures.make_thumbnails(scores, shown), strict=True):
            with st.container(width=WIDTH, gap="xxsmall", key=f"fault {key_text(name)}"):
                show_cell(name, picture, analyses[name], cause)
    st.caption("Green: true positive. Red: false positive. Blue: false negative.")
    if pages > 1:
        st.pagination(pages, key=f"causes_page {cause}")


def show_cell(name: str, picture: bytes, analysis: ErrorAnalysis, cause: str) -> None:
    """The image with its errors, a button with its name that opens it, its sentence."""
    if picture:
        st.image(picture, width=WIDTH, alt=f"{readable(name)} with its errors")
    else:
        st.caption(":material/broken_image: The image cannot be read any more.")
    st.button(
        plain(shorten(readable(name))),
        key=f"open fault {key_text(name)}",
        type="tertiary",
        help=plain(readable(name)),
        on_click=open_image,
        args=(name,),
        wrap=True,
    )
    st.caption(f"**−{score_text(analysis.shares[cause])}** · {plain(analysis.sentence)}")


def shorten(name: str) -> str:
    """The end of a long name, which tells images apart.

    >>> shorten("a" * 50 + "_1")[:2], shorten("cells_1")
    ('…a', 'cells_1')
    """
    return name if len(name) <= LONGEST else f"…{name[-LONGEST:]}"


def open_image(name: str) -> None:
    """Called by a button or a row: this image is shown below, and in the view of images."""
    st.session_state[table.SHOWN] = name
    st.session_state[table.TIMES] = st.session_state.get(table.TIMES, 0) + 1
    st.session_state[OPENED] = name


def show_opened(evaluation: Evaluation) -> None:
    """The image that was opened, in the viewer."""
    name = st.session_state.get(OPENED)
    if name in evaluation.scoring.scores.samples:
        params = table.predict_params(evaluation.model.name, name, evaluation.dataset)
        errors.show(evaluation.model, evaluation.scoring.scores, name, params)
