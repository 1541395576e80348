"""Files, folders and ZIPs from the visitor's own machine."""

from pages.components.uploader import uploader


def show() -> str | None:
    """The drop zone; the name of the dataset once everything is there."""
    return uploader("upload")
