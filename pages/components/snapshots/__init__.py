"""Validation predictions over epochs: the browser fetches the small images itself; its slider causes no rerun."""

from pages.components import component, program_address, source
from unet_core.runs import run as runs

_mount = component(
    "learning_film",
    "snapshots/snapshots.js",
    "The validation predictions",
    html=source("snapshots/snapshots.html"),
    css=source("snapshots/snapshots.css"),
)


def show_snapshots(run: runs.Run, active: bool, epoch: int | None = None, key: str = "film") -> None:
    """Image, ground truth and prediction of each example, after the latest epoch or the one that was chosen.

    A new `epoch` chooses that one.
    """
    _mount(key=key, data={"run": run.id, "active": active, "epoch": epoch, **program_address()})
