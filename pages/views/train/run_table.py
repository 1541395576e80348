"""The table of all runs; for the selected one its name and note, and buttons to open, copy, download or delete it."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server import run_feed
from pages.server.paths import is_public, runs_dir, shown
from pages.ui import dataset_picker, undo, visitor, widgets
from pages.ui.formatting import duration_text, plain
from pages.ui.settings import values_of
from pages.views.compare import side_by_side
from pages.views.train import LIVE, RUNS, form
from pages.views.train.live_run import TRAINING_TIME
from unet_core.config import reproduce
from unet_core.config.schema import RunConfig
from unet_core.errors import RunError, UnetError
from unet_core.io import owners
from unet_core.runs import manage
from unet_core.runs import run as runs
from unet_core.runs.manage import Notes

MEBI = 2**20
SELECTED, IN_ADDRESS = "runs", "runs_in_address"  # in the address; in the session: what it named at the first visit
MOST_SETTINGS = 6  # changed settings that the table lists


@st.cache_data(max_entries=512, ttl=60, show_spinner=False)
def folder_mib(folder: str, changed: float) -> float:
    """The size of a run in MiB; measured again where its events have grown (`changed`), and after a minute."""
    return manage.size(runs.Run(Path(folder))) / MEBI


def row(run: runs.Run, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The row of a run in the table, where datasets have `names` by their folders.

    None where it cannot be read, for example because it is being deleted.
    """
    try:
        config, history = run.config, run_feed.history(run)
        notes, best = manage.notes(run), history.best
        changed = run.events.stat().st_mtime if run.events.exists() else 0.0
    except (RunError, OSError):
        return None
    settings = [
        f"{widgets.label_of(name)}: {value}"
        for name, value in reproduce.changed_settings(config).items()
        if name not in ("threads", "device")
    ]
    return {
        "name": notes.name or run.id,
        "state": run.state().value,
        "data": names.get(config.data.root) or Path(config.data.root).name,
        "val_dice": best.val_dice if best else None,
        "val_iou": best.val_iou if best else None,
        "epochs": f"{len(history.epochs)} of {history.started.epochs if history.started else config.train.epochs}",
        "duration": duration_text(history.training_seconds),
        "settings": ", ".join(settings[:MOST_SETTINGS]),
        "note": notes.note,
        "size": folder_mib(str(run.folder), changed),
        "started": datetime.fromtimestamp(history.started_at) if history.started_at else None,
        "id": run.id,
    }


def show() -> None:
    """The table, and the panel of the selected row."""
    undo.show("run")
    names = dataset_picker.names_by_root()
    listed = [(run, values) for run in runs.find(runs_dir()) if (values := row(run, names))]
    if not listed:
        st.info("No runs yet. Every run that you start is listed here.", icon=":material/history:")
        show_trash()
        return
    event = st.dataframe(
        [values for _, values in listed],
        key="runs_table",
        placeholder="–",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows_of_address([run.id for run, _ in listed])}},
        column_config={
            "name": st.column_config.TextColumn("Name", width="medium", pinned=True),
            "state": st.column_config.TextColumn("State"),
            "data": st.column_config.TextColumn("Dataset"),
            "val_dice": st.column_config.ProgressColumn("Best Dice", format="%.3f", min_value=0, max_value=1),
            "val_iou": st.column_config.ProgressColumn("IoU at best", format="%.3f", min_value=0, max_value=1),
            "epochs": st.column_config.TextColumn("Epochs"),
            "duration": st.column_config.TextColumn("Training time", help=TRAINING_TIME),
            "note": st.column_config.TextColumn("Note", width="medium"),
            "settings": st.column_config.TextColumn("Changed settings", width="medium"),
            "size": st.column_config.NumberColumn("Size", format="%.1f MiB"),
            "started": st.column_config.DatetimeColumn("Started", format="YYYY-MM-DD HH:mm"),
            "id": st.column_config.TextColumn("ID", width="medium"),
        },
        alt=f"Table of {len(listed)} runs",
    )
    total = sum(values["size"] for _, values in listed)
    number = "1 run" if len(listed) == 1 else f"{len(listed)} runs"
    st.caption(
        f"{number}, {total:,.0f} MiB{'' if is_public() else f' in {plain(str(runs_dir()))}'}. "
        "Select a row to open, rename, copy, download or delete the run, two or more to compare them."
    )
    if message := st.session_state.pop("runs_error", None):
        widgets.show_error(message)
    selected = [listed[index][0] for index in event.selection.rows if index < len(listed)]
    write_address([run.id for run in selected])
    if len(selected) == 1:
        panel(selected[0])
    elif selected:
        compare(selected)
    show_trash()


