"""A button that copies the address of exactly this view."""

from collections.abc import Mapping

from pages.components import component, program_address, source

_mount = component(
    "copy_link", "copy_link/copy_link.js", "The button that copies the link", css=source("copy_link/copy_link.css")
)


def show_copy_link(params: Mapping[str, str], note: str = "", key: str = "copy_link") -> None:
    """The button. The link is the address of the page with `params`: what a default leaves out of it, as the model.

    `note` says, once it is copied, what the link cannot hold.
    """
    _mount(key=key, data={"params": dict(params), "note": note, **program_address()})
