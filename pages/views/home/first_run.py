"""The guide of the first run on Home: data, training, masks and scores, each step with its state; it can be skipped.

It is shown until there is a second run, and not again once it was finished or skipped. A server for everybody remembers
that for the visit alone, a local one beside its runs.
"""

import contextlib
from pathlib import Path

import streamlit as st

from pages.server import paths, run_feed
from pages.ui import addresses, dataset_picker, widgets
from pages.ui.formatting import plain, score_text
from pages.views.predict import uploads
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.io import owners
from unet_core.runs import run as runs
from unet_core.training import launch

OVER = "guide_over"  # in the session, and the name of an empty file beside the runs: finished or skipped
SHOWN = "guide_shown"  # in the session: whether the visitor has the guide, and gets its hints
VISITED = "guide_visited"  # in the session: the pages of the last step that were opened from here
ERROR = "guide_error"  # in the session: why training did not start; shown once
DONE, NOW, LATER = "Done", "Now", "Later"
ICONS = {
    DONE: ":green[:material/check_circle:]",
    NOW: ":blue[:material/arrow_forward:]",
    LATER: ":gray[:material/circle:]",
}
LAST_STEP = {"predict": "See masks", "evaluate": "Read the scores"}
HINTS = {
    "train": "Guide, step 2 of 3: wait for the first epoch, then click **Predict with this model** to see masks.",
    "predict": "Guide, step 3 of 3: move the threshold and see the mask change. **Evaluate** has the scores.",
}


def show() -> None:
    """The guide, or nothing."""
    existing = _find_runs()
    if not _is_wanted(existing):
        return
    st.session_state[SHOWN] = True
    with st.container(border=True, key="guide"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header("Your first model in three steps", anchor=False)
            label, icon = ("Close the guide", "check") if _is_finished() else ("Skip the guide", "close")
            st.button(label, key="guide_end", type="tertiary", icon=f":material/{icon}:", on_click=_end)
        run = existing[0] if existing else None
        is_active = run is not None and run.state().active
        st.fragment(_show_steps, run_every=1.0 if is_active else None)(run, is_active)


def show_hint(page: str) -> None:
    """On another page: what comes next, for who came from the guide."""
    if st.session_state.get(SHOWN) and _is_wanted(_find_runs()):
        st.caption(HINTS[page])


def _find_runs() -> list[runs.Run]:
    """The runs that the guide speaks of, newest first; never those of other visitors."""
    return [run for run in runs.find(paths.runs_dir()) if owners.is_own(run.folder)]


def _is_wanted(existing: list[runs.Run]) -> bool:
    is_over = st.session_state.get(OVER) or (paths.runs_dir() / OVER).is_file()
    return not is_over and len(existing) <= 1


def _is_finished() -> bool:
    return set(st.session_state.get(VISITED, ())) == set(LAST_STEP)


def _end() -> None:
    """Called by the button."""
    st.session_state[OVER] = True
    if paths.data_root() is not None:  # of one person or group, not of everybody
        with contextlib.suppress(OSError):  # then for this visit alone
            paths.runs_dir().mkdir(parents=True, exist_ok=True)
            (paths.runs_dir() / OVER).touch()


def _show_steps(run: runs.Run | None, was_active: bool) -> None:
    """The three steps beside each other. Runs once a second while the model trains."""
    if run is not None and run.state().active != was_active:
        st.rerun()
    is_trained = run is not None and run.has_best
    last = LATER if not is_trained else DONE if _is_finished() else NOW
    steps = (
        ("Choose data", DONE, _show_data),
        ("Train", DONE if is_trained else NOW, _show_training),
        ("See masks and scores", last, _show_results),
    )
    for number, (column, (title, state, show_step)) in enumerate(zip(st.columns(3), steps, strict=True), start=1):
        with column.container(border=True, height="stretch", key=f"guide_step_{number}"):
            st.markdown(f"{ICONS[state]} **{number} · {title}** ({state.lower()})")
            show_step(run)


def _show_data(run: runs.Run | None) -> None:
    name = _name_dataset(run)
    if name == dataset_picker.SAMPLE:
        st.markdown("The built-in sample: 48 images of nuclei with their masks. Or use images of your own.")
    else:
        st.markdown(f"The dataset **{plain(name)}**.")
    st.page_link("data.py", label="Add your own images", icon=":material/add_photo_alternate:")


def _name_dataset(run: runs.Run | None) -> str:
    """The dataset of the run, else the one that is chosen."""
    if run is not None:
        with contextlib.suppress(UnetError):
            root = Path(run.config.data.root)
            return dataset_picker.name_of(root) or root.name
    return st.session_state.get(dataset_picker.CHOICE) or dataset_picker.SAMPLE


def _show_training(run: runs.Run | None) -> None:
    if message := st.session_state.pop(ERROR, None):
        widgets.show_error(message)
    if run is not None:
        _show_progress(run)
    elif (name := _name_dataset(run)) == dataset_picker.SAMPLE:
        st.markdown("One click: the settings are good for a start. It takes about two minutes.")
        st.button(
            "Start training on the sample",
            key="guide_start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
        )
    else:
        st.markdown("The settings suggested for your images are a good start.")
        st.page_link(
            "train.py",
            label=f"Train on {plain(name)}",
            icon=":material/model_training:",
            query_params={dataset_picker.KEY: name},
        )


def _start() -> None:
    """Called by the button."""
    try:
        launch.launch(RunConfig().replace(root=str(paths.sample_data().resolve())), paths.runs_dir())
    except UnetError as error:
        st.session_state[ERROR] = str(error)


def _show_progress(run: runs.Run) -> None:
    """How far the run is, and its curves."""
    history, state = run_feed.history(run), run.state()
    done, total = len(history.epochs), history.total_epochs
    if state.active:
        text = f"Epoch {min(done + 1, total)} of {total}" if history.started else "Reading the images…"
        st.progress(done / total if total else 0.0, text)
    else:
        st.markdown(f"Training is {state.value}, after {done} of {total} epochs." if total else f"Run: {state.value}.")
    if history.best is not None:
        st.caption(f"Best Dice on validation images: {score_text(history.best.val_dice)}")
    st.page_link(
        "train.py", label="Watch the curves", icon=":material/show_chart:", query_params={addresses.MODEL: run.id}
    )


def _show_results(run: runs.Run | None) -> None:
    st.markdown("Masks of images that the model was not trained on, and how well they match the ground truth.")
    is_trained = run is not None and run.has_best
    if not is_trained:
        st.caption("Available after the first epoch of training.")
    visited = st.session_state.get(VISITED, ())
    with st.container(horizontal=True):
        for page, label in LAST_STEP.items():
            if st.button(
                label,
                key=f"guide_{page}",
                type="primary" if is_trained and page == "predict" else "secondary",
                icon=":material/check:" if page in visited else None,
                disabled=not is_trained,
            ):
                assert run is not None  # the button was enabled
                st.session_state[VISITED] = sorted({*visited, page})
                query = {addresses.MODEL: run.id} | ({"example": uploads.ALL} if page == "predict" else {})
                st.switch_page(f"{page}.py", query_params=query)
