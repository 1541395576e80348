"""More labels or a better model? Runs on shares of the images, their Dice, and what more images may gain."""

from collections.abc import Sequence

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.figures import chart_view, experiment_charts
from pages.ui.formatting import plain
from pages.views.compare import experiment
from pages.views.train.sweep_results import POLL_SECONDS
from unet_core.errors import UnetError
from unet_core.experiments import learning_curve
from unet_core.experiments.learning_curve import CAUTION, SHARES, LearningCurve, Point
from unet_core.experiments.series import Score
from unet_core.runs import run as runs

CHOSEN = "learning_curve"  # key of the menu, and its name in the address


def show(existing: Sequence[runs.Run]) -> None:
    """The form of a new learning curve, and the results of the chosen one."""
    names = learning_curve.names(runs_dir())
    with st.expander("New learning curve", icon=":material/add:", expanded=not names, key="labels_new"):
        shares = ", ".join(f"{100 * share:g}" for share in SHARES)
        st.markdown(
            f"Trains on {shares} % of the training images, all scored on **the same validation images**. Each run "
            "takes about as many steps, so smaller shares have more epochs."
        )
        start(existing)
    with st.container(key="labels_results"):
        if not names:
            return
        name = experiment.choose_series(CHOSEN, "Learning curve", names)
        members = experiment.find_members(name)
        with st.container():  # it has its place also where it is empty
            score = experiment.score_members(members)
        active, unscored = experiment.is_active(members), experiment.find_unscored(members)
        st.fragment(show_results, run_every=POLL_SECONDS if active else None)(name, score, active, unscored)


def start(existing: Sequence[runs.Run]) -> None:
    """The settings of the runs, and the button."""
    if (config := experiment.choose_settings("labels", existing, "Epochs with all images")) is None:
        return
    configs = learning_curve.configure(config)

    def queue() -> str:
        return learning_curve.start(config, SHARES, runs_dir())

    experiment.show_start("labels", f"Queue {len(configs)} runs", configs, queue, CHOSEN)


@st.cache_data(max_entries=16, show_spinner=False)
def read_curve(name: str, state: str, _score: Score) -> LearningCurve:
    """The curve with its extrapolation, which takes a second; `state` changes with what is known of its runs."""
    curve = learning_curve.read(name, runs_dir(), _score)
    _ = curve.extrapolation  # kept with it
    return curve


def show_results(name: str, score: Score, was_active: bool, unscored: Sequence[str]) -> None:
    """The table, the chart and the sentence, updated every two seconds while a run waits or trains."""
    members = experiment.find_members(name)
    active = experiment.is_active(members)
    missing = experiment.find_unscored(members)
    if was_active and (not active or set(missing) - set(unscored)):
        st.rerun()  # the whole page: there is something to score, or nothing left to wait for
    state = f"{runs_dir()} {[(run.id, run.state().value, run.has_split) for run in members]} {missing}"
    try:
        curve = learning_curve.read(name, runs_dir(), score) if missing else read_curve(name, state, score)
    except UnetError as error:
        widgets.show_error(error)
        return
    st.markdown(f"**{len(curve.scored)} of {len(curve.points)}** runs finished and scored")
    if len(curve.scored) == len(curve.points) or curve.extrapolation is not None:
        fitted = curve.extrapolation
        show_sentence = st.info if fitted is not None and not fitted.distrust else st.warning
        show_sentence(plain(curve.sentence), icon=":material/trending_up:")
    show_table(curve)
    experiment.show_problems(curve.problems, active)
    if curve.scored:
        figure = experiment_charts.draw_learning_curve(curve)
        alt = "Dice of the validation images against the number of training images"
        chart_view.show_chart(figure, "labels_chart", name, alt)
        st.caption(CAUTION)


def show_table(curve: LearningCurve) -> None:
    """A row for each run."""
    st.dataframe(
        [_row(point) for point in curve.points],
        hide_index=True,
        key="labels_table",
        placeholder="–",
        alt="The runs with their training images, state and scores",
        column_config={
            "share": st.column_config.NumberColumn("Share", format="percent"),
            "images": st.column_config.NumberColumn("Training images"),
            "state": st.column_config.TextColumn("State"),
            "dice": st.column_config.ProgressColumn("Mean Dice", format="%.3f", min_value=0, max_value=1),
            "low": st.column_config.NumberColumn("95 % from", format="%.3f"),
            "high": st.column_config.NumberColumn("to", format="%.3f"),
            "run": st.column_config.LinkColumn("Run", display_text="open"),
        },
    )


def _row(point: Point) -> dict[str, object]:
    row: dict[str, object] = {"share": point.share, "images": point.images}
    row |= {"state": experiment.describe_state(point.run, point.state)} | dict.fromkeys(("dice", "low", "high"))
    if (summary := point.summary) is not None:
        row |= {"dice": summary.mean["dice"]}
        if not summary.bound.too_few:
            row |= {"low": summary.bound.low, "high": summary.bound.high}
    return row | {"run": f"/train?view=Live&run={point.run.id}"}
