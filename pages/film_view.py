"""The learning film of a run: its probe images epoch by epoch, when each was learnt and where it was forgotten."""

from pages.components.film_strip import film_strip
from unet_core import runs


def show(run: runs.Run, active: bool, epoch: int | None) -> None:
    """Nothing where there is no film yet: the component shows itself with the first epoch."""
    film_strip(run, active, epoch)
