"""The scan of the chosen dataset: from the cache at once, else by a process of its own, with a progress bar."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.server.datasets import scans
from pages.ui import widgets
from pages.ui.formatting import duration_text, plain
from pages.views.data import state
from pages.views.data.state import Dataset
from unet_core.config.schema import DataConfig
from unet_core.data.checks import process
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.process import ScanProcess, ScanState
from unet_core.data.checks.scan import Scan
from unet_core.data.recipe.recipe import Recipe

PROCESS, LAST = "data_scan", "data_last_scans"
POLL_SECONDS = 0.5
MOST_STARTS = 2  # of one scan, where files change under it
FEW = 5  # seconds; a scan that took longer is worth a note


def find_dataset(root: Path, recipe: Recipe) -> Dataset:
    """The dataset as far as it is known, and above it the progress of a scan where one is needed. Raises DataError."""
    data, text = DataConfig(root=str(root)), recipe.to_json()
    running = follows(root, text) and find_process(root, text).poll().state is ScanState.RUNNING
    scan = None if running else scans.find(data, text)
    if scan is None:
        if not follows(root, text):
            state.forget_files()  # the files may have changed since they were last looked at
        names = list_names(root, recipe)
        started = find_process(root, text)
        if started.poll().state is ScanState.DONE:
            scan = scans.find(data, text)
        if scan is None:
            follow(started, root)
            last = st.session_state.get(LAST, {}).get(str(root))
            return Dataset(root, recipe, last or names, is_measured=last is not None, is_current=False)
    st.session_state[LAST] = {str(root): scan}
    return Dataset(root, recipe, scan)


def list_names(root: Path, recipe: Recipe) -> Scan:
    """A scan that knows no more than the names of the files. Raises DataError."""
    search = state.examine(root, recipe, "")
    facts = tuple(
        SampleFacts(
            sample.id,
            _below(root, sample.image),
            tuple(_below(root, path) for path in sample.masks),
            sample.subset or "",
            sample.group or "",
        )
        for sample in search.samples
    )
    return Scan(
        root,
        search.layout,
        search.reason,
        search.notes,
        search.candidates,
        facts,
        recipe=recipe,
        class_names=search.class_names,
        missing=search.missing,
        spare_masks=search.spare_masks,
        complete=False,
    )


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


@dataclass
class Followed:
    """The scan that a session follows: of which folder with which recipe, and how often it was started."""

    key: tuple[str, str]
    process: ScanProcess
    starts: int = 1


def follows(root: Path, recipe: str) -> bool:
    """Whether this session follows a scan of the dataset with its recipe as it is now."""
    kept = st.session_state.get(PROCESS)
    return kept is not None and kept.key == (str(root), recipe)


def find_process(root: Path, recipe: str) -> ScanProcess:
    """The scan that this session follows, started where there is none. Raises DataError."""
    if not follows(root, recipe):
        kept = st.session_state.get(PROCESS)
        if kept is not None and kept.key[0] == str(root):
            kept.process.cancel()  # it reads with the recipe of before
        st.session_state[PROCESS] = Followed((str(root), recipe), process.start(DataConfig(root=str(root))))
    followed: Followed = st.session_state[PROCESS]
    return followed.process


def follow(scan: ScanProcess, root: Path) -> None:
    """The progress of a scan, or how it ended. Where it is done, but of other files than there are now, once more."""
    progress = scan.poll()
    followed: Followed = st.session_state[PROCESS]
    if progress.state is ScanState.DONE and followed.starts < MOST_STARTS:
        followed.process, followed.starts = process.start(DataConfig(root=str(root))), followed.starts + 1
        scan, progress = followed.process, followed.process.poll()
    if progress.state is ScanState.RUNNING:
        st.fragment(show_progress, run_every=POLL_SECONDS)(scan)
        return
    if progress.state is ScanState.CANCELLED:
        st.info("The scan was canceled. What it has read stays in the cache.", icon=":material/close:")
    elif progress.state is ScanState.FAILED:
        widgets.show_error(progress.error)
    else:
        st.info("The files changed while they were scanned.", icon=":material/sync:")
    st.button("Scan again", key="scan_again", icon=":material/refresh:", on_click=start_again, args=(root,))


def show_progress(scan: ScanProcess) -> None:
    """A progress bar and a button to cancel; the whole page is drawn again when the scan is over."""
    progress = scan.poll()
    if progress.state is not ScanState.RUNNING:
        scans.forget()
        st.rerun()
    share = progress.done / progress.total if progress.total else 0.0
    text = f"Scanning image {progress.done} of {progress.total}" if progress.total else "Starting the scan…"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, share), f"{text} {plain(progress.name)}".strip(), width="stretch")
        st.button("Cancel", key="scan_cancel", icon=":material/close:", on_click=scan.cancel)


def start_again(root: Path) -> None:
    """Called by the button."""
    scans.forget()
    state.forget_files()
    st.session_state.pop(PROCESS, None)


def describe(scan: Scan) -> str:
    """When and how long, for a caption."""
    took = f" in {duration_text(scan.seconds)}" if scan.seconds >= FEW else ""
    return f"{len(scan.facts)} images scanned{took}"