def compare(selected: Sequence[runs.Run]) -> None:
    """The selected runs side by side, and the link to the page that compares."""
    ids = ",".join(run.id for run in selected)
    with st.container(border=True, key="run_compare"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Compare {len(selected)} runs**", width="stretch")
            st.page_link("compare.py", label="Compare", icon=":material/compare:", query_params={SELECTED: ids})
            show_copy_link({"view": RUNS, SELECTED: ids}, key="copy_compare")
        side_by_side.show_members(selected, "compare")


def rows_of_address(ids: list[str]) -> list[int]:
    """The rows that the address names, at the first visit: those of the runs that are still there."""
    named = st.session_state.setdefault(IN_ADDRESS, st.query_params.get(SELECTED, ""))
    return [ids.index(name) for name in named.split(",") if name in ids]


def write_address(ids: list[str]) -> None:
    """The selected runs stand in the address, so that a link or a reload shows them again."""
    if ids:
        st.query_params[SELECTED] = ",".join(ids)
    else:
        st.query_params.pop(SELECTED, None)


def show_trash() -> None:
    """The deleted runs that can be restored."""
    folder = runs_dir()
    undo.show_trash(
        "run",
        manage.deleted(folder),
        partial(manage.deleted_size, folder),
        partial(manage.restore, folder),
        partial(manage.empty_trash, folder, 0),
    )


def panel(run: runs.Run) -> None:
    """Everything that can be done with one run."""
    notes = manage.notes(run)
    with st.container(border=True, key="run_panel"):
        st.markdown(f"**{plain(manage.label(run))}**")
        with st.container(horizontal=True):
            st.button("Open", key="run_open", icon=":material/show_chart:", on_click=open_run, args=(run,))
            st.button(
                "Copy settings",
                key="run_copy",
                icon=":material/content_copy:",
                on_click=copy,
                args=(run,),
                help="Fills the form on the left with the settings of this run.",
            )
            st.download_button(
                "Download (ZIP)",
                lambda: packed(run),
                f"{run.id}.zip",
                "application/zip",
                key="run_zip",
                icon=":material/folder_zip:",
                on_click="ignore",
                help="Settings, curves, checkpoints and a few validation images; not where the dataset lies.",
            )
            if run.has_best:
                st.download_button(
                    "Download model",
                    lambda: packed(run, manage.pack_model),
                    f"{run.id}-model.zip",
                    "application/zip",
                    key="run_model",
                    icon=":material/download:",
                    on_click="ignore",
                    help="The best checkpoint alone: all that is needed to predict.",
                )
            if is_own := owners.is_own(run.folder):
                deletion(run)
        if is_own:
            write_notes(run, notes)
        else:
            st.caption(visitor.OF_SERVER)
        with st.expander("Show code", icon=":material/code:"):
            st.caption("Reproduce this run from the command line or from Python:")
            try:
                config = run.repeatable
                named = {name: shown(values_of(config)[name]) for name in ("root", "recipe", "init")}
                config = config.replace(**named)
                st.code(reproduce.command_line(config), language="bash", wrap_lines=True)
                st.code(reproduce.python_code(config), language="python")
            except UnetError as error:  # its settings cannot be read
                widgets.show_error(error)


def write_notes(run: runs.Run, notes: Notes) -> None:
    """The form of the name and the note."""
    with st.form(f"notes-{run.id}", border=False):
        name = st.text_input("Name", notes.name, max_chars=manage.LONGEST_NAME, placeholder=run.id)
        note = st.text_area("Note", notes.note, max_chars=manage.LONGEST_NOTE, height=80)
        if st.form_submit_button("Save", icon=":material/save:", key="keep_notes"):
            try:
                manage.write_notes(run, Notes(name, note))
                st.rerun()
            except UnetError as error:
                widgets.show_error(error)


def deletion(run: runs.Run) -> None:
    """The button opens a question; the button in it deletes."""
    active = run.state().active
    with st.popover(
        "Delete…",
        icon=":material/delete:",
        disabled=active,
        help="Stop the run first." if active else None,
        key="run_delete",
    ):
        size = manage.size(run) / MEBI
        st.markdown(
            f"Delete {plain(manage.label(run))} with its checkpoints and curves ({size:.1f} MiB)? It can be restored "
            f"for {manage.KEPT}."
        )
        st.button("Delete", key="run_delete_sure", type="primary", on_click=delete, args=(run,))


def delete(run: runs.Run) -> None:
    """Called by the button in the question."""
    label = manage.label(run)
    try:
        removed = manage.delete(run)
    except UnetError as error:
        st.session_state["runs_error"] = str(error)
        return
    if removed is not None:
        undo.remember("run", f"Run {label} deleted", partial(manage.restore, runs_dir(), removed.key))
    if st.session_state.get("run") == run.id:
        st.session_state.pop("run")


def open_run(run: runs.Run) -> None:
    """Called by the button: the curves of this run."""
    st.session_state.update(run=run.id, view=LIVE)


def copy(run: runs.Run) -> None:
    """Called by the button, before the form is drawn: it gets the settings of a run, with its dataset."""
    try:
        config: RunConfig = run.repeatable
    except UnetError as error:
        st.session_state["runs_error"] = str(error)
        return
    form.fill(config)
    st.session_state["recipe"] = config.data.recipe
    dataset_picker.select_path(config.data.root)
    st.toast("Settings copied to the form.", icon=":material/content_copy:")


def packed(run: runs.Run, pack: Callable[[runs.Run, Path], None] = manage.pack) -> bytes:
    """The run, or its model, as a ZIP file, written to disk when it is requested."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.zip"
        pack(run, path)
        return path.read_bytes()
