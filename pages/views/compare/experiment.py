"""What the views of experiments share: their settings, the button that queues their runs, and the scores of these."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from pages.server.background_job import CANCELLED, FAILED
from pages.server.datasets.fingerprints import find_fingerprint
from pages.server.experiments.validation_job import ValidationJob
from pages.server.paths import runs_dir
from pages.ui import dataset_picker, job_progress, widgets
from pages.ui.formatting import plain
from pages.views.train import dataset, plan, sweep, sweep_results
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data.recipe import recipes
from unet_core.errors import RunError, UnetError
from unet_core.experiments import validation
from unet_core.experiments.series import Score
from unet_core.planning import planner
from unet_core.runs import leaderboard
from unet_core.runs import run as runs
from unet_core.runs.run import RunState

SUGGESTED = "Suggested for this dataset"
JOB = "validation_job"  # in the session: (the runs that it scores, the job)


def choose_settings(
    key: str, existing: Sequence[runs.Run], epochs_label: str, first: Callable[[], object] = lambda: None
) -> RunConfig | None:
    """The dataset, the settings of each run, and their epochs; None where something is missing, which is said.

    `first` draws what stands before them in the row.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        first()
        with st.container():
            chosen = dataset_picker.choose()
        if chosen is None:
            return None
        root = chosen.root.resolve()
        alike = {run.id: run for run in existing if _is_on(run, root)}
        name = st.selectbox(
            "Settings",
            [SUGGESTED, *alike],
            key=f"{key}_settings",
            help="Those that the Train page suggests, or those of a run on this dataset.",
        )
        try:
            run = alike.get(name)
            config = run.repeatable if run is not None else suggest(root, chosen.name != dataset_picker.SAMPLE)
        except UnetError as error:
            widgets.show_error(error)
            return None
        if config is None:
            return None
        epochs = st.number_input(
            epochs_label,
            1,
            100_000,
            config.train.epochs,
            key=f"{key}_epochs {name} {chosen.name} {config.train.epochs}",
        )
    return config.replace(epochs=int(epochs), folds=0, fold=1, train_share=1.0, series="")


def _is_on(run: runs.Run, root: Path) -> bool:
    try:
        return Path(run.config.data.root) == root
    except RunError:
        return False


def suggest(root: Path, is_own: bool) -> RunConfig | None:
    """The settings that the form of Train has for a dataset when it is opened; None while it is being measured.

    Those for the built-in sample are the defaults, which were measured on it. Raises UnetError.
    """
    recipe = recipes.of(DataConfig(root=str(root)))
    config = recipes.configure(RunConfig().replace(root=str(root)), recipe)
    if not is_own:
        return config
    job = find_fingerprint(config.data, config.model.num_classes, recipe)
    job.wait(dataset.QUICK_SECONDS)
    if not job.poll().over:
        plan.follow(job)
        return None
    if job.result is None:
        raise RunError(job.error)
    return planner.apply_advice(planner.propose(job.result, plan.machine(config.train.device), config), config)


def show_start(key: str, label: str, configs: Mapping[str, RunConfig], start: Callable[[], str], menu: str) -> None:
    """The button that queues the runs; `menu` is the key of the menu in which the new series is then chosen."""
    asked = f"{key}_asked"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button(
            label,
            key=f"{key}_start",
            icon=":material/queue:",
            type="primary",
            on_click=st.session_state.update,
            kwargs={asked: True},
        )
        epochs = sum(config.train.epochs for config in configs.values())
        st.caption(f"{len(configs)} runs, {epochs} epochs in total · {sweep.estimate_time(dict(configs))}")
    if st.session_state.pop(asked, False):  # here, so that a setting that was changed with the click counts
        try:
            st.session_state[menu] = start()
        except UnetError as error:
            widgets.show_error(error)
        else:
            st.rerun()


def choose_series(key: str, label: str, names: Sequence[str]) -> str:
    """The menu of the experiments of a kind, the newest first; the choice stands in the address."""
    if st.session_state.get(key) not in names:
        st.session_state.pop(key, None)
    return str(st.selectbox(label, names, key=key, bind="query-params", help="Newest first."))


def score_members(members: Sequence[runs.Run]) -> Score:
    """Score what is finished and not scored yet, with its progress; gives what is known, for the table."""
    missing = find_unscored(members)
    kept: tuple[list[str], ValidationJob] | None = st.session_state.get(JOB)
    job = kept[1] if kept is not None and set(missing) <= set(kept[0]) else None
    if missing and (job is None or job.abandoned):
        job = ValidationJob([run for run in members if run.id in missing])
        st.session_state[JOB] = (missing, job)
        job.start()
        job.wait(dataset.QUICK_SECONDS)
    if job is None:
        return validation.read
    if not job.poll().over:
        job_progress.follow(job, "cancel_validation")
    elif job.state == FAILED:
        widgets.show_error(job.error)
    elif job.state == CANCELLED:
        st.button("Score the rest", key="score_rest", icon=":material/refresh:", on_click=_forget_job)
    return job.find


def _forget_job() -> None:
    """Called by the button after a cancelled job: another one begins where it ended."""
    st.session_state.pop(JOB, None)


def find_unscored(members: Sequence[runs.Run]) -> list[str]:
    """The ids of the finished runs whose validation images are to be scored."""
    return [run.id for run in members if run.state() is RunState.FINISHED and validation.read(run) is None]


def describe_state(run: runs.Run | None, state: str) -> str:
    """The state of a run in words; while it trains with its epoch."""
    if run is None or state not in (RunState.RUNNING, RunState.PAUSED, RunState.STOPPING):
        return state
    history = sweep_results.read_history(run)
    return f"{state}, epoch {len(history.epochs)} of {history.total_epochs}"


def show_problems(problems: Sequence[str], is_active: bool) -> None:
    """What is left out of the numbers: while runs wait or train, what is still to come; afterwards, warnings."""
    if is_active and problems:
        st.caption(plain("Left out so far: " + " ".join(problems)))
        return
    for problem in problems:
        widgets.show_warning(f"Left out: {problem}")


def is_active(members: Sequence[runs.Run]) -> bool:
    """Whether one waits or trains."""
    return any(run.state().active for run in members)


def find_members(name: str) -> list[runs.Run]:
    """The runs of a series, in the order in which they were queued."""
    return leaderboard.members(runs_dir(), name)
