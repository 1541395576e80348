"""k-fold cross-validation: its runs, the table of folds, what they say together, and their ensemble as a model."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.server.paths import models_dir, runs_dir
from pages.server.visitors import quotas
from pages.ui import addresses, widgets
from pages.ui.figures import chart_view, experiment_charts
from pages.ui.formatting import plain, score_text
from pages.views.compare import experiment
from pages.views.train.sweep_results import POLL_SECONDS
from unet_core.errors import UnetError
from unet_core.experiments import cross_validation, ensembles
from unet_core.experiments.cross_validation import COLUMNS, UNSEEN, CrossValidation, Fold
from unet_core.experiments.series import Score
from unet_core.io.filenames import safe_name
from unet_core.runs import run as runs

FOLDS = 5
CHOSEN = "cross_validation"  # key of the menu, and its name in the address


def show(existing: Sequence[runs.Run]) -> None:
    """The form of a new cross-validation, and the results of the chosen one."""
    names = cross_validation.names(runs_dir())
    with st.expander("New cross-validation", icon=":material/add:", expanded=not names, key="folds_new"):
        st.markdown("Trains a run for each fold. **Every image validates in exactly one**, groups stay together.")
        start(existing)
    with st.container(key="folds_results"):
        if not names:
            return
        name = experiment.choose_series(CHOSEN, "Cross-validation", names)
        members = experiment.find_members(name)
        with st.container():  # it has its place also where it is empty
            score = experiment.score_members(members)
        active, unscored = experiment.is_active(members), experiment.find_unscored(members)
        st.fragment(show_results, run_every=POLL_SECONDS if active else None)(name, score, active, unscored)


def start(existing: Sequence[runs.Run]) -> None:
    """The number of folds, the settings of their runs, and the button."""

    def choose_number() -> None:
        text = "As many runs, each of which validates on one fold and trains on the others."
        st.number_input("Folds", 2, 20, FOLDS, key="folds_number", width=140, help=text)

    config = experiment.choose_settings("folds", existing, "Epochs of each run", choose_number)
    if config is None:
        return
    number = st.session_state["folds_number"]
    configs = cross_validation.configure(config, int(number))

    def queue() -> str:
        return cross_validation.start(config, int(number), runs_dir())

    experiment.show_start("folds", f"Queue {number} folds", configs, queue, CHOSEN)


def show_results(name: str, score: Score, was_active: bool, unscored: Sequence[str]) -> None:
    """The table and what it says, updated every two seconds while a fold waits or trains."""
    members = experiment.find_members(name)
    active = experiment.is_active(members)
    if was_active and (not active or set(experiment.find_unscored(members)) - set(unscored)):
        st.rerun()  # the whole page: there is something to score, or nothing left to wait for
    try:
        table = cross_validation.read(name, runs_dir(), score)
    except UnetError as error:
        widgets.show_error(error)
        return
    finished = [fold for fold in table.folds if fold.summary is not None]
    st.markdown(f"**{len(finished)} of {len(table.folds)}** folds finished and scored")
    show_table(table)
    experiment.show_problems(table.problems, active)
    if not finished:
        return
    show_totals(table)
    figure = experiment_charts.draw_folds(table)
    chart_view.show_chart(figure, "folds_chart", name, "The Dice of the images of each fold, as a box for each")
    if not active:
        show_ensemble(name, table, [fold.run for fold in finished if fold.run is not None])


def show_table(table: CrossValidation) -> None:
    """A row for each fold."""
    score = st.column_config.ProgressColumn
    st.dataframe(
        [_row(fold) for fold in table.folds],
        hide_index=True,
        key="folds_table",
        placeholder="–",
        alt="The folds with their state and scores",
        column_config={
            "fold": st.column_config.NumberColumn("Fold"),
            "state": st.column_config.TextColumn("State"),
            "images": st.column_config.NumberColumn("Images"),
            "dice": score("Mean Dice", format="%.3f", min_value=0, max_value=1),
            "iou": score("Mean IoU", format="%.3f", min_value=0, max_value=1),
            "pooled": score("Pooled Dice", format="%.3f", min_value=0, max_value=1),
            "run": st.column_config.LinkColumn("Run", display_text="open"),
        },
    )


def _row(fold: Fold) -> dict[str, object]:
    row: dict[str, object] = {"fold": fold.number, "state": experiment.describe_state(fold.run, fold.state)}
    row |= dict.fromkeys(("images", "dice", "iou", "pooled"))
    if (summary := fold.summary) is not None:
        row |= {"images": summary.images, "dice": summary.mean["dice"], "iou": summary.mean["iou"]}
        row |= {"pooled": summary.pooled["dice"]}
    return row | {"run": fold.run and f"/train?view=Live&run={fold.run.id}"}


def show_totals(table: CrossValidation) -> None:
    """Mean and spread over folds, and all images together."""
    tiles = {}
    for column, spread in table.spread.items():
        value = score_text(spread.mean) + (f" ± {spread.sd:.3f}" if spread.folds > 1 else "")
        sentence = f"Mean ± standard deviation of {spread.folds} folds; {spread.low:.3f} to {spread.high:.3f}."
        tiles[f"{COLUMNS[column]} over folds"] = (value, sentence)
    if (summary := table.summary) is not None:
        bound = summary.bound
        interval = "under 15 images" if bound.too_few else f"{bound.low:.3f} to {bound.high:.3f}"
        tiles[f"Dice of all {summary.images} images"] = (score_text(summary.mean["dice"]), UNSEEN)
        tiles["95 % interval"] = (interval, "Of the mean Dice of images of which these are a random sample.")
        tiles["Pooled Dice"] = (score_text(summary.pooled["dice"]), "All pixels of all images counted together.")
    widgets.tiles(tiles)
    st.caption(UNSEEN)


def show_ensemble(name: str, table: CrossValidation, members: Sequence[runs.Run]) -> None:
    """The button that makes one model of the folds; what is to be known of it; afterwards the links to use it."""
    folder = find_folder(name)
    with st.container(border=True, key="folds_ensemble"):
        if (folder / "model.safetensors").is_file():
            st.markdown(f"**Ensemble** {plain(folder.name)}: its members' probabilities are averaged.")
            with st.container(horizontal=True):
                for page, label, icon in (
                    ("predict", "Predict with the ensemble", ":material/image_search:"),
                    ("evaluate", "Evaluate the ensemble", ":material/analytics:"),
                ):
                    query = {addresses.MODEL: folder.name}
                    st.page_link(f"{page}.py", label=label, icon=icon, query_params=query)
        elif len(members) < 2:
            st.caption("An ensemble takes two finished folds or more.")
            return
        else:
            of_all = "" if table.is_complete else f" of {len(table.folds)}"
            label = f"Make the ensemble of {len(members)}{of_all} folds"
            if st.button(label, key="folds_make_ensemble", icon=":material/join:"):
                make(name, members, folder)
        st.caption(
            "Every image of the dataset trained some member, so the dataset cannot score the ensemble. Use images that "
            "no member has seen, or quote the table above."
        )


def find_folder(name: str) -> Path:
    """Where the ensemble of a cross-validation is kept: among the added models of who acts."""
    return models_dir() / f"ensemble-{safe_name(name).replace('/', '_')}"


def make(name: str, members: Sequence[runs.Run], folder: Path) -> None:
    """Make the ensemble, within the storage of who acts."""
    try:
        size = sum((run.best / "model.safetensors").stat().st_size for run in members)
        quotas.check_room(size)
        with st.spinner("Making the ensemble…"):
            ensembles.make_ensemble([run.folder for run in members], folder, runs_dir())
    except (UnetError, OSError) as error:
        widgets.show_error(error)
    else:
        st.rerun()
