"""Files, folders and ZIP files from the visitor's own machine."""

from pages.components.uploader import uploader
from pages.server import paths
from pages.ui import widgets
from pages.views.data.sources.added import Added
from unet_core.errors import UnetError


def show() -> Added | None:
    """The drop zone; the dataset once everything is there."""
    uploaded = uploader("upload")
    if uploaded is None:
        return None
    try:
        return Added(paths.library().find(uploaded.name).name, uploaded.notes)
    except UnetError as error:
        widgets.show_error(error)
        return None
